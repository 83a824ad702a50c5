"""NVAE as the survey trained it: one scale, latent maps of half the image's side (survey, row NVAE-z10-b100-l4).

The first public revision of the authors' code has 8,307,921 parameters and 4479 MFLOPs at the row's setting. The
survey publishes 8,305,521 and 4478. Both published numbers come out without one of the two norms over the expanded
channels of the last cell. That edit is inferred. `final_norms=1` asks for it.
"""

import keras
from keras import layers

from green_vae.networks.common import square_side, to_image
from green_vae.networks.hierarchy import (
    Group,
    assemble,
    encoder_cell,
    flat,
    pair,
    squeeze_excitation,
    survey_hidden,
)

EXPANSION = 6  # of the decoder's cells


def build(image_shape, base=100, group_dim=10, groups=4, final_norms=2):
    """Encoder, bidirectional network and decoder.

    Args:
        image_shape: (h, w, c), square, of even side.
        base: channels at full size; twice as many where the latents are.
        group_dim: channels of every latent map, (h / 2, w / 2, group_dim). The innermost is given as a vector.
        groups: how many, the innermost included.
        final_norms: 2 as in the public code, 1 for the survey's counts.

    Raises:
        ValueError: an image size that does not fit, or another number of norms.
    """
    side = square_side(image_shape, 2) // 2
    if final_norms not in (1, 2):
        raise ValueError(f"final_norms is 2, the public code, or 1, the survey's counts. Received: {final_norms}")
    encoder = _encoder(image_shape, base, group_dim, groups)
    seed = _seed(side, base, group_dim)
    widths = [2 * base + group_dim * step for step in range(groups)]  # every group leaves its z in the map
    below = [_group(side, 2 * base, width, group_dim, number) for number, width in enumerate(widths[:-1], 1)]
    return encoder, *assemble(
        side * side * group_dim, seed, below, _output(image_shape, side, widths[-1], base, final_norms)
    )


def _conv(channels):
    return lambda name: layers.Conv2D(channels, 3, padding="same", dtype="float32", name=name)


def _encoder(image_shape, base, group_dim, groups):
    image, kept = keras.Input(image_shape, name="image"), []
    x = layers.BatchNormalization()(layers.Conv2D(base, 3, padding="same")(image))
    x = layers.Conv2D(2 * base, 3, strides=2, padding="same")(x)
    for _ in range(groups):
        x = layers.Conv2D(2 * base, 3, padding="same", activation="swish")(encoder_cell(x))
        kept.append(x)
    conv = _conv(group_dim)
    heads = flat(pair(kept.pop(), lambda name: conv(f"{name}_map")))
    return keras.Model(
        image, {**heads, **{f"features_{n}": x for n, x in enumerate(reversed(kept), 1)}}, name="encoder"
    )


def _seed(side, base, group_dim):
    z = keras.Input((side * side * group_dim,))
    x = layers.Reshape((side, side, group_dim))(z)
    x = layers.Conv2DTranspose(2 * base, 3, padding="same", activation="swish")(x)
    return keras.Model(z, x, name="seed")


def decoder_cell(x, norms=2):
    """x + SE(inverted residual): [norm, 1x1 to 6c, norm, swish, depthwise 5x5, norm, swish, 1x1 to c, norm].

    norms=1 leaves out the norm behind the first convolution.
    """
    channels = x.shape[-1]
    main = layers.Conv2D(EXPANSION * channels, 1)(layers.BatchNormalization()(x))
    main = layers.BatchNormalization()(main) if norms == 2 else main
    main = layers.DepthwiseConv2D(5, padding="same")(layers.Activation("swish")(main))
    main = layers.Activation("swish")(layers.BatchNormalization()(main))
    main = layers.BatchNormalization()(layers.Conv2D(channels, 1)(main))
    return layers.Add()([x, squeeze_excitation(main, survey_hidden(channels))])


def _group(side, features, width, group_dim, number):
    inner = keras.Input((side, side, width))
    x = layers.Conv2D(width, 3, padding="same", activation="relu")(decoder_cell(inner))
    prior = keras.Model(inner, {"map": x, **pair(x, _conv(group_dim))}, name=f"prior_{number}")

    x, told = keras.Input(x.shape[1:]), keras.Input((side, side, features))
    delta = pair(layers.Concatenate()([x, told]), _conv(group_dim))
    delta = keras.Model([x, told], delta, name=f"delta_{number}")

    x, z = keras.Input(x.shape[1:]), keras.Input((side, side, group_dim))
    return Group(prior, delta, keras.Model([x, z], layers.Concatenate()([x, z]), name=f"merge_{number}"))


def _output(image_shape, side, width, base, final_norms):
    inner = keras.Input((side, side, width))
    x = layers.Conv2DTranspose(base, 3, strides=2, padding="same", activation="swish")(inner)
    x = layers.Conv2D(base, 3, padding="same", activation="relu")(decoder_cell(x, final_norms))
    return keras.Model(inner, to_image(layers.Conv2DTranspose(image_shape[-1], 3, padding="same")(x)), name="output")
