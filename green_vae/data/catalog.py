"""The table of data sets, and `load`."""

from green_vae.utils import places

from . import celeba, cifar, digits, folder, idx, sprites, tfds
from .dataset import Dataset
from .spec import not_found

DATASETS = {
    spec.name: spec
    for spec in (
        cifar.SPEC10,
        cifar.SPEC100,
        idx.MNIST,
        idx.MNIST32,
        idx.MNIST_BINARY,
        idx.FASHION_MNIST,
        celeba.CELEBA,
        celeba.CELEBA_SQUEEZE,
        digits.SPEC,
        sprites.SPEC,
    )
}


def load(name, split="train", data_dir=None, download=False):
    """One split of a data set, always in the order of the publisher's own files.

    Looks under `data_dir` for (1) the publisher's files, (2) a folder prepared by TensorFlow Datasets, there or in
    TFDS's default place; (3) downloads through TensorFlow Datasets, but only with `download=True`.

    Args:
        name: a key of `DATASETS`, or "folder:PATH", "folder:PATH@SIZE" or "folder:PATH@WIDTHxHEIGHT" for one's own
            images, see `green_vae.data.folder.read`.
        split: "train" or "test"; "validation" for CelebA; "all" for a folder.
        data_dir: the folder to look in; default: the environment variable GREEN_VAE_DATA, else the user's cache.
        download: whether the network may be used.

    Returns:
        A `Dataset`; CelebA's images and those of large folders are memory-mapped, all others in memory.

    Raises:
        ValueError: no such data set or split, or a damaged file.
        DataNotFoundError: nothing found; the message says what to put where.
    """
    if isinstance(name, str) and name.startswith(folder.PREFIX):
        return folder.read(name, split)
    spec = _spec(name, split)
    root = places.data_dir(data_dir)
    images, labels = _read(spec, split, root, download)
    images = spec.finish(images)
    if images.shape != (spec.splits[split], *spec.shape):
        raise ValueError(
            f"{spec.title}, {split}: expected {spec.splits[split]:,} images {spec.shape}; the files under {root} are "
            f"incomplete, fetch them again. Received: {images.shape}"
        )
    return Dataset(name, split, images, labels, spec.class_names)


def _spec(name, split):
    if not isinstance(name, str) or name not in DATASETS:
        raise ValueError(f"name must be one of {', '.join(DATASETS)} or folder:PATH. Received: {name!r}")
    spec = DATASETS[name]
    if split not in spec.splits:
        raise ValueError(f"split of {name} must be one of {', '.join(spec.splits)}. Received: {split!r}")
    return spec


def _read(spec, split, root, download):
    """(images, labels) of the first source that has them."""
    found = spec.read(split, root)
    if found is not None:
        return found
    prepared = tfds.find(spec, root)
    if prepared is None and download and spec.tfds:
        tfds.download(spec, split, root)
        prepared = tfds.find(spec, root)
    if prepared is None:
        raise not_found(spec, split, root)
    return spec.read_tfds(prepared, split, root)
