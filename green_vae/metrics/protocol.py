"""What a Frechet distance was measured with: numbers of different protocols never meet."""

import dataclasses
from typing import NamedTuple

from green_vae.metrics import resize
from green_vae.utils import digests


class Layer(NamedTuple):
    """A pooled feature layer of InceptionV3: its width, and how many convolutions (in creation order) it needs."""

    dim: int
    convolutions: int


LAYERS = {
    "64": Layer(64, 3),  # after the first max pool
    "192": Layer(192, 5),  # after the second max pool
    "mixed7": Layer(768, 70),
    "mixed8": Layer(1280, 76),
    "avg_pool": Layer(2048, 94),  # the layer of the FID
}
TINY = Layer(64, 0)  # the features of the smoke extractor; no network
PRECISIONS = ("float32", "bfloat16")


def canonical_layer(layer):
    """The name in `LAYERS` of a layer given by name or by width (`1280`, `"1280"` and `"mixed8"` are the same).

    Raises:
        ValueError: no such layer.
    """
    for name, (dim, _) in LAYERS.items():
        if str(layer) in (name, str(dim)):
            return name
    known = ", ".join(f"{name!r} ({entry.dim})" for name, entry in LAYERS.items())
    raise ValueError(f"unknown feature layer; known by name or width: {known}. Received: {layer!r}")


def checked_precision(precision):
    """The same, if it is one of `PRECISIONS`.

    Raises:
        ValueError: it is not.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}. Received: {precision!r}")
    return precision


@dataclasses.dataclass(frozen=True)
class Protocol:
    """All that decides the value of a Frechet distance, but for the images.

    Attributes:
        name: "survey" (Keras / TF-Slim InceptionV3), "ttur" (the graph of 2015) or "tiny" (smoke tests).
        weights: what network, in words.
        weights_sha256: of the weights file; of an .npz file: of the arrays that `layer` needs, so that a file that
            stops at mixed8 and a complete one are the same weights where they hold the same numbers.
        resize: rule by which images reach the network's input size, in words; see `resize.RULES`.
        input_range: map from pixels to the network's input.
        quantise: whether images are rounded to whole pixel values 0..255 first.
        stretch: whether every image is stretched to its own minimum and maximum first (Dai and Wipf, 2019).
        layer: the pooled layer, a name of `LAYERS` or "tiny".
        approximate: whether reconstructed weights take part in this layer.
        precision: of the network's products, "float32" or "bfloat16". Pooled features are float32 either way.
    """

    name: str
    weights: str
    weights_sha256: str
    resize: str
    input_range: str
    layer: str
    quantise: bool = False
    stretch: bool = False
    approximate: bool = False
    precision: str = "float32"

    @property
    def dim(self):
        """Number of features."""
        return LAYERS.get(self.layer, TINY).dim

    @property
    def hash(self):
        """Twelve hexadecimal digits that name these settings; the same in every process."""
        return digests.of_json(self.settings)[:12]

    @property
    def settings(self):
        """All fields as a dict for JSON, without the precision if it is float32: files written before have none."""
        settings = dataclasses.asdict(self)
        if self.precision == "float32":
            del settings["precision"]
        return settings

    @property
    def resize_name(self):
        """The argument `resize` of an extractor that makes this rule, such as "nearest"; "" where none does."""
        return resize.named(self.resize)

    @property
    def label(self):
        """What a number of this protocol may be called: "FID" for the exact 2048 features of `survey` alone."""
        if self.name == "tiny":
            kind = "FID@tiny"
        else:
            depth = "" if self.layer == "avg_pool" else f"@{self.dim}"
            kind = "FID" + "~" * self.approximate + depth
        notes = [self.name] * (self.name not in ("survey", "tiny"))
        notes += [self.resize_name] * (self.resize_name not in ("", resize.DEFAULT))
        notes += ["stretched"] * self.stretch + ["8 bit"] * (self.quantise and self.name != "ttur")
        notes += [self.precision] * (self.precision != "float32")
        return f"{kind}({', '.join(notes)})" if notes else kind

    @property
    def caveat(self):
        """Why a number of this protocol is not on the scale of the published FID, one line; "" if it is."""
        if self.approximate:
            why = "two kernels of the Inception weights are reconstructed, so it is off by several per cent"
            return f"{self.label}: {why}"
        if self.label != "FID":
            rules = ", bilinear to 299x299" * (self.resize_name not in ("", resize.DEFAULT))
            rules += ", in float32" * (self.precision != "float32")
            return f"{self.label} is not on the scale of the published FID (2048 features{rules})"
        return ""

    def describe(self):
        """One line for beside a number."""
        parts = [self.weights, f"sha256 {self.weights_sha256[:12]}", f"layer {self.layer} ({self.dim})", self.resize]
        parts += [self.input_range, "rounded to 8 bit" if self.quantise else "not quantised"]
        parts += ["each image stretched to its own range"] * self.stretch
        parts += ["reconstructed weights"] * self.approximate
        parts += [f"products in {self.precision}"] * (self.precision != "float32")
        return f"{self.label} [{self.name}]: {'; '.join(parts)}"
