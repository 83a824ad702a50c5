"""Plain convolutional VAE and RAE (survey, Figures 6 and 8; the layout of Ghosh et al. 2020).

Kernels of 4, batch norm and ReLU after every convolution but the last. Batch norm is not in the survey's text;
it is in its code and in its counts.
"""

import keras
from keras import layers

from green_vae.networks.common import decoder_input, halvings, latent_heads, square_side, to_image


def build(image_shape, latent_dim, heads, channels, base=128, seed_side=8, transposed_l2=0.0, spectral_norm=False):
    """Encoder and decoder.

    Args:
        image_shape: (h, w, c), square, side divisible by 16.
        latent_dim: size of the latent vector.
        heads: names of the encoder's outputs.
        channels: of the decoder's output.
        base: channels of the first convolution; they double three times.
        seed_side: side of the first map of the decoder, which has 8 * base channels. 8 except where the survey's
            own parameter count needs 16 (CNN on CelebA) and for MNIST (4).
        transposed_l2: L2 penalty on the kernels of the stride-2 transposed convolutions (L2-RAE).
        spectral_norm: divide every weight of the decoder by its largest singular value (SN-RAE).
    """
    encoder = _encoder(image_shape, latent_dim, heads, base)
    decoder = _decoder(image_shape[0], latent_dim, channels, base, seed_side, transposed_l2, spectral_norm)
    return encoder, decoder


def _norm_relu(x):
    return layers.Activation("relu")(layers.BatchNormalization()(x))


def _encoder(image_shape, latent_dim, heads, base):
    square_side(image_shape, 16)
    x = image = keras.Input(image_shape, name="image")
    for step in range(4):
        x = _norm_relu(layers.Conv2D(base << step, 4, strides=2, padding="same")(x))
    return keras.Model(image, latent_heads(layers.Flatten()(x), latent_dim, heads), name="encoder")


def _decoder(side, latent_dim, channels, base, seed_side, transposed_l2, spectral_norm):
    wrap = layers.SpectralNormalization if spectral_norm else (lambda layer: layer)
    penalty = keras.regularizers.L2(transposed_l2) if transposed_l2 else None
    width, steps = base * 8, halvings(side, seed_side)
    z = decoder_input(latent_dim)
    x = layers.Reshape((seed_side, seed_side, width))(wrap(layers.Dense(seed_side**2 * width))(z))
    x = _norm_relu(x)
    for step in range(1, steps + 1):
        up = layers.Conv2DTranspose(width >> step, 4, strides=2, padding="same", kernel_regularizer=penalty)
        x = _norm_relu(wrap(up)(x))
    x = wrap(layers.Conv2DTranspose(channels, 4, padding="same"))(x)
    return keras.Model(z, to_image(x), name="decoder")
