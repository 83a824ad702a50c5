"""Ladder VAE: several levels of latent variables, whose posteriors merge what the image and the level above say."""

import math

import keras
import numpy as np
from keras import layers, ops

from green_vae.models import losses
from green_vae.models.base import BaseVAE
from green_vae.models.codec import gaussian_noise, in_units_of_the_prior, temperatures
from green_vae.models.gaussian_vae import check_without_flow_or_split
from green_vae.models.passes import as_floats
from green_vae.models.precision import dtype_policy
from green_vae.models.sigma_vae import LOWEST, softly_above
from green_vae.models.warm_up import WarmUp
from green_vae.networks.common import decoder_input, normed_dense, to_image


@keras.saving.register_keras_serializable(package="green_vae")
class LadderVAE(WarmUp, BaseVAE):
    """Ladder VAE (Sonderby et al. 2016): loss = mean over the batch of -log p(x|z_1) + w beta sum over levels of KL_i.

    Upwards, without noise:  d_i = MLP_i(d_(i-1)), d_0 = x, and from d_i an estimate N(up_mean_i, exp(up_log_var_i)).
    Downwards:  p(z_L) = N(0, I) and q(z_L|x) is the estimate itself; below, p(z_i|z_(i+1)) comes from a network of its
    own, and q(z_i|z_(i+1), x) is the product of p and the estimate, see `precision_merge` (eq. 18 and 19; the paper's
    sigma_q stands where its square belongs). KL_i = KL(q(z_i|z_(i+1), x) || p(z_i|z_(i+1))) in closed form. w rises
    linearly from 0 to 1. MLPs are twice dense, batch norm, leaky ReLU (slope 0.1); variances are softplus + 1e-5.

    z_1, the lowest level, is what a code means in `encode`, `decode` and `latent_dim`. New images come from the priors
    only: a sampler fitted on codes z_1 would leave out all levels above.

    Args:
        image_shape: (h, w, c).
        latent_dims: sizes of z_1 ... z_L, from the image upwards.
        widths: of the MLPs between image and z_1, z_1 and z_2, ..., for both directions.
        likelihood: "bernoulli": the raw "reconstruction" is the cross-entropy, in nats. "gaussian": it is the squared
            error, with the weight 1 / (2 sigma^2).
        sigma: standard deviation of a pixel, for "gaussian"; or "learned", one trained scalar log sigma, as `SigmaVAE`
            has it: the loss has the whole -log N(x | x_hat, sigma^2 I) then, logged as "nll", and "sigma".
        beta, warmup_steps, seed, name, dtype: as for `BetaVAE`; the paper warms up for 200 epochs.
        posterior, network_options: "gaussian" and none; there is no flow and no split head here.

    Output of a call, for every level i: "up_mean_i", "up_log_var_i", "mean_i", "log_var_i" (of q), "prior_mean_i",
    "prior_log_var_i" and "z_i", (batch, latent_dims[i - 1]); "z", which is z_1; and "reconstruction".

    Raises:
        ValueError: no level, not as many widths as levels, an unknown likelihood, a sigma that is not positive, one to
            be learned of no Gaussian, a flow or options.
    """

    kept_as = {"posterior": "posterior_name"}  # `posterior` encodes images

    def __init__(self, *, image_shape=(28, 28, 1), latent_dims=(64, 32, 16, 8, 4), widths=(512, 256, 128, 64, 32),
                 likelihood="bernoulli", sigma=1.0, beta=1.0, warmup_steps=0, posterior="gaussian",
                 network_options=None, seed=None, name=None, dtype=None):  # fmt: skip
        check_without_flow_or_split(posterior, network_options)
        if network_options:
            raise ValueError(f"a ladder takes widths, and no network_options. Received: {network_options}")
        if not latent_dims or len(latent_dims) != len(widths):
            raise ValueError(f"every level needs a size and a width. Received: {latent_dims} and {widths}")
        if likelihood not in losses.ERRORS:
            raise ValueError(f"likelihood must be one of {', '.join(losses.ERRORS)}. Received: {likelihood!r}")
        if sigma == "learned" and likelihood != "gaussian":
            raise ValueError(f"sigma='learned' needs likelihood='gaussian'. Received: likelihood={likelihood!r}")
        if sigma != "learned" and not sigma > 0:
            raise ValueError(f"a standard deviation is positive, or 'learned'. Received: sigma={sigma}")
        # before super().__init__, which builds the networks with them
        self.latent_dims, self.widths = tuple(latent_dims), tuple(widths)
        self.likelihood, self.sigma, self.levels = likelihood, sigma, len(latent_dims)
        self.posterior_name = posterior
        super().__init__(image_shape=image_shape, latent_dim=self.latent_dims[0], beta=beta, warmup_steps=warmup_steps,
                         seed=seed, name=name, dtype=dtype)  # fmt: skip
        with dtype_policy(self.dtype_policy):
            self.priors = [
                _prior(*pair) for pair in zip(self.latent_dims, self.latent_dims[1:], self.widths[1:], strict=False)
            ]
        if sigma == "learned":
            self.log_sigma = self.add_weight(name="log_sigma", shape=(), initializer="zeros", dtype="float32")

    prior_only = True

    @property
    def heads(self):
        return tuple(f"up_{name}_{level}" for level in self._upwards() for name in ("mean", "log_var"))

    @property
    def logged(self):
        levels = (f"kl_{level}" for level in self._upwards())
        return ("reconstruction", "kl", *levels, "kl_weight", *(("nll", "sigma") if self.sigma == "learned" else ()))

    def _upwards(self):
        return range(1, self.levels + 1)

    def build_networks(self):
        encoder = _encoder(self.image_shape, self.latent_dims, self.widths)
        return encoder, _decoder(self.image_shape, self.latent_dims[0], self.widths[0])

    # the pass downwards

    def descend(self, posterior, sample, training=False):
        """Posteriors, priors and draws of all levels, from the top to z_1.

        Args:
            posterior: the encoder's outputs.
            sample: (mean, log_var) -> z; called once per level.

        Returns:
            The outputs of a call, without those of the encoder and the reconstruction.
        """
        outputs, z = {}, None
        for level in reversed(self._upwards()):
            q = posterior[f"up_mean_{level}"], posterior[f"up_log_var_{level}"]
            if z is None:
                p = ops.zeros_like(q[0]), ops.zeros_like(q[1])
            else:
                p = self._prior_of(level, z, training)
                q = precision_merge(*q, *p)
            z = sample(*q)
            names = ("mean", "log_var", "prior_mean", "prior_log_var", "z")
            outputs |= {f"{name}_{level}": value for name, value in zip(names, (*q, *p, z), strict=True)}
        return {**outputs, "z": z}

    def _prior_of(self, level, z, training=False):
        """(mean, log_var) of p(z_level | z)."""
        prior = self.priors[level - 1](z, training=training)
        return prior["mean"], prior["log_var"]

    def infer(self, posterior, sample, training):
        latents = self.descend(posterior, sample, training)
        return {**posterior, **latents, "reconstruction": self.decoder(latents["z"], training=training)}

    def networks(self):
        priors = {f"prior_{level}": self.priors[level - 1] for level in range(self.levels - 1, 0, -1)}
        return {"encoder": self.encoder, **priors, "decoder": self.decoder}

    # the loss

    def terms(self, x, outputs):
        levels = {f"kl_{level}": losses.kl_normal(*_gaussians(level, outputs)) for level in self._upwards()}
        error = losses.ERRORS[self.likelihood](x, outputs["reconstruction"])
        terms = {"reconstruction": error, "kl": sum(levels.values()), **levels}
        if self.sigma == "learned":
            log_sigma = self._log_sigma()
            terms["nll"] = losses.gaussian_nll(x, outputs["reconstruction"], log_sigma)
            terms["sigma"] = ops.exp(log_sigma)
        return terms

    def _log_sigma(self):
        return softly_above(ops.convert_to_tensor(self.log_sigma), LOWEST)

    def term_weights(self):
        if self.sigma == "learned":
            return {"nll": 1.0, "kl": self.kl_weight()}
        weight = 1.0 if self.likelihood == "bernoulli" else 0.5 / self.sigma**2
        return {"reconstruction": weight, "kl": self.kl_weight()}  # the total; those of the levels are in it

    def log_ratio(self, outputs):
        return sum(self._log_ratio(level, outputs) for level in self._upwards())

    def _log_ratio(self, level, outputs):
        z, (mean, log_var, prior_mean, prior_log_var) = outputs[f"z_{level}"], _gaussians(level, outputs)
        q = losses.gaussian_nll(z, mean, 0.5 * log_var)
        return losses.gaussian_nll(z, prior_mean, 0.5 * prior_log_var) - q

    def observation(self):
        if self.sigma == "learned":
            return "gaussian", math.exp(float(self._log_sigma()))
        return self.likelihood, None if self.likelihood == "bernoulli" else self.sigma

    # use

    def encode(self, x, sample=False, seed=0, batch_size=100, level=1):
        """Latent codes of images: posterior means, given the means of the levels above, or one draw from the top down.

        Args:
            x, sample, seed, batch_size: as for `GaussianVAE`.
            level: 1 for z_1, which `decode` takes, ... up to the number of levels; or "all".

        Returns:
            float32 (n, latent_dims[level - 1]); for "all" a dict level -> array.

        Raises:
            ValueError: no such level.
        """
        if level != "all" and level not in self._upwards():
            raise ValueError(f"expected a level from 1 to {self.levels}, or 'all'. Received: {level!r}")
        # all images at once: the networks between the levels are small
        outputs = self.descend(self.posterior(x, batch_size), gaussian_noise(seed, float(sample)))
        codes = {number: as_floats(outputs[f"z_{number}"]) for number in self._upwards()}
        return codes if level == "all" else codes[level]

    def latent_moments(self, x, batch_size=100, draws=50, seed=0, level="all"):
        """Means and variances of q(z_i|z_(i+1), x) in units of the prior p(z_i|z_(i+1)), one draw of the levels above
        given: the KL of a unit is that of these numbers to N(0, 1).

        Args:
            x, batch_size, seed: as for `GaussianVAE`; draws changes nothing.
            level: from 1 to the number of levels; or "all", side by side from z_1 upwards.

        Returns:
            float32 (n, units) twice.
        """
        outputs = self.descend(self.posterior(x, batch_size), gaussian_noise(seed, 1.0))
        levels = self._upwards() if level == "all" else [level]
        pairs = [in_units_of_the_prior(*map(as_floats, _gaussians(number, outputs))) for number in levels]
        return tuple(np.concatenate(side, axis=1) for side in zip(*pairs, strict=True))

    def draw(self, n, seed=0, temperature=1.0):
        """z_1 from the priors, from the top down; float32 (n, latent_dim).

        Args:
            temperature: factor on the standard deviations: a number, or one per level, z_1 first.

        Raises:
            ValueError: another number of temperatures.
        """
        factors = temperatures(temperature, self.levels)
        rng, z = np.random.default_rng(seed), np.zeros((n, self.latent_dims[-1]), "float32")
        return self.draw_below(self.levels, gaussian_noise(rng, factors[-1])(z, z), rng, factors)

    def draw_below(self, level, z, seed=0, temperature=1.0):
        """z_1 from the priors below a level whose codes are held: what that level and those above leave open.

        Args:
            level: from 1, whose codes are given back, to the number of levels.
            z: codes of that level, (n, latent_dims[level - 1]).
            seed: int, or a generator of NumPy. temperature: as for `draw`.

        Returns:
            float32 (n, latent_dim).

        Raises:
            ValueError: no such level, codes of another size, or another number of temperatures.
        """
        if level not in self._upwards() or np.ndim(z) != 2 or np.shape(z)[1] != self.latent_dims[level - 1]:
            sizes = dict(zip(self._upwards(), self.latent_dims, strict=True))
            raise ValueError(f"give codes of a level, {sizes}. Received: level={level!r}, codes of shape {np.shape(z)}")
        factors, rng = temperatures(temperature, self.levels), np.random.default_rng(seed)
        for lower in range(level - 1, 0, -1):
            z = gaussian_noise(rng, factors[lower - 1])(*self._prior_of(lower, z))
        return as_floats(z)


def precision_merge(mean_a, log_var_a, mean_b, log_var_b):
    """(mean, log variance) of the normalised product of two diagonal Gaussians: precisions add, means are weighted
    by precision (Sonderby et al. 2016, eq. 18 and 19). All of one shape.
    """
    log_weight = ops.log_sigmoid(log_var_b - log_var_a)  # of a: v_b / (v_a + v_b), however far apart they are
    weight = ops.exp(log_weight)
    return weight * mean_a + (1.0 - weight) * mean_b, log_var_a + log_weight


def _gaussians(level, outputs):
    """mean, log_var, prior mean and prior log_var of a level."""
    return tuple(outputs[f"{name}_{level}"] for name in ("mean", "log_var", "prior_mean", "prior_log_var"))


# networks


@keras.saving.register_keras_serializable(package="green_vae")
def log_softplus(x):
    """log(softplus(x) + 1e-5): a linear unit as the log of a variance."""
    return ops.log(ops.softplus(x) + 1e-5)


def _mlp(x, width):
    return normed_dense(normed_dense(x, width), width)


def _gaussian(x, dim, mean, log_var):
    """Two heads, float32 under every policy."""
    raw = layers.Dense(dim, dtype="float32", name=f"raw_{log_var}")(x)
    return {
        mean: layers.Dense(dim, dtype="float32", name=mean)(x),
        log_var: layers.Activation(log_softplus, dtype="float32", name=log_var)(raw),
    }


def _encoder(image_shape, latent_dims, widths):
    image = keras.Input(image_shape, name="image")
    x, heads = layers.Flatten()(image), {}
    for level, (dim, width) in enumerate(zip(latent_dims, widths, strict=True), start=1):
        x = _mlp(x, width)
        heads |= _gaussian(x, dim, f"up_mean_{level}", f"up_log_var_{level}")
    return keras.Model(image, heads, name="encoder")


def _prior(dim, dim_above, width):
    z = decoder_input(dim_above)
    return keras.Model(z, _gaussian(_mlp(z, width), dim, "mean", "log_var"), name=f"prior_{dim}")


def _decoder(image_shape, latent_dim, width):
    z = decoder_input(latent_dim)
    pixels = layers.Dense(math.prod(image_shape))(_mlp(z, width))
    return keras.Model(z, to_image(layers.Reshape(image_shape)(pixels)), name="decoder")
