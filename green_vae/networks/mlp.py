"""Dense encoder and decoder, mirror images of each other (review, Table 1; slides, linear VAE and Ladder VAE)."""

import math

import keras
from keras import layers

from green_vae.networks.common import Bounded, decoder_input, latent_heads, normed_dense, sigma_heads, to_image


def build(
    image_shape, latent_dim, heads, channels, widths=(512,), activation="gelu", normed=False, log_sigma=False, cut=False
):
    """Encoder and decoder.

    Args:
        image_shape: (h, w, c).
        latent_dim: size of the latent vector.
        heads: names of the encoder's outputs.
        channels: of the decoder's output.
        widths: of the hidden layers, from the image to the latent vector; the decoder has them in reverse.
        activation: of the hidden layers.
        normed: hidden layers are those of the Ladder VAE instead, see `normed_dense`.
        log_sigma: whether the second head is log sigma, as in the review, and "log_var" twice it.
        cut: pixels are cut to [0, 1] instead of going through a sigmoid. Without hidden layers, encoder and decoder are
            linear then, but for the cut (review, section 3.1).
    """

    def hidden(x, widths):
        for width in widths:
            x = normed_dense(x, width) if normed else layers.Dense(width, activation=activation)(x)
        return x

    image, z = keras.Input(image_shape, name="image"), decoder_input(latent_dim)
    latent = (sigma_heads if log_sigma else latent_heads)(hidden(layers.Flatten()(image), widths), latent_dim, heads)
    shape = (*image_shape[:2], channels)
    pixels = layers.Reshape(shape)(layers.Dense(math.prod(shape))(hidden(z, reversed(widths))))
    made = Bounded(0.0, 1.0, dtype="float32", name="image")(pixels) if cut else to_image(pixels)
    return keras.Model(image, latent, name="encoder"), keras.Model(z, made, name="decoder")
