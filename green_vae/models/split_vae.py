"""Split-VAE: a VAE whose decoder gives two images and a map that mixes them. Nobody tells it how to divide an image."""

import keras

from green_vae.models.gamma_vae import ComputedGammaVAE

# the "light" encoder with swish, log variance as the head itself, and a scale block at full resolution in the decoder
BACKBONE = {
    "base": 64,
    "layout": "light",
    "full_resolution": True,
    "activation": "swish",
    "upsample": "transposed",
    "log_sigma_head": False,
    "projection": 512,
}


@keras.saving.register_keras_serializable(package="green_vae")
class SplitVAE(ComputedGammaVAE):
    """Computed-gamma VAE whose decoder gives a map, an image x1 and an image x2: x = map x1 + (1 - map) x2.

    loss = mean over the batch of  1/2 SSE(x) / gamma + beta KL. Nothing is asked of map, x1 or x2 alone: how an image
    is divided is up to the network, and differs from run to run. `generate(n, part="x1")`, `decode` and `reconstruct`
    give the parts. Source: Asperti, Bugo, Filippini 2022, section 3; beta 8 for MNIST, 3 for CIFAR-10 and CelebA.

    The head alone goes on any model and network here: `VAE(network_options={"split": True})`.

    Args: as for `ComputedGammaVAE`. network_options add to the paper's backbone, or replace parts of it.
    """

    def __init__(
        self, *, image_shape=(32, 32, 3), latent_dim=200, network="resnet", network_options=None, beta=3.0, **shared
    ):
        backbone = BACKBONE if network == "resnet" else {}
        options = {**backbone, **(network_options or {}), "split": True}
        shape = {"image_shape": image_shape, "latent_dim": latent_dim}
        super().__init__(**shape, network=network, network_options=options, beta=beta, **shared)
