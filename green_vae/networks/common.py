"""What the network builders share."""

import keras
from keras import layers


def latent_heads(x, latent_dim, heads):
    """One linear Dense per head on the flat tensor x; a dict head name -> (batch, latent_dim)."""
    return {head: layers.Dense(latent_dim, name=head)(x) for head in heads}


def normed_dense(x, width):
    """Dense, batch norm, leaky ReLU of slope 0.1: a layer of the Ladder VAE's MLPs (Sonderby et al. 2016)."""
    x = layers.BatchNormalization()(layers.Dense(width, use_bias=False)(x))  # the norm has a bias
    return layers.LeakyReLU(negative_slope=0.1)(x)


def to_image(x):
    """Sigmoid in float32 also under mixed precision: 8 bits of mantissa are too coarse for pixels."""
    return layers.Activation("sigmoid", dtype="float32", name="image")(x)


def halvings(side, seed_side):
    """How many times `side` must be halved to give `seed_side`.

    Raises:
        ValueError: `side` is not seed_side times a power of two, at least once.
    """
    steps = (side // seed_side).bit_length() - 1
    if steps < 1 or seed_side << steps != side:
        raise ValueError(f"the image side must be {seed_side} times a power of two. Received: {side}")
    return steps


def square_side(image_shape, multiple):
    """The side of a square image (h, w, c) that is a multiple of `multiple`.

    Raises:
        ValueError: not square, or not such a multiple.
    """
    height, width = image_shape[0], image_shape[1]
    if height != width or height % multiple:
        raise ValueError(f"expected square images with a side divisible by {multiple}. Received: {image_shape}")
    return height


def decoder_input(latent_dim):
    return keras.Input((latent_dim,), name="z")
