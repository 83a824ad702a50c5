"""MNIST and Fashion-MNIST: miniature idx files, damaged ones, and the real files where there are any."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from green_vae.data import DataNotFoundError, idx, load

from .conftest import md5


@pytest.fixture
def mini(tmp_path, monkeypatch, sizes):
    """mini(folder, name, packed) writes 4 images of `name` and returns them with their labels."""

    def write(folder="mnist", packed=True):
        rng = np.random.default_rng(0)
        images, labels = rng.integers(0, 256, (4, 28, 28), dtype=np.uint8), np.array([3, 1, 9, 0], np.uint8)
        files = {
            "t10k-images-idx3-ubyte": struct.pack(">4B3I", 0, 0, 8, 3, 4, 28, 28) + images.tobytes(),
            "t10k-labels-idx1-ubyte": struct.pack(">4BI", 0, 0, 8, 1, 4) + labels.tobytes(),
        }
        (tmp_path / folder).mkdir()
        for name, content in files.items():
            path = tmp_path / folder / (f"{name}.gz" if packed else name)
            path.write_bytes(gzip.compress(content) if packed else content)
            monkeypatch.setitem(idx.MD5, f"{folder}/{name}", md5(content))
        for name in {"mnist": ("mnist", "mnist32", "mnist_binary"), "fashion_mnist": ("fashion_mnist",)}[folder]:
            sizes(name, test=4)
        return images, labels

    return write


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_idx_files(tmp_path, mini, name, packed):
    images, labels = mini(name, packed)
    dataset = load(name, "test", data_dir=tmp_path)
    assert dataset.shape == (28, 28, 1) and dataset.labels.dtype == np.int64
    np.testing.assert_array_equal(dataset.images[..., 0], images)
    np.testing.assert_array_equal(dataset.labels, labels)


def test_mnist32_is_mnist_within_two_zeros_on_each_side(tmp_path, mini):
    images, _ = mini()
    padded = load("mnist32", "test", data_dir=tmp_path).images
    assert padded.shape == (4, 32, 32, 1)
    np.testing.assert_array_equal(padded[:, 2:30, 2:30, 0], images)
    assert padded.sum(dtype=int) == images.sum(dtype=int)


def test_mnist_binary_is_drawn_once_with_the_gray_value_as_probability(tmp_path, mini):
    images, labels = mini()
    drawn = load("mnist_binary", "test", data_dir=tmp_path)
    assert set(np.unique(drawn.images)) == {0, 255}
    np.testing.assert_array_equal(drawn.images, load("mnist_binary", "test", data_dir=tmp_path).images)
    np.testing.assert_array_equal(drawn.labels, labels)
    many = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None, None], 4_000, axis=0)
    frequencies = (idx._binarise(many) == 255).mean(axis=(0, 2, 3))
    assert frequencies[0] == 0 and frequencies[255] == 1
    expected = np.arange(256) / 255
    assert (abs(frequencies - expected) < 5 * np.sqrt(expected * (1 - expected) / 4_000) + 1e-12).all()
    assert not np.array_equal(idx._binarise(many)[:3_000], idx._binarise(many[:3_000]))  # splits differ


def test_real_mnist_binary(real_data):
    """The draws are pinned: numbers measured on them compare only with themselves."""
    test, gray = load("mnist_binary", "test", data_dir=real_data), load("mnist", "test", data_dir=real_data)
    assert md5(test.images.tobytes()) == "d4773ad5f2704d028e086c8143a1000f"
    assert test.images.mean() == pytest.approx(gray.images.mean(), abs=0.05)


def test_a_cut_file_is_named_with_its_size(tmp_path, mini):
    mini(packed=False)
    path = tmp_path / "mnist" / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"images-idx3-ubyte is cut short.*3,152 bytes.*Received: 3,052 bytes"):
        load("mnist", "test", data_dir=tmp_path)


@pytest.mark.parametrize("damage", [lambda b: b[:-60], lambda b: b"not gzip", lambda b: b[:40] + b"\xff" * 40 + b[80:]])
def test_a_damaged_gz_is_named(tmp_path, mini, damage):
    mini()
    path = tmp_path / "mnist" / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"images-idx3-ubyte\.gz is damaged.*Received: "):
        load("mnist", "test", data_dir=tmp_path)


def test_a_wrong_magic_is_refused(tmp_path, mini):
    mini(packed=False)
    path = tmp_path / "mnist" / "t10k-labels-idx1-ubyte"
    path.write_bytes(b"\x00\x00\x0d\x01" + path.read_bytes()[4:])
    with pytest.raises(ValueError, match="must begin with 00000801. Received: 00000d01"):
        load("mnist", "test", data_dir=tmp_path)


def test_a_changed_pixel_is_refused_with_both_checksums(tmp_path, mini):
    mini(packed=False)
    path = tmp_path / "mnist" / "t10k-images-idx3-ubyte"
    content = bytearray(path.read_bytes())
    expected = md5(content)
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"expected MD5 {expected}.*Received: {md5(content)}"):
        load("mnist", "test", data_dir=tmp_path)


def test_images_without_labels_are_incomplete(tmp_path, mini):
    mini()
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataNotFoundError, match=r"incomplete; put there as well: t10k-labels-idx1-ubyte\.gz"):
        load("mnist", "test", data_dir=tmp_path)


REAL = {  # first labels, images per class of the train split, mean and deviation everybody normalises with
    "mnist": (
        [5, 0, 4, 1, 9, 2, 1, 3, 1, 4],
        [7, 2, 1, 0, 4, 1, 4, 9, 5, 9],
        [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
        (0.1307, 0.3081),
    ),
    "fashion_mnist": ([9, 0, 0, 3, 0, 2, 7, 2, 5, 5], [9, 2, 1, 1, 6, 1, 4, 6, 5, 7], [6000] * 10, (0.2860, 0.3530)),
}


@pytest.mark.parametrize("name", REAL)
def test_real_files(real_data, name):
    first, first_test, counts, (mean, deviation) = REAL[name]
    train, test = load(name, data_dir=real_data), load(name, "test", data_dir=real_data)
    assert train.images.shape == (60000, 28, 28, 1) and test.images.shape == (10000, 28, 28, 1)
    assert train.labels[:10].tolist() == first and test.labels[:10].tolist() == first_test
    assert np.bincount(train.labels).tolist() == counts
    np.testing.assert_allclose([train.images.mean() / 255, train.images.std() / 255], [mean, deviation], atol=1e-4)


PUBLISHED = {  # MD5 of the .gz files
    "mnist/train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "mnist/train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
    "mnist/t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
    "mnist/t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
    "fashion_mnist/train-images-idx3-ubyte": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "fashion_mnist/train-labels-idx1-ubyte": "25c81989df183df01b3e8a0aad5dffbe",
    "fashion_mnist/t10k-images-idx3-ubyte": "bef4ecab320f06d8554ea6380940ec79",
    "fashion_mnist/t10k-labels-idx1-ubyte": "bb300cfdad3c16e7a12a480ee83cd310",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_our_checksums_are_of_the_content_of_the_published_files(real_data, name):
    path = Path(real_data, f"{name}.gz")
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    content = path.read_bytes()
    assert hashlib.md5(content).hexdigest() == PUBLISHED[name]
    assert md5(gzip.decompress(content)) == idx.MD5[name]
