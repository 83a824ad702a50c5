"""Folders prepared by TensorFlow Datasets, built here by its own builders from miniature original files."""

import hashlib
import sys
import tarfile

import numpy as np
import pytest

from green_vae.data import DATASETS, DataNotFoundError, load, tfds

tensorflow_datasets = pytest.importorskip("tensorflow_datasets")


def build(name, root, monkeypatch, shards):
    """Prepare `name` under `root` from the files in root/downloads/manual, whatever their checksums."""
    infos = {}
    builder = tensorflow_datasets.builder(name, data_dir=root)
    for url, info in builder.url_infos.items():
        content = (root / "downloads" / "manual" / info.filename).read_bytes()
        checksum = hashlib.sha256(content).hexdigest()
        infos[url] = type(info)(size=len(content), checksum=checksum, filename=info.filename)
    monkeypatch.setattr(type(builder), "url_infos", infos)
    # several files per split, as large data sets have them, and longer than the 16 records TFDS mixes at a time
    builder.download_and_prepare(download_config=tensorflow_datasets.download.DownloadConfig(num_shards=shards))


@pytest.fixture
def manual(tmp_path):
    folder = tmp_path / "tfds" / "downloads" / "manual"
    folder.mkdir(parents=True)
    return folder


def test_cifar10_comes_in_the_order_of_the_original_files(tmp_path, manual, cifar10, write_binary, monkeypatch):
    folder = write_binary(tmp_path / "original", cifar10)
    (folder / "batches.meta.txt").write_text("\n".join(DATASETS["cifar10"].class_names))
    with tarfile.open(manual / "cifar-10-binary.tar.gz", "w:gz") as tar:
        tar.add(folder, folder.name)
    build("cifar10", tmp_path / "tfds", monkeypatch, shards=2)
    for split in ("train", "test"):
        prepared = load("cifar10", split, data_dir=tmp_path / "tfds")
        np.testing.assert_array_equal(prepared.images, cifar10[split][0])
        np.testing.assert_array_equal(prepared.labels, cifar10[split][1])
        assert prepared.fingerprint == load("cifar10", split, data_dir=tmp_path / "original").fingerprint
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))  # found in TFDS's own place, too
    assert len(load("cifar10", data_dir=tmp_path / "nothing")) == 60


def test_celeba_from_tfds_agrees_with_the_original_files(tmp_path, manual, zipped, monkeypatch):
    names = sorted(line.split()[0] for line in (zipped / "celeba" / "list_eval_partition.txt").read_text().splitlines())
    for name in ("img_align_celeba.zip", "list_eval_partition.txt"):
        (manual / name).write_bytes((zipped / "celeba" / name).read_bytes())
    columns = {"list_attr_celeba.txt": ATTRIBUTES, "list_landmarks_align_celeba.txt": LANDMARKS}
    for file, heads in columns.items():
        rows = [f"{name} {' '.join(['1'] * len(heads))}" for name in names]
        (manual / file).write_text("\n".join([str(len(names)), " ".join(heads), *rows]) + "\n")
    (manual / "identity_CelebA.txt").write_text("".join(f"{name} 7\n" for name in names))
    build("celeb_a", tmp_path / "tfds", monkeypatch, shards=1)
    for name in ("celeba", "celeba_squeeze"):
        for split in ("train", "validation", "test"):
            original = load(name, split, data_dir=zipped)
            prepared = load(name, split, data_dir=tmp_path / "tfds")
            np.testing.assert_array_equal(prepared.images, original.images)
    assert (tmp_path / "tfds" / "celeba" / "prepared" / "celeba-test.npy").is_file()


def test_stored_order_is_undone():
    """The stored order, from TFDS's own hash."""
    from tensorflow_datasets.core.hashing import Hasher

    keys = [f"{i:06d}.jpg" for i in range(1, 50)]
    hasher = Hasher("validation")
    stored = sorted(keys, key=hasher.hash_key)
    assert [keys[i] for i in tfds.original_rows(keys, "validation")] == stored != keys


def test_the_newest_version_is_taken_by_number(tmp_path):
    for version in ("3.0.2", "3.0.10", "2.9.9"):
        (tmp_path / "cifar10" / version).mkdir(parents=True)
        (tmp_path / "cifar10" / version / "dataset_info.json").write_text("{}")
    (tmp_path / "cifar10" / "4.0.0").mkdir()  # unfinished
    assert tfds.find(DATASETS["cifar10"], tmp_path) == tmp_path / "cifar10" / "3.0.10"


def test_a_prepared_folder_without_tfds_installed_says_so(tmp_path, monkeypatch):
    (tmp_path / "mnist" / "3.0.1").mkdir(parents=True)
    (tmp_path / "mnist" / "3.0.1" / "dataset_info.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(ImportError, match=r"3\.0\.1 holds the data set.*pip install"):
        load("mnist", data_dir=tmp_path)


@pytest.fixture
def reachable(monkeypatch):
    monkeypatch.setattr(tfds, "reachable", lambda url: True)


def test_download_without_tfds_installed_says_so(tmp_path, monkeypatch, reachable):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(DataNotFoundError, match="TensorFlow Datasets is not installed"):
        load("mnist", data_dir=tmp_path, download=True)


def test_a_failed_download_keeps_its_cause(tmp_path, monkeypatch, reachable):
    class Builder:
        def download_and_prepare(self):
            raise ConnectionError("cut")

    asked = []
    monkeypatch.setattr(tensorflow_datasets, "builder", lambda *a, **k: asked.append((a, k)) or Builder())
    with pytest.raises(DataNotFoundError, match="The download failed: ConnectionError: cut") as caught:
        load("mnist32", data_dir=tmp_path, download=True)
    assert isinstance(caught.value.__cause__, ConnectionError)
    assert asked == [(("mnist",), {"data_dir": tmp_path})]


LANDMARKS = """lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x
    rightmouth_y""".split()
ATTRIBUTES = """5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose Black_Hair
    Blond_Hair Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup
    High_Cheekbones Male Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose
    Receding_Hairline Rosy_Cheeks Sideburns Smiling Straight_Hair Wavy_Hair Wearing_Earrings Wearing_Hat
    Wearing_Lipstick Wearing_Necklace Wearing_Necktie Young""".split()
