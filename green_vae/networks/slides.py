"""The slides' convolutional networks: stride-2 convolutions down, transposed ones up, a convolution to fit.

With kernels of 2 for 28x28 digits (sides 28, 15, 8, 5, 3, and back 5, 9, 17, 33, cut to 28 by a 6x6 convolution), with
kernels of 3 for 64x64 faces (sides 64 ... 2 ... 64, then a 1x1 convolution). The parameters counted of the slides' code
are trainable ones: batch norm has 2 per channel in them. Source: the code of the slides' author; the slides name only
the family, the data and the latent size.
"""

import keras
from keras import layers, ops

from green_vae.networks.common import decoder_input, latent_heads, square_side, to_image


def build(image_shape, latent_dim, heads, channels, widths=(32, 64, 128, 256), kernel=2, log_var_cap=None):
    """Encoder and decoder.

    Args:
        image_shape: (h, w, c), square.
        latent_dim: size of the latent vector.
        heads: names of the encoder's outputs.
        channels: of the decoder's output.
        widths: channels of the encoder's convolutions; the decoder has them in reverse.
        kernel: side of all kernels but the last: 2 or 3.
        log_var_cap: highest value of the head "log_var"; None for none. Under a KL weight near 0 little holds it, and
            its exponential overflows beyond 88.

    Raises:
        ValueError: images that are not square, or another kernel.
    """
    if kernel not in (2, 3):
        raise ValueError(f"kernels of the slides are 2 or 3. Received: {kernel}")
    side = square_side(image_shape, 1)
    x = image = keras.Input(image_shape, name="image")
    for width in widths:
        x = _norm_relu(layers.Conv2D(width, kernel, strides=2)(layers.ZeroPadding2D()(x)))
    outputs = latent_heads(layers.Flatten()(x), latent_dim, heads)
    if log_var_cap is not None:
        outputs["log_var"] = ops.minimum(outputs["log_var"], log_var_cap)
    encoder = keras.Model(image, outputs, name="encoder")
    return encoder, _decoder(x.shape[1:], side, latent_dim, (*reversed(widths[:-1]), channels), kernel)


def _decoder(seed, side, latent_dim, widths, kernel):
    z = decoder_input(latent_dim)
    x = layers.Reshape(seed)(layers.Dense(seed[0] * seed[1] * seed[2])(z))
    for width in widths:
        x = _norm_relu(_up(x, width, kernel))
    surplus = x.shape[1] - side
    return keras.Model(z, to_image(layers.Conv2D(widths[-1], surplus + 1)(x)), name="decoder")


def _up(x, width, kernel):
    """Transposed convolution with padding 1 and output padding 1 in PyTorch's words: sides n -> 2 n + kernel - 3."""
    whole = layers.Conv2DTranspose(width, kernel, strides=2)(x)
    return layers.Cropping2D(((1, 0), (1, 0)))(whole)


def _norm_relu(x):
    return layers.Activation("relu")(layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x))
