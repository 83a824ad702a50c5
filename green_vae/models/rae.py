"""Regularised autoencoders (Ghosh et al. 2020): as the formulas say, and as their code and the survey's have them."""

import keras
from keras import ops

from green_vae import networks
from green_vae.models import losses
from green_vae.models.autoencoder import Autoencoder
from green_vae.models.jacobian import decode_with_jacobian
from green_vae.models.train_step import decode_with_gradient
from green_vae.utils.arguments import check_factors

REGULARIZERS = ("l2", "gp", "sn")
L2_WEIGHTS = ("stride2", "transposed", "decoder")
SN_LAYERS = ("decoder", "all")
GRADIENTS = ("summed_squares", "jacobian", "hutchinson")


@keras.saving.register_keras_serializable(package="green_vae")
class RAE(Autoencoder):
    """Deterministic autoencoder whose codes and decoder are regularised instead of noised.

    loss = mean over the batch of  1/2 SSE + latent_weight * 1/2 sum z^2 + regularizer_weight * R, R one of

    * "l2" on "decoder": ||theta||^2, the sum of squares of all trained weights of the decoder: the formula;
    * "l2" on "stride2": that of the kernels of the stride-2 transposed convolutions of the network "cnn" alone: the
      code of the survey. Batch norm follows them and undoes their scale, so that it changes the rate at which they
      learn and not what the decoder can do;
    * "l2" on "transposed": these and the kernel of the last transposed convolution, which gives the image: the code of
      Ghosh et al.;
    * "gp" of the "jacobian": ||J||^2, the squared Frobenius norm of the Jacobian of decoder(z): the formula. It takes
      latent_dim passes of the decoder;
    * "gp" by "hutchinson": the same on average, ||J v||^2 with one random vector v of signs for each code and batch
      (Hutchinson 1990), for one pass. The generator of the signs is saved;
    * "gp" of the "summed_squares": sum over latent units i of (d/dz_i of the sum over pixels of decoder(z)^2)^2: the
      code of both. It is ||2 J^T decoder(z)||^2, which sees an image change only along itself;
    * "sn" on the "decoder": spectral normalisation of every layer of it (no term in the loss); on "all": of the
      network "cnn"'s encoder, too, which is the code of Ghosh et al.

    Source: Ghosh et al. 2020, section 3; survey, section on RAE, with its weights. See `models.jacobian` for what batch
    norm means to J.

    Args:
        image_shape, latent_dim, network, network_options, seed: as for `Autoencoder`.
        regularizer: "l2", "gp" or "sn".
        latent_weight: weight of 1/2 sum z^2.
        regularizer_weight: weight of the regulariser; nothing to weigh for "sn".
        l2_on: of "l2", the weights that are penalised: "stride2", "transposed" or "decoder".
        sn_on: of "sn", the layers that are normalised: "decoder" or "all".
        gradient: of "gp": "summed_squares", "jacobian" or "hutchinson".

    Raises:
        ValueError: an unknown regulariser or form of it, a form of another regulariser, or a network without the layers
            that it is of.
    """

    def __init__(self, *, regularizer="l2", latent_weight=1e-3, regularizer_weight=1e-6, l2_on="stride2",
                 sn_on="decoder", gradient="summed_squares", **shared):  # fmt: skip
        if regularizer not in REGULARIZERS:
            raise ValueError(f"regularizer must be one of {', '.join(REGULARIZERS)}. Received: {regularizer!r}")
        _check_form(regularizer, "l2", "l2_on", l2_on, L2_WEIGHTS)
        _check_form(regularizer, "sn", "sn_on", sn_on, SN_LAYERS)
        _check_form(regularizer, "gp", "gradient", gradient, GRADIENTS)
        check_factors(latent_weight=latent_weight, regularizer_weight=regularizer_weight)
        # before super().__init__, which builds the networks with them
        self.regularizer, self.latent_weight, self.regularizer_weight = regularizer, latent_weight, regularizer_weight
        self.l2_on, self.sn_on, self.gradient = l2_on, sn_on, gradient
        super().__init__(**shared)

    @property
    def penalty(self):
        """Name of the term that weighs the regulariser; None where it is none, but one of layers."""
        if self.regularizer == "gp":
            return "gradient_penalty"
        return "squared_weights" if (self.regularizer, self.l2_on) == ("l2", "decoder") else None

    @property
    def logged(self):
        names = ("reconstruction", "latent")
        return (*names, self.penalty) if self.penalty else names

    def build_networks(self):
        further = {}
        if self.regularizer == "sn":
            further = {"spectral_norm": self.sn_on}
        elif self.regularizer == "l2" and self.l2_on != "decoder":
            last = {"output_l2": self.regularizer_weight} if self.l2_on == "transposed" else {}
            further = {"transposed_l2": self.regularizer_weight, **last}
        if self.network in networks.NETWORKS and not further.keys() <= set(networks.options_of(self.network)):
            able = [name for name in networks.NETWORKS if further.keys() <= set(networks.options_of(name))]
            hint = "; l2_on='decoder' goes with any" if self.regularizer == "l2" else ""
            form = f"regularizer={self.regularizer!r} needs layers of the network {', '.join(able)}{hint}"
            raise ValueError(f"{form}. Received: network={self.network!r}")
        return super().build_networks(**further)

    def infer(self, posterior, sample, training):
        if self.regularizer != "gp":
            return super().infer(posterior, sample, training)
        z = posterior["z"]
        if self.gradient == "summed_squares":
            images, gradient = decode_with_gradient(self.decoder, z, training)
            return {"z": z, "reconstruction": images, "gradient": gradient}
        signs = ops.sign(sample(ops.zeros_like(z), ops.zeros_like(z))) if self.gradient == "hutchinson" else None
        images, squared = decode_with_jacobian(self.decoder, z, signs, training)
        return {"z": z, "reconstruction": images, "squared_jacobian": squared}

    def terms(self, x, outputs):
        terms = {**super().terms(x, outputs), "latent": losses.half_squared_norm(outputs["z"])}
        if "gradient" in outputs:
            terms["gradient_penalty"] = ops.sum(ops.square(ops.cast(outputs["gradient"], "float32")), axis=-1)
        if "squared_jacobian" in outputs:
            terms["gradient_penalty"] = outputs["squared_jacobian"]
        if self.penalty == "squared_weights":
            weights = (ops.cast(weight, "float32") for weight in self.decoder.trainable_weights)
            terms["squared_weights"] = sum(ops.sum(ops.square(weight)) for weight in weights)
        return terms

    def term_weights(self):
        penalty = {self.penalty: self.regularizer_weight} if self.penalty else {}
        return {**super().term_weights(), "latent": self.latent_weight, **penalty}


def _check_form(regularizer, of, name, value, known):
    """Raises ValueError for an unknown form of a regulariser, or one that is not the first and not of `regularizer`."""
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}. Received: {value!r}")
    if value != known[0] and regularizer != of:
        raise ValueError(f"{name} needs regularizer={of!r}. Received: {name}={value!r} with {regularizer!r}")
