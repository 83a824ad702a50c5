"""Mixtures of logistics over the channels of a pixel: how a network states their parameters, and the image they mean.

For c channels and k components the parameters are k (1 + 2c + c (c - 1) / 2) maps: k logits of the components, the c k
means, channel by channel, the c k log scales, and k coefficients for every pair of channels, (1, 0), (2, 0), (2, 1).
That is 3 k for one channel and 10 k for three. Channels are in [-1, 1]. Each channel adds tanh(coefficient) times its
value to the means of those behind it. Source: Salimans et al. 2017 (PixelCNN++), section 2; NVAE's released code.
"""

import keras
from keras import layers, ops

LOWEST = -7.0  # of a log scale


def size(channels, components):
    """How many maps of parameters there are."""
    return components * (1 + 2 * channels + channels * (channels - 1) // 2)


def unpack(parameters, channels):
    """(logits, means, log_scales, coefficients) in float32 from parameters (..., size).

    Returns:
        logits (..., k); a list of means and one of log scales, (..., k) for each channel, the latter to be kept above
        `LOWEST`; a dict (later channel,
        earlier channel) -> the factor of the earlier one, (..., k).
    """
    pairs = [(later, earlier) for later in range(channels) for earlier in range(later)]
    parts = ops.split(ops.cast(parameters, "float32"), 1 + 2 * channels + len(pairs), axis=-1)
    scales = parts[1 + channels : 1 + 2 * channels]
    coefficients = map(ops.tanh, parts[1 + 2 * channels :])
    return parts[0], parts[1 : 1 + channels], scales, dict(zip(pairs, coefficients, strict=True))


def shifted(mean, channel, before, coefficients):
    """The means of a channel, (..., k), given the channels before it: a list of tensors that broadcast to these."""
    return mean + sum(coefficients[channel, index] * value for index, value in enumerate(before))


@keras.saving.register_keras_serializable(package="green_vae")
class MixtureMean(layers.Layer):
    """Parameters (batch, h, w, size) -> the mean image (batch, h, w, channels) in [0, 1], in float32.

    The means of every component, cut off at the ends, each channel's given those before it, averaged with the
    probabilities of the components. This leaves out what the ends cut off the tails of a logistic.
    """

    def __init__(self, channels, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.channels = channels

    def call(self, parameters):
        logits, means, _, coefficients = unpack(parameters, self.channels)
        found = []
        for channel, mean in enumerate(means):
            found.append(ops.clip(shifted(mean, channel, found, coefficients), -1.0, 1.0))
        weights = ops.softmax(logits, axis=-1)
        image = ops.stack([ops.sum(weights * mean, axis=-1) for mean in found], axis=-1)
        return ops.clip(0.5 + 0.5 * image, 0.0, 1.0)  # weights add up to one but for rounding

    def compute_output_spec(self, parameters):
        return keras.KerasTensor((*parameters.shape[:-1], self.channels), "float32")

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}
