"""Miniature data sets in the publishers' own formats, and a place without any data."""

import hashlib
import os
import pickle
import zipfile

import numpy as np
import platformdirs
import pytest
from PIL import Image

from green_vae.data import DATASETS, celeba, cifar

REAL = os.environ.get("GREEN_VAE_DATA")  # read before `isolated` hides it


def md5(content):
    return hashlib.md5(content).hexdigest()


@pytest.fixture(autouse=True)
def isolated(monkeypatch, tmp_path):
    """No data set of this machine is seen, and nothing is written outside tmp_path."""
    monkeypatch.delenv("GREEN_VAE_DATA", raising=False)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds_default"))
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(tmp_path / "cache" / name))


@pytest.fixture
def real_data():
    if not REAL:
        pytest.skip("GREEN_VAE_DATA not set: real data sets are checked only where it names a folder with them")
    return REAL


@pytest.fixture
def sizes(monkeypatch):
    """sizes("mnist", train=3): what the table expects of a data set."""

    def set_sizes(name, **splits):
        for split, n in splits.items():
            monkeypatch.setitem(DATASETS[name].splits, split, n)

    return set_sizes


@pytest.fixture
def cifar10(sizes):
    """Random pixels and labels of a CIFAR-10 with 12 images per file: {split: (images NHWC, labels)}."""
    rng = np.random.default_rng(1)
    sizes("cifar10", train=60, test=12)
    return {
        split: (rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8), rng.integers(0, 10, n))
        for split, n in (("train", 60), ("test", 12))
    }


def batches(data):
    """(file name, planes (12, 3072), labels) of each file of a miniature CIFAR-10."""
    for split, names in (("train", [f"data_batch_{i}" for i in range(1, 6)]), ("test", ["test_batch"])):
        images, labels = data[split]
        for i, name in enumerate(names):
            part = slice(12 * i, 12 * i + 12)
            planes = np.stack([np.concatenate([image[:, :, c].ravel() for c in range(3)]) for image in images[part]])
            yield name, planes, labels[part]


def numpy1_pickle(value):
    """A pickle of protocol 2 with the module names of NumPy 1, as the published files have them."""
    return pickle.dumps(value, protocol=2).replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


@pytest.fixture
def write_python(monkeypatch):
    def write(root, data):
        folder = root / "cifar-10-batches-py"
        folder.mkdir(parents=True)
        for name, planes, labels in batches(data):
            content = numpy1_pickle({"batch_label": name, "labels": labels.tolist(), "data": planes, "filenames": []})
            (folder / name).write_bytes(content)
            monkeypatch.setitem(cifar.MD5, f"{folder.name}/{name}", md5(content))
        return folder

    return write


@pytest.fixture
def write_binary(monkeypatch):
    def write(root, data):
        folder = root / "cifar-10-batches-bin"
        folder.mkdir(parents=True)
        for name, planes, labels in batches(data):
            content = b"".join(
                bytes([label]) + image.tobytes() for label, image in zip(labels.tolist(), planes, strict=True)
            )
            (folder / f"{name}.bin").write_bytes(content)
            monkeypatch.setitem(cifar.MD5, f"{folder.name}/{name}.bin", md5(content))
        return folder

    return write


def jpeg(path, seed, size=(178, 218)):
    """A smooth random JPEG, so that decoding it differently would show."""
    small = np.random.default_rng(seed).integers(0, 256, (7, 6, 3), dtype=np.uint8)
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(path, quality=95)


@pytest.fixture
def celeba_mini(tmp_path, monkeypatch):
    """celeba/ under tmp_path/data: 4 train, 2 validation, 3 test images and the partition file, in no order."""
    for split, n in (("train", 4), ("validation", 2), ("test", 3)):
        monkeypatch.setitem(celeba.SPLITS, split, n)
    root = tmp_path / "data"
    images = root / "celeba" / "img_align_celeba"
    images.mkdir(parents=True)
    lines = []
    for split, first, n in ((0, 1, 4), (1, 162771, 2), (2, 182638, 3)):
        for number in range(first, first + n):
            jpeg(images / f"{number:06d}.jpg", seed=number)
            lines.append(f"{number:06d}.jpg {split}")
    (root / "celeba" / "list_eval_partition.txt").write_text("\n".join(reversed(lines)) + "\n")
    return root


@pytest.fixture
def zipped(celeba_mini):
    """The same with the images in a zip, as published."""
    folder = celeba_mini / "celeba" / "img_align_celeba"
    with zipfile.ZipFile(celeba_mini / "celeba" / "img_align_celeba.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"img_align_celeba/{path.name}")
            path.unlink()
    folder.rmdir()
    return celeba_mini
