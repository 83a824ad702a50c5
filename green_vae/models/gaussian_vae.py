"""What the models with one Gaussian posterior share: its draw, its KL, and a flow that may bend it."""

import math

import numpy as np
from keras import ops

from green_vae.models import losses
from green_vae.models.base import BaseVAE
from green_vae.models.codec import gaussian_noise
from green_vae.models.flows import FLOWS


class GaussianVAE(BaseVAE):
    """A Gaussian posterior and the prior N(0, I); no loss. The raw terms are "reconstruction" (squared error) and "kl".

    With posterior="iaf" the Gaussian draw goes through a flow (Kingma et al. 2016), which the encoder steers by a third
    head, "context". The KL is then the estimate log q(z|x) - log p(z) from the one z drawn: right on average, but of
    more variance, and negative for some draws. "mean" and "log_var" remain those of the Gaussian BEFORE the flow.

    Args:
        posterior: "gaussian", or a name of `green_vae.models.flows.FLOWS`.
        posterior_options: further arguments of the flow, say {"steps": 2, "widths": [64]}.
        image_shape, latent_dim, network, network_options, seed, name, dtype: as for `BaseVAE`.

    Output of a call: a dict with "mean", "log_var" and a sampled "z", each (batch, latent_dim), and "reconstruction"
    (batch, h, w, c); with a flow also "context", and "log_q", the parts of log q(z|x) unit by unit (batch, latent_dim).
    z is sampled in evaluation too: the loss is a one-sample estimate of the bound there as well.

    Raises:
        ValueError: an unknown posterior, options without a flow; and as `BaseVAE`.
    """

    kept_as = {"posterior": "posterior_name"}  # `posterior` encodes images

    def __init__(self, *, posterior="gaussian", posterior_options=None, **shared):
        if posterior not in ("gaussian", *FLOWS):
            there_is = ", ".join(FLOWS)
            raise ValueError(f"unknown posterior; choose one of gaussian, {there_is}. Received: {posterior!r}")
        if posterior == "gaussian" and posterior_options:
            raise ValueError(f"a Gaussian posterior takes no options. Received: {posterior_options}")
        self.posterior_name, self.posterior_options = posterior, dict(posterior_options or {})
        super().__init__(**shared)

    def build_flow(self):
        if self.posterior_name == "gaussian":
            return None
        self.heads = (*self.heads, "context")
        return FLOWS[self.posterior_name](self.latent_dim, self.latent_dim, name="flow", **self.posterior_options)

    def networks(self):
        flow = {} if self.flow is None else {"flow": self.flow.as_network()}
        return {"encoder": self.encoder, **flow, "decoder": self.decoder}

    def infer(self, posterior, sample, training):
        latent = self.bend(posterior, sample(posterior["mean"], posterior["log_var"]))
        return {**posterior, **latent, "reconstruction": self.decoder(latent["z"], training=training)}

    def terms(self, x, outputs):
        return {"reconstruction": losses.squared_error(x, outputs["reconstruction"]), "kl": self.kl(outputs)}

    # the posterior

    def bend(self, posterior, z):
        """A draw of the Gaussian -> {"z"}; with a flow -> {"z", "log_q"}, the draw and its density after the flow."""
        if self.flow is None:
            return {"z": z}
        log_q = self.log_density(posterior, z)
        z, log_diagonal = self.flow(z, posterior["context"])
        return {"z": z, "log_q": log_q - log_diagonal}

    def log_density(self, posterior, z):
        """log N(z | mean, exp(log_var)) unit by unit, (batch, latent_dim)."""
        mean, log_var = ops.cast(posterior["mean"], "float32"), ops.cast(posterior["log_var"], "float32")
        return -0.5 * (ops.square(z - mean) * ops.exp(-log_var) + log_var + math.log(2 * math.pi))

    def kl(self, outputs):
        """KL(q(z|x) || p(z)) in nats, (batch,): in closed form, or with a flow estimated from the z drawn."""
        if self.flow is not None:
            return self.log_ratio(outputs)
        return losses.kl_standard_normal(outputs["mean"], outputs["log_var"])

    def log_ratio(self, outputs):
        """log q(z|x) - log p(z) in nats for the z of a call's outputs: (batch,). Its mean over draws is the KL."""
        z = outputs["z"]
        prior = losses.gaussian_nll(z, ops.zeros_like(z), 0.0)
        if self.flow is not None:
            return prior + ops.sum(outputs["log_q"], axis=-1)
        return prior - losses.gaussian_nll(z, outputs["mean"], 0.5 * ops.cast(outputs["log_var"], "float32"))

    def latent_moments(self, x, batch_size=100, draws=50, seed=0):
        """Means and variances of the posterior of every latent unit, in units of its prior.

        With a flow they are estimated from draws, so that a unit that does nothing has means of variance 1 / draws.

        Returns:
            float32 (n, units) twice; under the prior itself means are 0 and variances 1.
        """
        posterior = self.posterior(x, batch_size)
        if self.flow is None:
            return posterior["mean"], np.exp(posterior["log_var"])
        rng, total, squares = np.random.default_rng(seed), 0.0, 0.0  # sums over draws, which are not kept
        for _ in range(draws):
            z = self._draw(posterior, rng).astype("float64")
            total, squares = total + z, squares + z**2
        variance = (squares - total**2 / draws) / (draws - 1)
        return (total / draws).astype("float32"), variance.astype("float32")

    def encode(self, x, sample=False, seed=0, batch_size=100):
        """Latent codes of images: posterior means, or one draw from each posterior.

        With a flow the means are those of the Gaussian before it, which are no codes for the decoder; draws are.

        Args:
            x: (n, h, w, c), uint8 or float in [0, 1].
            sample: draw from the posterior instead of taking its mean.
            seed: of the draw; the same on every backend.

        Returns:
            float32 (n, latent_dim).
        """
        posterior = self.posterior(x, batch_size)
        return self._draw(posterior, np.random.default_rng(seed)) if sample else posterior["mean"]

    def _draw(self, posterior, rng):
        z = gaussian_noise(rng)(posterior["mean"], posterior["log_var"])
        return z if self.flow is None else ops.convert_to_numpy(self.bend(posterior, z)["z"])


def check_without_flow_or_split(posterior, network_options):
    """For the constructor of a model with several levels of latent variables, which takes neither.

    Raises:
        ValueError: a flow as posterior, or a split head among the options; the message names the models that take it.
    """
    if posterior != "gaussian":
        takes = _taking("posterior", "posterior_options")
        raise ValueError(f"a flow goes on one Gaussian posterior, of {takes}. Received: posterior={posterior!r}")
    if "split" in (network_options or {}):
        takes = _taking("latent_dim", "network_options")
        raise ValueError(f"a split head goes on the decoder of {takes}. Received: network_options={network_options}")


def _taking(*arguments):
    """The names of all models with these arguments."""
    from green_vae.models import MODELS  # complete only when all modules of models are loaded

    return ", ".join(cls.__name__ for cls in MODELS.values() if set(arguments) <= set(cls.arguments()))
