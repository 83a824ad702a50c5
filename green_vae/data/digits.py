"""The 1,797 handwritten digits that come with scikit-learn: no file, no network (UCI, Alpaydin and Kaynak 1998)."""

import numpy as np

from .class_names import DIGITS
from .resize import bilinear, to_uint8
from .spec import Spec

TRAIN = 1_297


def _read(split, root):
    """8x8 with values 0..16, scaled to 0..255 and enlarged to (n, 32, 32, 1); the first 1,297 train, the rest test."""
    from sklearn.datasets import load_digits  # a second to import

    digits = load_digits()
    part = slice(TRAIN) if split == "train" else slice(TRAIN, None)
    images = digits.images[part, :, :, np.newaxis] * (255 / 16)
    return to_uint8(bilinear(images, 32, 32)), digits.target[part].astype(np.int64)


SPEC = Spec(
    name="digits",
    title="scikit-learn's digits",
    shape=(32, 32, 1),
    splits={"train": TRAIN, "test": 500},
    read=_read,
    source="https://archive.ics.uci.edu/dataset/80",
    licence="CC BY 4.0, UCI machine learning repository",
    class_names=DIGITS,
)
