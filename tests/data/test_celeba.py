"""CelebA: a miniature in the original formats, prepared once, and every way it can be broken."""

import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from green_vae.data import DataNotFoundError, celeba, load, prepare

from .conftest import jpeg


def pictures(root, numbers):
    for number in numbers:
        with Image.open(root / "celeba" / "img_align_celeba" / f"{number:06d}.jpg") as file:
            yield file.convert("RGB")


@pytest.mark.parametrize("split, numbers", [("train", range(1, 5)), ("validation", (162771, 162772))])
def test_crop_of_a_folder_in_the_order_of_file_names(celeba_mini, split, numbers):
    dataset = load("celeba", split, data_dir=celeba_mini)
    expected = [
        np.asarray(Image.fromarray(np.asarray(p)[45:173, 25:153]).resize((64, 64), Image.Resampling.BILINEAR))
        for p in pictures(celeba_mini, numbers)
    ]
    np.testing.assert_array_equal(dataset.images, expected)
    assert dataset.labels is None and dataset.class_names is None


def test_squeeze_keeps_the_whole_image(celeba_mini):
    from skimage.transform import resize

    images = load("celeba_squeeze", "test", data_dir=celeba_mini).images
    for image, picture in zip(images, pictures(celeba_mini, range(182638, 182641)), strict=True):
        whole = resize(np.asarray(picture).astype(float), (64, 64), order=1, mode="edge", anti_aliasing=False)
        assert np.abs(image - whole).max() <= 0.5 + 1e-3


def test_a_zip_is_read_without_unpacking_and_agrees_with_the_folder(celeba_mini, request):
    folder = load("celeba", "test", data_dir=celeba_mini).images.copy()
    for path in (celeba_mini / "celeba" / "prepared").iterdir():
        path.unlink()
    request.getfixturevalue("zipped")
    np.testing.assert_array_equal(load("celeba", "test", data_dir=celeba_mini).images, folder)
    assert sorted(p.name for p in (celeba_mini / "celeba").iterdir()) == [
        "img_align_celeba.zip",
        "list_eval_partition.txt",
        "prepared",
    ]


def test_the_layout_of_kaggle(celeba_mini):
    base = celeba_mini / "celeba"
    (base / "img_align_celeba").rename(base / "inner")
    (base / "img_align_celeba").mkdir()
    (base / "inner").rename(base / "img_align_celeba" / "img_align_celeba")
    lines = (base / "list_eval_partition.txt").read_text().replace(" ", ",")
    (base / "list_eval_partition.csv").write_text("image_id,partition\n" + lines)
    (base / "list_eval_partition.txt").unlink()
    assert [len(load("celeba", split, data_dir=celeba_mini)) for split in celeba.SPLITS] == [4, 2, 3]


def test_prepared_once_then_read_only_from_the_array(celeba_mini, monkeypatch):
    first = load("celeba", data_dir=celeba_mini)
    assert isinstance(first.images, np.memmap) and not first.images.flags.writeable
    assert isinstance(first[1:3].images, np.memmap)
    monkeypatch.setattr(prepare, "write", lambda *a: pytest.fail("prepared again"))
    assert load("celeba", data_dir=celeba_mini).fingerprint == first.fingerprint
    assert [p.name for p in (celeba_mini / "celeba" / "prepared").iterdir()] == ["celeba-train.npy"]


def test_a_failure_leaves_nothing_half_written(celeba_mini):
    path = celeba_mini / "celeba" / "img_align_celeba" / "000003.jpg"
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2])
    with pytest.raises(ValueError, match="000003.jpg is damaged.*Received: .*truncated"):
        load("celeba", data_dir=celeba_mini)
    assert list((celeba_mini / "celeba" / "prepared").iterdir()) == []
    path.write_bytes(good)
    assert len(load("celeba", data_dir=celeba_mini)) == 4


def test_an_interruption_leaves_nothing_half_written(celeba_mini, monkeypatch):
    def interrupted(picture):
        raise KeyboardInterrupt

    spec = celeba._spec("celeba", "CelebA", interrupted)
    with pytest.raises(KeyboardInterrupt):
        spec.read("train", celeba_mini)
    assert list((celeba_mini / "celeba" / "prepared").iterdir()) == []


def test_images_arrive_in_their_own_rows_over_several_batches(celeba_mini, monkeypatch):
    expected = load("celeba", data_dir=celeba_mini).images.copy()
    (celeba_mini / "celeba" / "prepared" / "celeba-train.npy").unlink()
    monkeypatch.setattr(prepare, "BATCH", 3)
    np.testing.assert_array_equal(load("celeba", data_dir=celeba_mini).images, expected)


def test_a_prepared_array_of_another_size_is_made_anew(celeba_mini):
    folder = celeba_mini / "celeba" / "prepared"
    folder.mkdir()
    np.save(folder / "celeba-train.npy", np.zeros((2, 64, 64, 3), np.uint8))
    assert len(load("celeba", data_dir=celeba_mini)) == 4


def test_a_folder_that_cannot_be_written_falls_back_to_the_cache(celeba_mini, tmp_path):
    (celeba_mini / "celeba" / "prepared").write_text("a file where the folder should be")
    dataset = load("celeba", "test", data_dir=celeba_mini)
    assert len(dataset) == 3
    kept = tmp_path / "cache" / "green_vae" / "celeba" / "prepared" / "celeba-test.npy"
    np.testing.assert_array_equal(np.load(kept), dataset.images)


def test_missing_images_are_counted_and_named(celeba_mini):
    for number in (2, 4):
        os.unlink(celeba_mini / "celeba" / "img_align_celeba" / f"{number:06d}.jpg")
    with pytest.raises(
        DataNotFoundError, match=r"the 4 images of the train split; .*Received: one without 000002\.jpg, and 2 are"
    ):
        load("celeba", data_dir=celeba_mini)


def test_an_image_of_another_size_is_named(celeba_mini):
    jpeg(celeba_mini / "celeba" / "img_align_celeba" / "000001.jpg", seed=0, size=(100, 218))
    with pytest.raises(ValueError, match=r"000001\.jpg must have 178x218 pixels\. Received: 100x218"):
        load("celeba", data_dir=celeba_mini)


def test_images_without_the_partition_file(celeba_mini):
    (celeba_mini / "celeba" / "list_eval_partition.txt").unlink()
    with pytest.raises(DataNotFoundError, match="put list_eval_partition.txt beside it"):
        load("celeba", data_dir=celeba_mini)


def test_a_cut_partition_file_is_refused(celeba_mini):
    path = celeba_mini / "celeba" / "list_eval_partition.txt"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    with pytest.raises(ValueError, match="should list 4 images of the train split.*Received: 3"):
        load("celeba", data_dir=celeba_mini)


def test_a_broken_zip_is_named(zipped):
    path = zipped / "celeba" / "img_align_celeba.zip"
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ValueError, match=r"img_align_celeba\.zip is damaged.*Received: "):
        load("celeba", data_dir=zipped)


def test_a_damaged_member_of_a_zip_is_named(zipped):
    path = zipped / "celeba" / "img_align_celeba.zip"
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("img_align_celeba/000002.jpg").header_offset + 200
    content = bytearray(path.read_bytes())
    content[at] ^= 255
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"000002\.jpg cannot be read.*Received: .*CRC"):
        load("celeba", data_dir=zipped)
