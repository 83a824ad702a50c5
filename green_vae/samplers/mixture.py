"""A mixture of Gaussians fitted to the encodings (ex-post density estimation)."""

import numpy as np
from sklearn.mixture import GaussianMixture as Mixture

from green_vae.samplers.base import Sampler


class GaussianMixture(Sampler):
    """A Gaussian mixture by expectation-maximisation (scikit-learn), as of RAE (Ghosh et al., 2020) and Split-VAE.

    Args:
        n_components: number of Gaussians; 10 in the survey, 20 or 100 in Split-VAE.
        covariance_type: "full", "tied", "diag" or "spherical".
        max_iter: most EM iterations (100 in the survey, 200 in Split-VAE); scikit-learn warns if they do not suffice.
        seed: of the k-means start of `fit`. `sample` has a seed of its own.

    Attributes:
        weights_: (k,). means_: (k, d). covariances_, precisions_cholesky_: (k, d, d) for "full".
    """

    name = "gmm"
    learned = ("weights_", "means_", "covariances_", "precisions_cholesky_")

    def __init__(self, n_components=10, covariance_type="full", max_iter=100, seed=0):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.max_iter = max_iter
        self.seed = seed

    @property
    def min_rows(self):
        return max(2, self.n_components)

    def log_density(self, z):
        """Logarithm of the density at z, (n, *latent_shape) -> float64 (n,).

        Raises:
            ValueError: the sampler is not fitted, or z has another latent shape.
        """
        self._check_fitted()
        if np.shape(z)[1:] != self.latent_shape_:
            raise ValueError(f"z must have the shape (n, *{self.latent_shape_}). Received: {np.shape(z)}")
        return self._mixture().score_samples(np.reshape(z, (len(z), -1)))

    def _fit(self, z, folder):
        fitted = self._new().fit(z)
        for name in self.learned:
            setattr(self, name, getattr(fitted, name))

    def _sample(self, n, rng):
        mixture = self._mixture()
        mixture.random_state = np.random.RandomState(rng.bit_generator)
        z, _ = mixture.sample(n)
        # scikit-learn returns the samples grouped by component: without this, halves of a batch would differ.
        return rng.permutation(z)

    def _check_restored(self, dim):
        k, kind = len(self.weights_), self.covariance_type
        square = {"full": (k, dim, dim), "tied": (dim, dim), "diag": (k, dim), "spherical": (k,)}[kind]
        shapes = [getattr(self, name).shape for name in self.learned]
        if k != self.n_components or shapes != [(k,), (k, dim), square, square]:
            raise ValueError(f"arrays of the shapes {shapes} for {k} components of {dim} numbers")
        if (self.weights_ < 0).any() or not np.isclose(self.weights_.sum(), 1):
            raise ValueError("weights of components are positive, and sum to 1")

    def _new(self):
        return Mixture(
            self.n_components,
            covariance_type=self.covariance_type,
            max_iter=self.max_iter,
            random_state=self.seed,
        )

    def _mixture(self):
        """The scikit-learn object with the learned state, rebuilt so that `load` needs no pickle."""
        mixture = self._new()
        for name in self.learned:
            setattr(mixture, name, getattr(self, name))
        return mixture
