"""Encoders and decoders. No loss in here: any objective can be put on any network.

A builder takes (image_shape, latent_dim, heads, **options) and returns (encoder, decoder), functional Keras models:
the encoder maps (batch, h, w, c) to a dict with one (batch, latent_dim) tensor per head, ("mean", "log_var") for
variational models and ("z",) for deterministic ones; the decoder maps (batch, latent_dim) to images in [0, 1].
"""

from green_vae.networks import cnn, resnet

NETWORKS = {"cnn": cnn.build, "resnet": resnet.build}


def build(name, image_shape, latent_dim, heads, **options):
    """Build the network `name` of `NETWORKS`.

    Raises:
        ValueError: unknown name.
    """
    if name not in NETWORKS:
        raise ValueError(f"unknown network; choose one of {', '.join(sorted(NETWORKS))}. Received: {name!r}")
    return NETWORKS[name](tuple(image_shape), latent_dim, tuple(heads), **options)
