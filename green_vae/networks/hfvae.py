"""HFVAE, a hierarchical VAE whose latent vectors act on whole maps by FiLM (survey, section on HFVAE).

This is the network of the authors' code. Its counts are NOT those that the survey publishes: 41,805,257 parameters
instead of 48,113,051, and 23,575,615 instead of 27,139,755.
"""

import keras
from keras import layers

from green_vae.networks.common import halvings, square_side, to_image
from green_vae.networks.hierarchy import (
    Group,
    assemble,
    encoder_cell,
    norm_swish,
    pair,
    squeeze_excitation,
    survey_hidden,
)


def build(image_shape, base=64, latent_dim=64, group_dim=12, scales=4):
    """Encoder, bidirectional network and decoder: one group of latent variables per scale.

    Args:
        image_shape: (h, w, c), square, the side a multiple of 2^scales.
        base: channels at full size; they double with every halving.
        latent_dim: size of the innermost z.
        group_dim: size of the latent vector of every other group.
        scales: how many halvings; there are scales - 1 groups below z.

    Raises:
        ValueError: an image size that does not fit.
    """
    side = square_side(image_shape, 2**scales) >> scales
    halvings(image_shape[0], side)
    widths = [base << scale for scale in range(scales, 0, -1)]  # of the maps, from the inside outwards
    encoder = _encoder(image_shape, latent_dim, base, scales)
    sides = [side << step for step in range(1, scales)]
    groups = [
        _group(side // 2, above, width, group_dim, number)
        for number, (side, above, width) in enumerate(zip(sides, widths, widths[1:], strict=False), 1)
    ]
    seed, output = _seed(latent_dim, side, widths[0]), _output(image_shape, widths[-1], base)
    return encoder, *assemble(latent_dim, seed, groups, output)


def _encoder(image_shape, latent_dim, base, scales):
    image, kept = keras.Input(image_shape, name="image"), []
    x = layers.Conv2D(base, 1)(image)
    for scale in range(1, scales + 1):
        x = layers.Conv2D(base << scale, 3, strides=2, padding="same")(x)
        x = encoder_cell(x)
        kept.append(x)
    heads = pair(layers.GlobalAveragePooling2D()(kept.pop()), _dense(latent_dim))
    return keras.Model(
        image, {**heads, **{f"features_{n}": x for n, x in enumerate(reversed(kept), 1)}}, name="encoder"
    )


def _dense(units):
    return lambda name: layers.Dense(units, dtype="float32", name=name)


def _seed(latent_dim, side, width):
    z = keras.Input((latent_dim,))
    return keras.Model(z, layers.Reshape((side, side, width))(layers.Dense(side * side * width)(z)), name="seed")


def _up(x, width):
    return layers.Conv2DTranspose(width, 3, strides=2, padding="same", activation="swish")(x)


def decoder_cell(x):
    """x + SE([norm, swish, depthwise 5x5, norm, swish, conv 1x1])."""
    main = layers.DepthwiseConv2D(5, padding="same")(norm_swish(x))
    main = layers.Conv2D(x.shape[-1], 1)(norm_swish(main))
    return layers.Add()([x, squeeze_excitation(main, survey_hidden(x.shape[-1]))])


def _group(side, above, width, group_dim, number):
    """The step up from a map (side, side, above), and the group on the map (2 side, 2 side, width)."""
    inner = keras.Input((side, side, above))
    x = decoder_cell(_up(inner, width))
    heads = pair(layers.GlobalAveragePooling2D()(x), _dense(group_dim))
    prior = keras.Model(inner, {"map": x, **heads}, name=f"prior_{number}")

    x, features = keras.Input(x.shape[1:]), keras.Input(x.shape[1:])
    pooled = layers.GlobalAveragePooling2D()(layers.Concatenate()([x, features]))
    delta = keras.Model([x, features], pair(pooled, _dense(group_dim)), name=f"delta_{number}")

    x, z = keras.Input(x.shape[1:]), keras.Input((group_dim,))
    factor, shift = (
        layers.Reshape((1, 1, width))(layers.Dense(width, name=f"film_{of}")(z)) for of in ("factor", "shift")
    )
    bent = layers.Add()([layers.Multiply()([x, factor]), shift])
    return Group(
        prior, delta, keras.Model([x, z], layers.Conv2D(width, 3, padding="same")(bent), name=f"merge_{number}")
    )


def _output(image_shape, width, base):
    x = keras.Input((image_shape[0] // 2, image_shape[1] // 2, width))
    image = layers.Conv2DTranspose(image_shape[-1], 3, padding="same")(_up(x, base))
    return keras.Model(x, to_image(image), name="output")
