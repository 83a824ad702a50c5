"""Plain convolutional VAE and RAE (survey, Figures 6 and 8; the layout of Ghosh et al. 2020).

Kernels of 4, batch norm and ReLU after every convolution but the last. Batch norm is not in the survey's text;
it is in its code and in its counts.
"""

import keras
from keras import layers

from green_vae.networks.common import decoder_input, halvings, latent_heads, square_side, to_image


def build(
    image_shape,
    latent_dim,
    heads,
    channels,
    base=128,
    seed_side=8,
    seed_norm=True,
    centred=False,
    transposed_l2=0.0,
    output_l2=0.0,
    spectral_norm="",
):
    """Encoder and decoder.

    Args:
        image_shape: (h, w, c), square, side divisible by 16.
        latent_dim: size of the latent vector.
        heads: names of the encoder's outputs.
        channels: of the decoder's output.
        base: channels of the first convolution; they double three times.
        seed_side: side of the first map of the decoder, which has 8 * base channels. 8 except where the survey's
            own parameter count needs 16 (CNN on CelebA) and for MNIST (4).
        seed_norm: batch norm and ReLU between the decoder's dense layer and its first transposed convolution, as the
            survey's counts have them; False for neither, as in the code of Ghosh et al.
        centred: the encoder maps [0, 1] to [-1, 1] first, as in the code of Ghosh et al.
        transposed_l2: L2 penalty on the kernels of the stride-2 transposed convolutions (L2-RAE).
        output_l2: the same on the kernel of the last convolution.
        spectral_norm: divide the kernels by their largest singular values (SN-RAE): of the "decoder", of "all" layers,
            as in the code of Ghosh et al., or of none, "".
    """
    encoder = _encoder(image_shape, latent_dim, heads, base, centred, _wrapper(spectral_norm == "all"))
    penalties, wrap = (transposed_l2, output_l2), _wrapper(spectral_norm)
    return encoder, _decoder(image_shape[0], latent_dim, channels, base, seed_side, seed_norm, penalties, wrap)


def _wrapper(spectral_norm):
    """float32 is of the wrapper alone: it divides the weights and assigns them, which mixed precision would round."""
    if spectral_norm:
        return lambda layer: layers.SpectralNormalization(layer, dtype="float32")
    return lambda layer: layer


def _norm_relu(x):
    return layers.Activation("relu")(layers.BatchNormalization()(x))


def _encoder(image_shape, latent_dim, heads, base, centred, wrap):
    square_side(image_shape, 16)
    x = image = keras.Input(image_shape, name="image")
    if centred:
        x = layers.Rescaling(2.0, -1.0)(x)
    for step in range(4):
        x = _norm_relu(wrap(layers.Conv2D(base << step, 4, strides=2, padding="same"))(x))
    return keras.Model(image, latent_heads(layers.Flatten()(x), latent_dim, heads, wrap), name="encoder")


def _decoder(side, latent_dim, channels, base, seed_side, seed_norm, penalties, wrap):
    inner, last = (keras.regularizers.L2(weight) if weight else None for weight in penalties)
    width, steps = base * 8, halvings(side, seed_side)
    z = decoder_input(latent_dim)
    x = layers.Reshape((seed_side, seed_side, width))(wrap(layers.Dense(seed_side**2 * width))(z))
    x = _norm_relu(x) if seed_norm else x
    for step in range(1, steps + 1):
        up = layers.Conv2DTranspose(width >> step, 4, strides=2, padding="same", kernel_regularizer=inner)
        x = _norm_relu(wrap(up)(x))
    x = wrap(layers.Conv2DTranspose(channels, 4, padding="same", kernel_regularizer=last))(x)
    return keras.Model(z, to_image(x), name="decoder")
