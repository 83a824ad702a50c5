"""Flows for maps of latent variables: every number is shifted by what those before it say (NVAE's flow cells)."""

import keras
import numpy as np
from keras import layers, ops


def volume_preserving_flow(shape, cells=2, expansion=6, name="flow"):
    """A functional model, z (batch, h, w, c) -> z of the same shape, whose Jacobian has the determinant 1.

    Each cell maps z to z - m(z), where m sees the rows above, the pixels to the left, and in the same pixel the
    channels before. Every second cell goes through the pixels the other way round. m is masked convolutions: 3x3 to
    expansion * c channels, depthwise 5x5, 1x1 back, ELU in between; it starts near 0. Source: Vahdat and Kautz 2020,
    section 3.2 and its released code, which shifts only and does not scale.

    Args:
        shape: (h, w, c) of the map.
        cells: how many.
        expansion: hidden channels per channel.
    """
    z = x = keras.Input(shape)
    small = keras.initializers.VarianceScaling(0.01, "fan_avg", "uniform")  # a tenth of Glorot's
    for cell in range(cells):
        mirror = bool(cell % 2)
        h = MaskedConv2D(expansion * shape[-1], 3, exclude_self=True, mirror=mirror, dtype="float32")(x)
        h = MaskedDepthwiseConv2D(5, mirror=mirror, dtype="float32")(layers.Activation("elu", dtype="float32")(h))
        h = layers.Activation("elu", dtype="float32")(h)
        shift = MaskedConv2D(shape[-1], 1, mirror=mirror, kernel_initializer=small, dtype="float32")(h)
        x = layers.Subtract(dtype="float32")([x, shift])
    return keras.Model(z, x, name=name)


def pixel_mask(kernel_size, mirror=False):
    """(k, k) of 0 and 1: ones where a pixel comes before the centre, row by row; the centre is 0."""
    before = np.arange(kernel_size**2) < kernel_size**2 // 2
    mask = before.reshape(kernel_size, kernel_size).astype("float32")
    return mask[::-1, ::-1] if mirror else mask


def channel_mask(inputs, outputs, exclude_self):
    """(inputs, outputs) of 0 and 1 within one pixel. The larger number is a multiple of the smaller, and channels
    share the order of the smaller: output j sees the inputs before it, and those of its own place unless excluded.

    Raises:
        ValueError: neither is a multiple of the other.
    """
    least = min(inputs, outputs)
    if inputs % least or outputs % least:
        raise ValueError(f"one number of channels must be a multiple of the other. Received: {inputs} and {outputs}")
    place_in, place_out = (np.arange(n) // (n // least) for n in (inputs, outputs))
    seen = np.less if exclude_self else np.less_equal
    return seen(place_in[:, None], place_out[None, :]).astype("float32")


@keras.saving.register_keras_serializable(package="green_vae")
class MaskedConv2D(layers.Conv2D):
    """Convolution of odd kernel, "same" padding, that sees only what comes before, see `volume_preserving_flow`.

    Args:
        filters, kernel_size: as for `Conv2D`.
        exclude_self: whether a channel does not see its own place.
        mirror: go through the pixels from the last to the first.
    """

    def __init__(self, filters, kernel_size, exclude_self=False, mirror=False, **kwargs):
        super().__init__(filters, kernel_size, **{**kwargs, "padding": "same"})
        self.exclude_self, self.mirror = exclude_self, mirror

    def build(self, input_shape):
        super().build(input_shape)
        size = self.kernel_size[0]
        mask = np.tile(pixel_mask(size, self.mirror)[:, :, None, None], (1, 1, input_shape[-1], self.filters))
        mask[size // 2, size // 2] = channel_mask(input_shape[-1], self.filters, self.exclude_self)
        self.mask = mask

    def convolution_op(self, inputs, kernel):
        return super().convolution_op(inputs, kernel * ops.convert_to_tensor(self.mask, kernel.dtype))

    def get_config(self):
        return {**super().get_config(), "exclude_self": self.exclude_self, "mirror": self.mirror}


@keras.saving.register_keras_serializable(package="green_vae")
class MaskedDepthwiseConv2D(layers.DepthwiseConv2D):
    """The same channel by channel; the centre is seen."""

    def __init__(self, kernel_size, mirror=False, **kwargs):
        super().__init__(kernel_size, **{**kwargs, "padding": "same"})
        self.mirror = mirror

    def build(self, input_shape):
        super().build(input_shape)
        size = self.kernel_size[0]
        mask = np.array(pixel_mask(size, self.mirror))
        mask[size // 2, size // 2] = 1.0
        self.mask = mask[:, :, None, None]

    def call(self, inputs):
        kernel = self.kernel * ops.convert_to_tensor(self.mask, self.kernel.dtype)
        convolved = ops.depthwise_conv(inputs, kernel, strides=1, padding="same", data_format="channels_last")
        return convolved + self.bias

    def get_config(self):
        return {**super().get_config(), "mirror": self.mirror}
