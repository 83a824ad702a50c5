"""Dense encoder and decoder, mirror images of each other (review, Table 1; slides, linear VAE and Ladder VAE)."""

import math

import keras
from keras import layers

from green_vae.networks.common import decoder_input, latent_heads, normed_dense, to_image


def build(image_shape, latent_dim, heads, channels, widths=(512,), activation="gelu", normed=False):
    """Encoder and decoder.

    Args:
        image_shape: (h, w, c).
        latent_dim: size of the latent vector.
        heads: names of the encoder's outputs.
        channels: of the decoder's output.
        widths: of the hidden layers, from the image to the latent vector; the decoder has them in reverse.
        activation: of the hidden layers.
        normed: hidden layers are those of the Ladder VAE instead, see `normed_dense`.
    """

    def hidden(x, widths):
        for width in widths:
            x = normed_dense(x, width) if normed else layers.Dense(width, activation=activation)(x)
        return x

    image, z = keras.Input(image_shape, name="image"), decoder_input(latent_dim)
    encoder = keras.Model(
        image, latent_heads(hidden(layers.Flatten()(image), widths), latent_dim, heads), name="encoder"
    )
    shape = (*image_shape[:2], channels)
    pixels = layers.Dense(math.prod(shape))(hidden(z, reversed(widths)))
    return encoder, keras.Model(z, to_image(layers.Reshape(shape)(pixels)), name="decoder")
