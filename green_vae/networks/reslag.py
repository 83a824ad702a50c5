"""The multi-level networks of ResLag-VAE: every block of the encoder has a side branch of its own to the latent vector.

The encoder's blocks end at half the side of the block before. A side branch narrows the output of its block; all are
flattened and joined before the heads. The decoder makes one map per level from the latent vector; going up, the main
path takes in the map of a level with the share that leaves all of them with the same weight: 1/2, 1/3, 1/4.

Light and original differ in the widths of the side branches. With `sides` None there are none, and the trunk alone is
left. Counts of the study are of trainable parameters. Source: Boon 2023, Figure 4, text and the author's code.
"""

import math

import keras
from keras import layers

from green_vae.networks.common import decoder_input, latent_heads, sigma_heads, square_side, to_image

CELEBA = ((32, 64, 64), (128, 128), (256, 256, 256), (256, 256))
CIFAR = ((64, 64, 64), (128, 128), (256, 256, 256))


def build(
    image_shape, latent_dim, heads, channels, blocks=CIFAR, sides=(1, 4, 16), side_kernel=3, log_sigma=None, base=64
):
    """Encoder and decoder.

    Args:
        image_shape: (h, w, c), square, the side divisible by 2 for every block.
        latent_dim: size of the latent vector.
        heads: names of the encoder's outputs.
        channels: of the decoder's output.
        blocks: channels of the convolutions of each block, for a `base` of 64; the last of a block has stride 2.
        sides: channels of each side branch; None in the last place takes the last block's output as it is; None in
            the place of all leaves only that.
        side_kernel: of the last side branch: 3 in the study's code, 1 in its text and figure. The others have 1.
        log_sigma: (lowest, highest) of the second head.
        base: factor on all `blocks`, in 64ths.

    Raises:
        ValueError: not one side branch for each block, or images that the blocks do not fit.
    """
    blocks = tuple(tuple(width * base // 64 for width in block) for block in blocks)
    sides = (*[0] * (len(blocks) - 1), None) if sides is None else tuple(sides)  # 0: no branch
    if len(sides) != len(blocks):
        raise ValueError(f"expected a side branch for each of {len(blocks)} blocks. Received: {sides}")
    side = square_side(image_shape, 1 << len(blocks))
    encoder = _encoder(image_shape, latent_dim, heads, blocks, sides, side_kernel, log_sigma)
    return encoder, decoder(latent_dim, channels, blocks, sides, side)


def norm(x):
    """Batch norm with PyTorch's momentum of 0.1 and epsilon."""
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def _norm_leaky(x):
    return layers.LeakyReLU(0.1)(norm(x))


def _encoder(image_shape, latent_dim, heads, blocks, sides, side_kernel, log_sigma):
    x = image = keras.Input(image_shape, name="image")
    levels = []
    for block, width in zip(blocks, sides, strict=True):
        for channels in block[:-1]:
            x = _norm_leaky(layers.Conv2D(channels, 3, padding="same")(x))
        x = _norm_leaky(layers.Conv2D(block[-1], 4, strides=2, padding="same")(x))
        if width is None:
            levels.append(layers.Flatten()(x))
        elif width:
            kernel = side_kernel if len(levels) == len(blocks) - 1 else 1
            levels.append(layers.Flatten()(_norm_leaky(layers.Conv2D(width, kernel, padding="same")(x))))
    joined = layers.Concatenate()(levels) if len(levels) > 1 else levels[0]
    if "log_var" not in heads:
        return keras.Model(image, latent_heads(joined, latent_dim, heads), name="encoder")
    return keras.Model(image, sigma_heads(joined, latent_dim, heads, log_sigma, zero=True), name="encoder")


def decoder(latent_dim, channels, blocks, sides, side):
    """The decoder: (batch, latent_dim) -> (batch, side, side, channels).

    Args:
        latent_dim, channels: as for `build`.
        blocks: channels of the encoder's blocks, which the decoder mirrors.
        sides: channels of the side branches, None for the block's own, 0 for no branch.
        side: of the images.
    """
    z, x = decoder_input(latent_dim), None
    mirrored = [width for block in blocks for width in block]
    for level in reversed(range(len(blocks))):
        branch = _branch(z, side >> (level + 1), sides[level], blocks[level][-1])
        if x is None:
            x = branch
        elif branch is not None:
            share = 1 / (len(blocks) - level)  # of as many paths as have come together here
            x = layers.Add()([layers.Rescaling(1 - share)(x), layers.Rescaling(share)(branch)])
        start = sum(map(len, blocks[:level]))
        widths = mirrored[max(start - 1, 0) : start + len(blocks[level]) - 1][::-1]
        for index, width in enumerate(widths):
            x = _norm_leaky(layers.Conv2DTranspose(width, 3, strides=1 if index else 2, padding="same")(x))
    x = layers.Conv2DTranspose(channels, 3, padding="same")(x)
    return keras.Model(z, to_image(x), name="decoder")


def _branch(z, side, width, raised):
    """A level's map, (side, side, raised); None if it has none. The study splits one dense layer, which is the same."""
    if width == 0:
        return None
    shape = (side, side, width or raised)
    x = layers.Reshape(shape)(layers.Dense(math.prod(shape), activation="relu")(z))
    return layers.Conv2D(raised, 1)(x) if width else x
