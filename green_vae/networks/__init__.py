"""Encoders and decoders. No loss in here: any objective can be put on any network.

A builder takes (image_shape, latent_dim, heads, channels, **options) and returns (encoder, decoder), functional Keras
models: the encoder maps (batch, h, w, c) to a dict with one (batch, latent_dim) tensor per head, ("mean", "log_var")
for variational models and ("z",) for deterministic ones; the decoder maps (batch, latent_dim) to `channels` maps of the
image's size in [0, 1].
"""

from green_vae.networks import boon, cnn, mlp, reslag, resnet, slides
from green_vae.networks.split import PARTS, Parts, recomposed, split_channels

NETWORKS = {
    "boon": boon.build,
    "cnn": cnn.build,
    "mlp": mlp.build,
    "reslag": reslag.build,
    "resnet": resnet.build,
    "slides": slides.build,
}


def build(name, image_shape, latent_dim, heads, split=False, **options):
    """Build the network `name` of `NETWORKS`.

    Args:
        image_shape: (h, w, c).
        latent_dim: size of the latent vector.
        heads: names of the encoder's outputs.
        split: put a split head on the decoder, see `green_vae.networks.split`.
        options: of the builder.

    Raises:
        ValueError: unknown name.
    """
    if name not in NETWORKS:
        raise ValueError(f"unknown network; choose one of {', '.join(sorted(NETWORKS))}. Received: {name!r}")
    channels = split_channels(image_shape[-1]) if split else image_shape[-1]
    encoder, decoder = NETWORKS[name](tuple(image_shape), latent_dim, tuple(heads), channels, **options)
    return encoder, recomposed(decoder) if split else decoder


__all__ = ["NETWORKS", "PARTS", "Parts", "build"]
