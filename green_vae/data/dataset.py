"""One split of one data set: uint8 images, their labels, and a fingerprint of both."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from green_vae.utils import digests
from green_vae.utils.images import unit_floats


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images in the files' own order, with labels where the data set has them.

    Attributes:
        name: what `load` was asked for, e.g. "cifar10".
        split: "train", "test" ...
        images: uint8, shape (n, height, width, channels), in memory or memory-mapped read-only.
        labels: int64, shape (n,), or None.
        class_names: the name of each label value, or None.

    Raises:
        ValueError: images or labels of another shape or type.
    """

    name: str
    split: str
    images: np.ndarray
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] | None = None

    def __post_init__(self):
        images, labels = self.images, self.labels
        if images.dtype != np.uint8 or images.ndim != 4:
            raise ValueError(f"images must be uint8 (n, h, w, c). Received: {images.dtype} {images.shape}")
        if labels is not None and labels.shape != images.shape[:1]:
            raise ValueError(f"labels must have one entry for each of {len(images)} images. Received: {labels.shape}")

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        """The Dataset of a slice, of an array of positions or of a boolean mask; a slice copies nothing."""
        if not isinstance(index, slice):
            chosen = np.asarray(index)
            if chosen.ndim != 1 or chosen.dtype.kind not in "iub" and chosen.size:
                raise TypeError(f"index with a slice or a 1-d array; one image is .images[i]. Received: {index!r}")
            index = chosen if chosen.size else slice(0)
        labels = None if self.labels is None else self.labels[index]
        return replace(self, images=self.images[index], labels=labels)

    def __repr__(self):
        return f"Dataset({self.name!r}, {self.split!r}, {len(self)} x {self.shape})"

    @property
    def shape(self):
        """(height, width, channels) of one image."""
        return self.images.shape[1:]

    def float(self, index=slice(None)):
        """The images at `index` as float32 in [0, 1]: value / 255."""
        return unit_floats(self.images[index])

    @cached_property
    def fingerprint(self):
        """SHA-256 (hex) over name, shape, images and labels; read once, 64 MiB at a time, and remembered."""
        labels = [] if self.labels is None else [self.labels.astype("<i8")]
        return digests.of_arrays([self.images, *labels], f"{self.name}{self.images.shape}")
