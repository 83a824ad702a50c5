"""One Gaussian for all latent variables: the VAE's own prior, and the same with a fitted mean and width."""

import numpy as np

from green_vae.samplers.base import Sampler


class Prior(Sampler):
    """z ~ N(0, I), the prior that a VAE is trained towards (survey, column GEN1). `fit` learns the latent shape only.

    The codes of a seed are those of `model.draw`, hence of `model.generate`.
    """

    name = "prior"

    def _fit(self, z, folder):
        pass

    def _sample(self, n, rng):
        return rng.standard_normal((n, int(np.prod(self.latent_shape_))))


class ScalarGaussian(Sampler):
    """z ~ N(mean, std^2 I), one scalar mean and one scalar std over all entries of all encodings.

    The simplest density for autoencoders without a prior, such as the RAEs of the survey (their column GEN 1).

    Attributes:
        mean_: scalar. std_: scalar, the population standard deviation (division by the number of entries).
    """

    name = "scalar_gaussian"
    learned = ("mean_", "std_")

    @property
    def min_rows(self):
        return 2

    def _fit(self, z, folder):
        self.mean_, self.std_ = z.mean(), z.std()

    def _check_restored(self, dim):
        if np.shape(self.mean_) or np.shape(self.std_) or self.std_ < 0:
            raise ValueError("a mean and a standard deviation are two numbers")

    def _sample(self, n, rng):
        return self.mean_ + self.std_ * rng.standard_normal((n, int(np.prod(self.latent_shape_))))
