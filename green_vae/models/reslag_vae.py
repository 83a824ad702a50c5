"""ResLag-VAE: a lagging sigma-VAE whose encoder reaches the latent vector from every level."""

import keras

from green_vae.models.lagging_vae import LaggingVAE

ORIGINAL = {32: (16, 64, None), 64: (4, 16, 64, None)}  # side of the image -> channels of the side branches


@keras.saving.register_keras_serializable(package="green_vae")
class ResLagVAE(LaggingVAE):
    """`LaggingVAE` on the multi-level networks of `green_vae.networks.reslag`. One latent vector holds all levels, so
    any sampler fits it. By default the light version for 32x32 images; ratio 5 for 20 epochs, as on CIFAR-10.

    Source: Boon 2023, "Simple Training Objective of Variational Autoencoder with Detailed Reconstructions".

    Args: as for `LaggingVAE`. network_options: of the network, say {"sides": ORIGINAL[32]} for the original version.
    """

    def __init__(self, *, image_shape=(32, 32, 3), latent_dim=100, network="reslag", ratio=5, aggressive_epochs=20,
                 **shared):  # fmt: skip
        shape = {"image_shape": image_shape, "latent_dim": latent_dim, "network": network}
        super().__init__(**shape, ratio=ratio, aggressive_epochs=aggressive_epochs, **shared)
