"""CIFAR: miniature files in both original formats, damaged and hostile ones, and the real files where there are any."""

import hashlib
import os
import pickle
import tarfile

import numpy as np
import pytest

from green_vae.data import DATASETS, DataNotFoundError, cifar, load

from .conftest import md5, numpy1_pickle


@pytest.mark.parametrize("split", ["train", "test"])
def test_python_version(tmp_path, cifar10, write_python, split):
    write_python(tmp_path, cifar10)
    dataset = load("cifar10", split, data_dir=tmp_path)
    images, labels = cifar10[split]
    np.testing.assert_array_equal(dataset.images, images)
    np.testing.assert_array_equal(dataset.labels, labels)
    assert dataset.images.flags.c_contiguous and dataset.labels.dtype == np.int64
    assert dataset.class_names[0] == "airplane" and dataset.class_names[9] == "truck"


@pytest.mark.parametrize("split", ["train", "test"])
def test_binary_version_agrees_with_python_version(tmp_path, cifar10, write_python, write_binary, split):
    write_python(tmp_path / "py", cifar10)
    write_binary(tmp_path / "bin", cifar10)
    one, other = (load("cifar10", split, data_dir=tmp_path / name) for name in ("py", "bin"))
    np.testing.assert_array_equal(one.images, other.images)
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize("version", ["python", "binary"])
def test_archives_are_read_in_place(tmp_path, cifar10, write_python, write_binary, version):
    folder = {"python": write_python, "binary": write_binary}[version](tmp_path / "unpacked", cifar10)
    with tarfile.open(tmp_path / f"cifar-10-{version}.tar.gz", "w:gz") as tar:
        tar.add(folder, folder.name)
    np.testing.assert_array_equal(load("cifar10", data_dir=tmp_path).images, cifar10["train"][0])


def test_a_damaged_archive_is_named(tmp_path):
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"\x1f\x8b\x08 this is no archive")
    with pytest.raises(ValueError, match=r"cifar-10-python\.tar\.gz is damaged.*Received: "):
        load("cifar10", data_dir=tmp_path)


def test_the_variable_names_the_folder(tmp_path, cifar10, write_python, monkeypatch):
    write_python(tmp_path, cifar10)
    monkeypatch.setenv("GREEN_VAE_DATA", str(tmp_path))
    assert len(load("cifar10", "test")) == 12


def test_cifar100_has_fine_labels(tmp_path, sizes, monkeypatch):
    sizes("cifar100", test=2)
    planes = np.arange(2 * 3072, dtype=np.int64).astype(np.uint8).reshape(2, 3072)
    content = numpy1_pickle({"fine_labels": [49, 99], "coarse_labels": [1, 2], "data": planes})
    (tmp_path / "cifar-100-python").mkdir()
    (tmp_path / "cifar-100-python" / "test").write_bytes(content)
    monkeypatch.setitem(cifar.MD5, "cifar-100-python/test", md5(content))
    dataset = load("cifar100", "test", data_dir=tmp_path)
    assert [dataset.class_names[label] for label in dataset.labels] == ["mountain", "worm"]
    assert dataset.images[1, 2, 3].tolist() == [(3072 + c * 1024 + 2 * 32 + 3) % 256 for c in range(3)]


def test_cifar100_names_are_100_different_in_alphabetical_order():
    names = DATASETS["cifar100"].class_names
    assert len(set(names)) == 100 and list(names) == sorted(names)


def test_a_changed_byte_is_refused_with_both_checksums(tmp_path, cifar10, write_python):
    path = write_python(tmp_path, cifar10) / "data_batch_2"
    expected = md5(path.read_bytes())
    content = bytearray(path.read_bytes())
    content[500] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"data_batch_2 is damaged.*{expected}.*Received: {md5(content)}"):
        load("cifar10", data_dir=tmp_path)


def test_a_missing_file_is_named(tmp_path, cifar10, write_python):
    (write_python(tmp_path, cifar10) / "data_batch_4").unlink()
    with pytest.raises(DataNotFoundError, match="incomplete; put there as well: data_batch_4$"):
        load("cifar10", data_dir=tmp_path)
    assert len(load("cifar10", "test", data_dir=tmp_path)) == 12


class Hostile:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("function", ["os.system", "eval", "numpy.load"])
def test_a_hostile_pickle_runs_nothing_even_if_its_md5_is_right(tmp_path, cifar10, write_python, monkeypatch, function):
    trace = tmp_path / "trace"
    np.save(tmp_path / "array.npy", np.zeros(1))
    call = {
        "os.system": (os.system, f"touch {trace}"),
        "eval": (eval, f"open({str(trace)!r}, 'w')"),
        "numpy.load": (np.load, str(tmp_path / "array.npy")),
    }[function]
    content = pickle.dumps({"labels": Hostile(*call), "data": np.zeros((12, 3072), np.uint8)}, protocol=2)
    (write_python(tmp_path, cifar10) / "test_batch").write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        load("cifar10", "test", data_dir=tmp_path)
    monkeypatch.setitem(cifar.MD5, "cifar-10-batches-py/test_batch", md5(content))
    with pytest.raises(ValueError, match=r"test_batch is not a CIFAR file.*has no place in a CIFAR file"):
        load("cifar10", "test", data_dir=tmp_path)
    assert not trace.exists()
    if function == "os.system":  # the file is a weapon: an ordinary reader fires it
        pickle.loads(content)
        assert trace.exists()


def test_five_bytes_of_a_pickle_do_not_take_gigabytes(tmp_path, cifar10, write_python, monkeypatch):
    content = b"\x80\x02}r" + (2**28).to_bytes(4, "little") + b"."  # Python alone takes 4 GiB for this number
    (write_python(tmp_path, cifar10) / "test_batch").write_bytes(content)
    monkeypatch.setitem(cifar.MD5, "cifar-10-batches-py/test_batch", md5(content))
    with pytest.raises(ValueError, match="Received: an object with number 268,435,456 in 9 bytes"):
        load("cifar10", "test", data_dir=tmp_path)


def test_a_file_of_another_size_than_the_table_says_is_refused(tmp_path, cifar10, write_python, sizes):
    write_python(tmp_path, cifar10)
    sizes("cifar10", test=4)
    with pytest.raises(ValueError, match=r"expected 4 images .*Received: \(12, 32, 32, 3\)"):
        load("cifar10", "test", data_dir=tmp_path)


@pytest.mark.parametrize(
    "split, per_class, first",
    [("train", 5000, [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]), ("test", 1000, [3, 8, 8, 0, 6, 6, 1, 6, 3, 1])],
)
def test_real_cifar10(real_data, split, per_class, first):
    dataset = load("cifar10", split, data_dir=real_data)
    assert dataset.images.shape == (per_class * 10, 32, 32, 3) and dataset.images.dtype == np.uint8
    assert dataset.labels[:10].tolist() == first
    assert np.bincount(dataset.labels).tolist() == [per_class] * 10
    if split == "train":  # the mean and deviation everybody normalises with
        counts = np.stack([np.bincount(dataset.images[..., c].ravel(), minlength=256) for c in range(3)])
        mean = counts @ np.linspace(0, 1, 256) / counts[0].sum()
        square = counts @ np.linspace(0, 1, 256) ** 2 / counts[0].sum()
        np.testing.assert_allclose(mean, [0.4914, 0.4822, 0.4465], atol=1e-4)
        np.testing.assert_allclose(np.sqrt(square - mean**2), [0.2470, 0.2435, 0.2616], atol=1e-4)


def test_real_cifar10_written_as_binary_has_the_published_checksums(real_data):
    """The binary release is the same data: its published checksums follow from the python files."""
    dataset = load("cifar10", "test", data_dir=real_data)
    records = np.concatenate(
        [dataset.labels[:, None].astype(np.uint8), dataset.images.transpose(0, 3, 1, 2).reshape(-1, 3072)], axis=1
    ).tobytes()
    assert md5(records) == cifar.MD5["cifar-10-batches-bin/test_batch.bin"]
    published = "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"
    assert hashlib.sha256(records).hexdigest() == published
