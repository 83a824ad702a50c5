"""Encoders and decoders. No loss in here: any objective can be put on any network.

A builder takes (image_shape, latent_dim, heads, channels, **options) and returns (encoder, decoder), functional Keras
models: the encoder maps (batch, h, w, c) to a dict with one (batch, latent_dim) tensor per head, ("mean", "log_var")
for variational models and ("z",) for deterministic ones; the decoder maps (batch, latent_dim) to `channels` maps of the
image's size in [0, 1].
"""

import inspect

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
        ValueError: unknown name, or an option that the network does not have.
    """
    if name not in NETWORKS:
        raise ValueError(f"unknown network; choose one of {', '.join(sorted(NETWORKS))}. Received: {name!r}")
    if unknown := sorted(options.keys() - set(options_of(name))):
        there_is = ", ".join([*options_of(name), "split"])
        raise ValueError(f"the network {name!r} has the options {there_is}. Received: {', '.join(unknown)}")
    channels = split_channels(image_shape[-1]) if split else image_shape[-1]
    encoder, decoder = NETWORKS[name](tuple(image_shape), latent_dim, tuple(heads), channels, **options)
    return encoder, recomposed(decoder) if split else decoder


def options_of(name):
    """Names of the options of a network, parts of a layout included; none of a network that there is not."""
    known = list(inspect.signature(NETWORKS[name]).parameters)[4:] if name in NETWORKS else []
    return [*known[:-1], *resnet.LAYOUTS["full"]] if known[-1:] == ["layout_options"] else known


__all__ = ["NETWORKS", "PARTS", "Parts", "build", "options_of"]
