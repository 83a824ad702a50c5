"""The skeleton that every model of the package shares, and the plain VAE at the same time."""

import math

import keras
import numpy as np
from keras import ops

from green_vae import networks
from green_vae.models import losses
from green_vae.models.codec import Codec
from green_vae.models.flows import FLOWS
from green_vae.models.inputs import to_unit
from green_vae.models.layers import GaussianSample
from green_vae.models.train_step import TrainStep, replicas


@keras.saving.register_keras_serializable(package="green_vae")
class VAE(TrainStep, Codec, keras.Model):
    """Variational autoencoder with a Gaussian posterior and the prior N(0, I).

    loss = mean over the batch of  1/2 SSE + beta KL,  SSE the sum of squared errors over all pixels of one image.
    Source: Kingma and Welling 2014; survey, section 2; with beta = 0.024 and the "cnn" network it is the survey's
    CNN row.

    A variant overrides some of the hooks `build_networks`, `infer`, `terms`, `term_weights` and `update_schedule`;
    where training by a recipe differs, `make_optimizer`, `begin_epoch` and `end_epoch`; where its latents or its p(x|z)
    are others, `log_ratio`, `observation`, `networks`, `without_noise`, `latent_moments` and `draw`; the rest is final.
    The base multiplies terms by weights, averages over the batch, and logs the RAW terms, so that runs of
    different variants compare.

    With posterior="iaf" the Gaussian draw goes through a flow (Kingma et al. 2016), which the encoder steers by a third
    head, "context". The KL is then the estimate log q(z|x) - log p(z) from the one z drawn: right on average, but of
    more variance, and negative for some draws. "mean" and "log_var" remain those of the Gaussian BEFORE the flow.

    Args:
        image_shape: (h, w, c).
        latent_dim: size of the latent vector.
        network: a name of `green_vae.networks.NETWORKS`.
        network_options: further arguments of its builder.
        beta: weight of the KL term.
        seed: seed of the noise; None takes a random one.
        posterior: "gaussian", or a name of `green_vae.models.flows.FLOWS`.
        posterior_options: further arguments of the flow, say {"steps": 2, "widths": [64]}.

    Input of a call: images (batch, h, w, c), uint8 or float in [0, 1]. Output: a dict with "mean", "log_var" and a
    sampled "z", each (batch, latent_dim), and "reconstruction" (batch, h, w, c); with a flow also "context", and
    "log_q", the parts of log q(z|x) unit by unit (batch, latent_dim). z is sampled in evaluation too: the loss is a
    one-sample estimate of the bound there as well.

    Raises:
        ValueError: an unknown network or posterior, a flow where there is no Gaussian to bend, options without a flow,
            or images that the network cannot take.
    """

    heads = ("mean", "log_var")
    variational = True  # whether there is a posterior with a KL; else a code
    prior_only = False  # whether new codes come from the model's own priors alone, and from no fitted sampler
    logged = ("reconstruction", "kl")  # raw terms and schedule state, shown by fit() and evaluate()

    def __init__(
        self,
        image_shape=(32, 32, 3),
        latent_dim=128,
        network="cnn",
        network_options=None,
        beta=1.0,
        seed=None,
        posterior="gaussian",
        posterior_options=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape, self.latent_dim = tuple(image_shape), latent_dim
        self.network, self.network_options = network, dict(network_options or {})
        self.beta, self.seed = beta, seed
        self.posterior_name, self.posterior_options = posterior, dict(posterior_options or {})
        self.flow = self._build_flow()
        self.encoder, self.decoder = self.build_networks()
        self.parts = networks.Parts(self.decoder) if self.network_options.get("split") else None
        self.sample = GaussianSample(seed=seed, name="sample")
        self.trackers = {name: keras.metrics.Mean(name=name) for name in self.logged}
        self.built = True  # the networks are functional: weights exist, and can be loaded, from here on

    def _build_flow(self):
        """The flow of the posterior, and its head on the encoder to come; None for the Gaussian."""
        name = self.posterior_name
        if name not in ("gaussian", *FLOWS):
            raise ValueError(f"unknown posterior; choose one of gaussian, {', '.join(FLOWS)}. Received: {name!r}")
        if name == "gaussian":
            if self.posterior_options:
                raise ValueError(f"a Gaussian posterior takes no options. Received: {dict(self.posterior_options)}")
            return None
        if "mean" not in self.heads:
            why = f"{type(self).__name__} has no single Gaussian posterior for a flow to bend"
            raise ValueError(f"{why}. Received: posterior={name!r}")
        self.heads = (*self.heads, "context")
        return FLOWS[name](self.latent_dim, self.latent_dim, name="flow", **self.posterior_options)

    # hooks

    def build_networks(self):
        """-> (encoder, decoder)."""
        return networks.build(self.network, self.image_shape, self.latent_dim, self.heads, **self.network_options)

    def infer(self, posterior, training):
        """From the encoder's outputs to the dict that a call returns."""
        latent = self.bend(posterior, self.sample(posterior["mean"], posterior["log_var"]))
        return {**posterior, **latent, "reconstruction": self.decoder(latent["z"], training=training)}

    def terms(self, x, outputs):
        """Raw losses per example: a dict name -> (batch,)."""
        return {
            "reconstruction": losses.squared_error(x, outputs["reconstruction"]),
            "kl": self.kl(outputs),
        }

    def term_weights(self):
        """The factor of each term in the loss: numbers or scalar tensors."""
        return {"reconstruction": 0.5, "kl": self.beta}

    def update_schedule(self, means):
        """Move the state of a schedule after a training batch, given the batch means of the raw terms."""

    def schedule_state(self):
        """Schedule state to log: a dict of scalars whose names are in `logged`."""
        return {}

    def make_optimizer(self, **settings):
        """The optimizer that `green_vae.training` compiles with: Adam with these settings."""
        return keras.optimizers.Adam(**settings)

    def begin_epoch(self):
        """Called by `green_vae.training` before every pass over the training set."""

    def end_epoch(self, validation=None):
        """Called by `green_vae.training` after every pass, before it is saved, with the validation images if there are
        any -> numbers to log; {} for none."""
        return {}

    def log_ratio(self, outputs):
        """log q(z|x) - log p(z) in nats for the z of a call's outputs: (batch,). Its mean over draws is the KL."""
        z = outputs["z"]
        prior = losses.gaussian_nll(z, ops.zeros_like(z), 0.0)
        if self.flow is not None:
            return prior + ops.sum(outputs["log_q"], axis=-1)
        return prior - losses.gaussian_nll(z, outputs["mean"], 0.5 * ops.cast(outputs["log_var"], "float32"))

    def observation(self):
        """The p(x|z) that the model states: ("bernoulli", None), ("gaussian", sigma), or None if it states none."""
        return None

    def networks(self):
        """What a forward pass goes through: name -> functional network, in that order. Costs are counted in them."""
        flow = {} if self.flow is None else {"flow": self.flow.as_network()}
        return {"encoder": self.encoder, **flow, "decoder": self.decoder}

    def without_noise(self, x):
        """The reconstruction of float images at the posterior mean: all that a forward pass computes but the noise."""
        posterior = self.encoder(x, training=False)
        return self.decoder(self.bend(posterior, posterior["mean"])["z"], training=False)

    def latent_moments(self, x, batch_size=100, draws=50, seed=0):
        """Means and variances of the posterior of every latent unit, in units of its prior.

        With a flow they are estimated from draws, so that a unit that does nothing has means of variance 1 / draws.

        Returns:
            float32 (n, units) twice; under the prior itself means are 0 and variances 1.
        """
        posterior = self.posterior(x, batch_size)
        if self.flow is None:
            return posterior["mean"], np.exp(posterior["log_var"])
        rng = np.random.default_rng(seed)
        z = np.stack([self._draw(posterior, rng) for _ in range(draws)])
        return z.mean(axis=0), z.var(axis=0, ddof=1)

    def draw(self, n, seed=0, temperature=1.0):
        """Codes from the prior, float32 (n, latent_dim), their standard deviation times `temperature`."""
        return temperature * np.random.default_rng(seed).standard_normal((n, self.latent_dim), dtype="float32")

    # final: the posterior

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

    # final: the loss

    def call(self, inputs, training=False):
        return self.infer(self.encoder(to_unit(inputs), training=training), training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Weighted terms, averaged over the batch, plus the penalties on weights; a scalar."""
        terms = self.terms(to_unit(x), y_pred)
        weights = self.term_weights()  # before update_schedule: a batch sees the gamma of the batches before it
        means = {name: ops.mean(term) for name, term in terms.items()}
        loss = sum(weights[name] * mean for name, mean in means.items()) + sum(map(ops.sum, self.losses))
        for name, term in terms.items():
            self.trackers[name].update_state(term)
        for name, value in self.schedule_state().items():
            self.trackers[name].update_state(value)
        if training:
            self.update_schedule(means)
        return loss / replicas()

    # final: arrays at the door

    def fit(self, x=None, *args, **kwargs):
        """`keras.Model.fit`; arrays are checked first (shape, dtype, range, NaN).

        Raises:
            ValueError: images that the model cannot take.
        """
        if isinstance(x, np.ndarray):
            self.check(x)
        return super().fit(x, *args, **kwargs)

    def evaluate(self, x=None, *args, **kwargs):
        """`keras.Model.evaluate`; arrays are checked first, as by `fit`."""
        if isinstance(x, np.ndarray):
            self.check(x)
        return super().evaluate(x, *args, **kwargs)

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": list(self.image_shape),
            "latent_dim": self.latent_dim,
            "network": self.network,
            "network_options": self.network_options,
            "beta": self.beta,
            "seed": self.seed,
            "posterior": self.posterior_name,
            "posterior_options": self.posterior_options,
        }
