"""The sequential networks of the ResLag study (Boon 2023), one layout for each size of images and kind of model.

Every stride-2 convolution halves the side; batch norm and LeakyReLU(0.1) follow where a layout has them. The second
head is log sigma, so log_var is twice it. The parameters that the study's code has are trainable ones: batch norm has 2
per channel in them. Source: the study's text and its author's code. Weights start as Keras starts them.
"""

from dataclasses import dataclass, replace

import keras
from keras import layers

from green_vae.networks import reslag
from green_vae.networks.common import decoder_input, latent_heads, sigma_heads, to_image


@dataclass(frozen=True)
class Layout:
    """One pair of networks.

    Attributes:
        shape: (h, w) of the images.
        convolutions: of the encoder, each (channels, kernel, stride, padding).
        norms: positions of the encoder's convolutions with batch norm.
        hidden: widths and activations of dense layers before the heads.
        dense: widths of the decoder's dense layers, all with ReLU; the last makes the `seed`.
        seed: (h, w, c) of the decoder's first map.
        up: transposed convolutions, each (channels, kernel, stride, "same" or "valid"); channels None are the image's.
        up_norm: batch norm after each but the last.
        up_activation: after each but the last: "relu" or "leaky".
        log_sigma: (lowest, highest) of the second head, None for no limit.
        zero_head: whether the second head starts at 0.
        multi_level: the decoder is that of the original ResLag-VAE for CIFAR instead.
    """

    shape: tuple
    convolutions: tuple
    norms: tuple
    hidden: tuple
    dense: tuple
    seed: tuple
    up: tuple
    up_norm: bool = True
    up_activation: str = "leaky"
    log_sigma: tuple | None = (None, 1.0)
    zero_head: bool = False
    multi_level: bool = False


def _halvings(*widths):
    return tuple((width, 4, 2, 1) for width in widths)


def _doublings(*widths, kernel=4):
    return tuple((width, kernel, 2, "same") for width in (*widths, None))


_DIGITS = Layout(
    (28, 28), ((8, 3, 2, 1), (16, 3, 2, 1), (32, 3, 2, 0)), (), ((128, "relu"),), (128, 288), (3, 3, 32),
    ((16, 3, 2, "valid"), (8, 4, 2, "same"), (None, 4, 2, "same")), False, "relu", None,
)  # fmt: skip
_CIFAR = Layout(
    (32, 32), _halvings(64, 128, 256), (0, 1, 2), (), (4096,), (4, 4, 256), _doublings(128, 64, kernel=3),
    zero_head=True,
)  # fmt: skip
LAYOUTS = {
    "digits": _DIGITS,
    "digits-autoencoder": replace(_DIGITS, norms=(1,)),
    "digits-beta": replace(
        _DIGITS, dense=(128, 256), seed=(2, 2, 64), up=((16, 4, 2, "valid"), (8, 3, 2, "valid"), (None, 4, 2, "valid"))
    ),
    "digits-info": Layout(
        (28, 28), _halvings(64, 128), (), ((1024, "leaky"),), (1024, 6272), (7, 7, 128), _doublings(64), False, "relu"
    ),
    "cifar": _CIFAR,
    "cifar-multi-level": replace(_CIFAR, multi_level=True),
    "cifar-beta": Layout(
        (32, 32), _halvings(64, 128, 256, 256), (0, 1, 2, 3), (), (1024,), (2, 2, 256),
        _doublings(256, 128, 64, kernel=3), zero_head=True,
    ),
    "cifar-info": Layout(
        (32, 32), _halvings(64, 128, 256), (0, 1, 2), ((1024, "leaky"),), (1024, 4096), (4, 4, 256),
        _doublings(128, 64), up_activation="relu",
    ),
    "faces-beta": Layout(
        (64, 64), (*_halvings(32, 32, 64, 64), (256, 4, 1, 0)), (0, 1, 2, 3, 4), (), (256,), (1, 1, 256),
        ((64, 4, 1, "valid"), *_doublings(64, 32, 32)),
    ),
    "faces-info": Layout(
        (64, 64), _halvings(64, 128, 256, 256), (0, 1, 2, 3), ((1024, "leaky"),), (1024, 4096), (4, 4, 256),
        _doublings(256, 128, 64), up_activation="relu",
    ),
}  # fmt: skip


def build(image_shape, latent_dim, heads, channels, layout="digits"):
    """Encoder and decoder.

    Args:
        image_shape: (h, w, c).
        latent_dim: size of the latent vector.
        heads: names of the encoder's outputs.
        channels: of the decoder's output.
        layout: a name of `LAYOUTS`.

    Raises:
        ValueError: unknown layout, or images of a size that it is not made for.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"unknown layout; choose one of {', '.join(LAYOUTS)}. Received: {layout!r}")
    chosen = LAYOUTS[layout]
    if tuple(image_shape[:2]) != chosen.shape:
        raise ValueError(f"layout {layout!r} is for images of {chosen.shape}. Received: {image_shape}")
    encoder = _encoder(chosen, image_shape, latent_dim, heads)
    if chosen.multi_level:
        return encoder, reslag.decoder(latent_dim, channels, reslag.CIFAR, (16, 64, None), encoder.input.shape[1])
    return encoder, _decoder(chosen, latent_dim, channels)


def _activation(x, kind):
    return layers.LeakyReLU(0.1)(x) if kind == "leaky" else layers.ReLU()(x)


def _encoder(layout, image_shape, latent_dim, heads):
    x = image = keras.Input(image_shape, name="image")
    for index, (width, kernel, stride, padding) in enumerate(layout.convolutions):
        x = layers.ZeroPadding2D(padding)(x) if padding else x
        x = layers.Conv2D(width, kernel, strides=stride)(x)
        x = reslag.norm(x) if index in layout.norms else x
        x = _activation(x, "leaky")
    x = layers.Flatten()(x)
    for width, activation in layout.hidden:
        x = _activation(layers.Dense(width)(x), activation)
    if "log_var" not in heads:
        return keras.Model(image, latent_heads(x, latent_dim, heads), name="encoder")
    outputs = sigma_heads(x, latent_dim, heads, layout.log_sigma, layout.zero_head)
    return keras.Model(image, outputs, name="encoder")


def _decoder(layout, latent_dim, channels):
    x = z = decoder_input(latent_dim)
    for width in layout.dense:
        x = _activation(layers.Dense(width)(x), "relu")
    x = layers.Reshape(layout.seed)(x)
    for width, kernel, stride, padding in layout.up:
        x = layers.Conv2DTranspose(width or channels, kernel, strides=stride, padding=padding)(x)
        if width:
            x = _activation(reslag.norm(x) if layout.up_norm else x, layout.up_activation)
    return keras.Model(z, to_image(x), name="decoder")
