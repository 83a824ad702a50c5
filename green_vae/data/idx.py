"""MNIST and Fashion-MNIST from the original idx files, compressed or not (LeCun et al.; Xiao et al. 2017)."""

import gzip
import math
import zlib
from functools import partial

import numpy as np

from . import tfds
from .checksum import check_md5
from .class_names import DIGITS, FASHION
from .spec import DataNotFoundError, Spec

# MD5 of the uncompressed files, so that a file packed anew passes too; they are the content of the published .gz
# files (MNIST f68b3c2d..., d53e105e..., 9fb629c4..., ec29112d...; Fashion 8d4fb7e6..., 25c81989..., bef4ecab...,
# bb300cfd...)
MD5 = {
    "mnist/train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "mnist/train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "mnist/t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "mnist/t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    "fashion_mnist/train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "fashion_mnist/train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "fashion_mnist/t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "fashion_mnist/t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}
LARGEST = 16 + 60_000 * 28 * 28  # bytes of the largest of these files
PREFIX = {"train": "train", "test": "t10k"}


def _find(folder, name):
    """The path of an idx file, compressed or not, or None."""
    paths = (folder / f"{name}.gz", folder / name)
    return next((path for path in paths if path.is_file()), None)


def _content(path):
    """The bytes of an idx file, unpacked if its name ends with .gz; one more than the largest has tells a bomb."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            return file.read(LARGEST + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is damaged; delete it and fetch it again. Received: {error}") from error


def _parse(content, dimensions, path):
    """The uint8 array of an idx file: magic 0, 0, 8 (uint8), dimensions; sizes as big-endian uint32; values."""
    magic = bytes((0, 0, 8, dimensions))
    if content[:4] != magic:
        raise ValueError(f"{path} is not an idx file: must begin with {magic.hex()}. Received: {content[:4].hex()}")
    start = 4 + 4 * dimensions
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4))
    expected = start + math.prod(shape)
    if len(content) != expected:
        raise ValueError(
            f"{path} is cut short or damaged: {shape} needs {expected:,} bytes. Delete it and fetch it again. "
            f"Received: {len(content):,} bytes"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


def _read(split, root, folder):
    """Images (n, 28, 28, 1) and labels from root/folder, or None if neither file is there."""
    names = [f"{PREFIX[split]}-images-idx3-ubyte", f"{PREFIX[split]}-labels-idx1-ubyte"]
    paths = [_find(root / folder, name) for name in names]
    if paths == [None, None]:
        return None
    if None in paths:
        missing = names[paths.index(None)]
        raise DataNotFoundError(f"{root / folder} is incomplete; put there as well: {missing}.gz")
    arrays = []
    for name, path, dimensions in zip(names, paths, (3, 1), strict=True):
        content = _content(path)
        arrays.append(_parse(content, dimensions, path))
        check_md5(content, MD5[f"{folder}/{name}"], path)
    return arrays[0][..., np.newaxis], arrays[1].astype(np.int64)


def _pad(images):
    """28x28 centred in 32x32 zeros."""
    return np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))


def _binarise(images):
    """0 or 255: each pixel drawn once, 255 with the probability value / 255 (Salakhutdinov and Murray 2008).

    The generator starts from the number of images, so that the draws of the two splits differ.
    """
    thresholds = np.random.default_rng(len(images)).integers(0, 255, images.shape, dtype=np.uint8)  # 0 ... 254
    return np.where(thresholds < images, np.uint8(255), np.uint8(0))


def _spec(name, folder, **changes):
    """The spec of one member of the family; `folder` is also its name in TFDS."""
    return Spec(
        name=name,
        splits={"train": 60_000, "test": 10_000},
        read=partial(_read, folder=folder),
        files=(f"{folder}/{{train,t10k}}-{{images-idx3,labels-idx1}}-ubyte[.gz]",),
        tfds=folder,
        read_tfds=tfds.read,
        **changes,
    )


_MNIST = {
    "source": "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "licence": "CC BY-SA 3.0, LeCun, Cortes and Burges",
    "download_bytes": 11_594_722,
    "url": "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-labels-idx1-ubyte.gz",
    "class_names": DIGITS,
}
MNIST = _spec("mnist", "mnist", title="MNIST", shape=(28, 28, 1), **_MNIST)
MNIST32 = _spec("mnist32", "mnist", title="MNIST padded to 32x32", shape=(32, 32, 1), finish=_pad, **_MNIST)
MNIST_BINARY = _spec(
    "mnist_binary", "mnist", title="MNIST in two values", shape=(28, 28, 1), finish=_binarise, **_MNIST
)
FASHION_MNIST = _spec(
    "fashion_mnist",
    "fashion_mnist",
    title="Fashion-MNIST",
    shape=(28, 28, 1),
    source="https://github.com/zalandoresearch/fashion-mnist",
    licence="MIT, Zalando SE",
    download_bytes=30_878_645,
    url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz",
    class_names=FASHION,
)
