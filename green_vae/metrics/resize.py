"""Rules by which images reach the input size of a network; a rule is part of every protocol."""

import keras

SIZE = 299  # pixels; the input size of InceptionV3
SMALLEST = 75  # of which the network leaves one pixel
DEFAULT = "bilinear"
RULES = {
    "bilinear": "bilinear, half-pixel centres, no antialiasing",
    "bilinear-antialias": "bilinear, half-pixel centres, antialiased where images shrink",
    "bilinear-tf1": "bilinear by TensorFlow 1's rule, pixel i from i x old / new",
    "bicubic": "bicubic (a = -0.5), half-pixel centres, no antialiasing",
    "bicubic-antialias": "bicubic (a = -0.5), half-pixel centres, antialiased where images shrink",
    "nearest": "nearest pixel, half-pixel centres",
}


def parsed(resize):
    """(rule, size) of a name such as "nearest" or "bilinear@150"; the size is 299 where none is named.

    Raises:
        ValueError: an unknown rule, or a size that is no whole number of at least 75.
    """
    rule, at, size = str(resize).partition("@")
    if rule not in RULES:
        raise ValueError(f"resize must be one of {', '.join(RULES)}, perhaps with @SIZE. Received: {resize!r}")
    if at and not (size.isdecimal() and int(size) >= SMALLEST):
        raise ValueError(f"the input size of the network is a whole number from {SMALLEST} on. Received: {resize!r}")
    return rule, int(size) if at else SIZE


def described(resize):
    """The rule and the size in words, as `Protocol.resize` has them."""
    rule, size = parsed(resize)
    return f"{RULES[rule]}, to {size}x{size}"


def named(description):
    """The shortest name of which `described` makes these words; "" for words that are none of its."""
    words, _, sides = description.rpartition(", to ")
    size, _, other = sides.partition("x")
    rule = next((rule for rule, known in RULES.items() if known == words and size == other), "")
    return rule if size == str(SIZE) else f"{rule}@{size}" * bool(rule)


def resized(images, resize=DEFAULT):
    """Images (n, height, width, channels) at the size of a rule: an array, or a symbolic tensor of a model.

    Every rule but TensorFlow 1's is that of `tf.image.resize` on every backend.
    """
    rule, size = parsed(resize)
    if rule == "bilinear-tf1":
        return _TensorFlow1(size)(images)
    interpolation, _, antialias = rule.partition("-")
    return keras.ops.image.resize(images, (size, size), interpolation=interpolation, antialias=bool(antialias))


class _TensorFlow1(keras.layers.Layer):
    """Bilinear interpolation at i * old / new, the last pixel held; `ResizeBilinear` of the graph of 2015."""

    def __init__(self, size):
        super().__init__(dtype="float32")
        self.size = size

    def call(self, images):
        height, width = keras.ops.shape(images)[1:3]
        tall = keras.ops.einsum("ih,nhwc->niwc", self._weights(height), images)
        return keras.ops.einsum("jw,niwc->nijc", self._weights(width), tall)

    def _weights(self, old):
        """What each of `old` pixels adds to each of the new ones, (size, old)."""
        pixels = keras.ops.arange(old, dtype="float32")
        places = keras.ops.arange(self.size, dtype="float32") * (keras.ops.cast(old, "float32") / self.size)
        places = keras.ops.minimum(places, keras.ops.cast(old, "float32") - 1)
        return keras.ops.relu(1 - keras.ops.abs(places[:, None] - pixels))
