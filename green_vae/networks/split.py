"""Splitting: the decoder draws two images and a map, and the output is their mixture (Split-VAE).

"Any VAE can be easily split": the head goes on any decoder, and no loss sees its parts.
Source: Asperti, Bugo, Filippini 2022, Enhancing variational generation through self-decomposition.
"""

import keras
import numpy as np
from keras import ops

PARTS = ("x", "x1", "x2", "map", "mix")


def split_channels(channels):
    """Channels that the decoder must have for images of `channels`: the map, the first image, the second."""
    return 2 * channels + 1


@keras.saving.register_keras_serializable(package="green_vae")
class Recompose(keras.layers.Layer):
    """x = map * x1 + (1 - map) * x2, pixel by pixel; the map is shared by the channels of an image.

    Input: (batch, h, w, 2 c + 1), the map first, then x1, then x2, all in [0, 1]. Output: (batch, h, w, c).
    """

    def build(self, input_shape):
        pass  # no weights

    def call(self, parts):
        channels = (parts.shape[-1] - 1) // 2
        weight, first, second = ops.split(parts, [1, 1 + channels], axis=-1)
        return weight * first + (1.0 - weight) * second

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], (input_shape[-1] - 1) // 2)


def recomposed(decoder):
    """A decoder with `split_channels` channels -> one that gives images; the parts stay within reach of `Parts`."""
    image = Recompose(name="recompose", dtype="float32")(decoder.output)
    return keras.Model(decoder.input, image, name=decoder.name)


class Parts:
    """The parts that a split decoder mixes. Not a Keras object, so that its weights are saved only once."""

    def __init__(self, decoder):
        self.network = keras.Model(decoder.input, decoder.get_layer("recompose").input, name="parts")

    @staticmethod
    def take(parts, part):
        """One part of an array (n, h, w, 2 c + 1): (n, h, w, c), the map (n, h, w, 1); "x" is what they give together.

        "mix" is x1 for the first half of the codes and x2 for the rest, the "random mix" of the paper's Table 4.

        Raises:
            ValueError: no such part.
        """
        channels = (parts.shape[-1] - 1) // 2
        first, second = parts[..., 1 : 1 + channels], parts[..., 1 + channels :]
        if part == "mix":
            half = len(parts) // 2
            return np.concatenate([first[:half], second[half:]])
        if part == "x":
            return parts[..., :1] * first + (1 - parts[..., :1]) * second
        return {"map": parts[..., :1], "x1": first, "x2": second}[part]
