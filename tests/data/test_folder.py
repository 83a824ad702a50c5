"""A folder of one's own images."""

import warnings

import numpy as np
import pytest
from PIL import Image

from green_vae.data import DataNotFoundError, load
from green_vae.data import folder as folder_module


def save(path, value=0, size=(8, 8), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode == "L" else (value,) * len(mode)).save(path)


@pytest.fixture
def twenty(tmp_path):
    for i in range(20):
        save(tmp_path / f"{i:02d}.png", i)
    return tmp_path


def values(dataset):
    return dataset.images[:, 0, 0, 0].tolist()


def test_all_images_sorted_by_path_whatever_their_depth_and_format(tmp_path):
    for i, name in enumerate(["a/z.png", "b.bmp", "c/d/e.PNG", "f.webp"]):
        save(tmp_path / name, i * 10)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "._b.png").write_text("a Mac's own file")
    save(tmp_path / ".thumbnails" / "b.png", 9)
    dataset = load(f"folder:{tmp_path}", "all")
    assert dataset.images.shape == (4, 8, 8, 3) and dataset.labels is None
    np.testing.assert_allclose(values(dataset), [0, 10, 20, 30], atol=2)  # webp is lossy


def test_a_tenth_is_test_and_the_rest_train_always_the_same(twenty):
    train, test = (load(f"folder:{twenty}", split) for split in ("train", "test"))
    assert len(test) == 2 and len(train) == 18
    assert sorted(values(train) + values(test)) == list(range(20))
    assert values(train) == sorted(values(train))
    assert values(load(f"folder:{twenty}", "test")) == values(test)


def test_folders_train_and_test_are_the_splits(tmp_path):
    save(tmp_path / "train" / "a.png", 1)
    save(tmp_path / "train" / "b.png", 2)
    save(tmp_path / "test" / "a.png", 3)
    name = f"folder:{tmp_path}"
    assert [values(load(name, split)) for split in ("train", "test", "all")] == [[1, 2], [3], [3, 1, 2]]


def test_greyscale_has_one_channel_only_if_all_are(tmp_path):
    save(tmp_path / "a.png", 7, mode="L")
    assert load(f"folder:{tmp_path}", "all").images.tolist() == np.full((1, 8, 8, 1), 7).tolist()
    save(tmp_path / "b.png", 9)
    assert load(f"folder:{tmp_path}", "all").shape == (8, 8, 3)


def test_the_splits_have_one_number_of_channels(twenty):
    """One picture in colour among grey ones makes three channels of all, whichever split it lies in."""
    held_out = values(load(f"folder:{twenty}", "test"))[0]
    for i in range(20):
        save(twenty / f"{i:02d}.png", i, mode="L")
    assert load(f"folder:{twenty}", "train").shape == (8, 8, 1)
    save(twenty / f"{held_out:02d}.png", held_out)
    assert [load(f"folder:{twenty}", split).shape for split in ("train", "test", "all")] == [(8, 8, 3)] * 3


def test_a_size_cuts_the_centred_square_and_resizes(tmp_path):
    pixels = np.zeros((6, 11, 3), np.uint8)
    pixels[:, 2:8] = np.arange(36, dtype=np.uint8).reshape(6, 6, 1)  # the centred square, left of the middle
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    Image.fromarray(pixels.transpose(1, 0, 2)).save(tmp_path / "x_high.png")
    images = load(f"folder:{tmp_path}@6", "all").images
    assert images[0, :, :, 0].tolist() == np.arange(36).reshape(6, 6).tolist()
    assert images[1, :, :, 0].tolist() == np.arange(36).reshape(6, 6).T.tolist()
    assert load(f"folder:{tmp_path}@3", "all").shape == (3, 3, 3)


def test_photos_are_turned_upright(tmp_path):
    picture = Image.new("RGB", (4, 2))
    exif = picture.getexif()
    exif[0x0112] = 6  # the camera was held upright: turn by 90 degrees
    picture.save(tmp_path / "a.jpg", exif=exif)
    assert load(f"folder:{tmp_path}", "all").shape == (4, 2, 3)


def test_different_sizes_are_refused_with_the_file_and_the_remedy(twenty):
    save(twenty / "19.png", size=(9, 8))
    with pytest.raises(ValueError, match=r"add @64.*Received: 9x8 in .*19\.png"):
        load(f"folder:{twenty}", "all")
    assert load(f"folder:{twenty}@8", "all").shape == (8, 8, 3)


@pytest.mark.parametrize("content", [b"", b"no image at all", None])
def test_a_broken_image_is_named(twenty, content):
    path = twenty / "05.png"
    path.write_bytes(path.read_bytes()[:50] if content is None else content)
    with pytest.raises(ValueError, match=r"05\.png is not a readable image.*Received: "):
        load(f"folder:{twenty}", "all")


def test_every_image_is_scaled_by_its_own_type_in_any_order(tmp_path):
    pictures = {"8": np.uint8(100), "16": np.uint16(100 * 257), "f": np.float32(100 / 255)}
    for order in (("8", "16", "f"), ("f", "16", "8")):
        folder = tmp_path / "".join(order)
        folder.mkdir()
        for place, kind in enumerate(order):
            Image.fromarray(np.full((4, 4), pictures[kind])).save(folder / f"{place}.tiff")
        Image.fromarray(np.full((4, 4), np.uint16(65535))).save(folder / "white.png")
        images = load(f"folder:{folder}", "all").images
        assert images.shape == (4, 4, 4, 1) and values(load(f"folder:{folder}", "all")) == [100, 100, 100, 255]


@pytest.mark.parametrize("wrong", [np.float32(255), np.float32(-0.5), np.float32("nan"), np.int32(7)])
def test_what_has_no_known_range_is_refused_by_name(tmp_path, wrong):
    Image.fromarray(np.full((4, 4), wrong)).save(tmp_path / "deep.tiff")
    with pytest.raises(ValueError, match=r"deep\.tiff.*Received: (mode I|values from)"):
        load(f"folder:{tmp_path}", "all")


def test_what_is_transparent_is_laid_on_white(tmp_path):
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[..., :3] = [200, 0, 50]
    pixels[0, :, 3] = [0, 255]
    pixels[1, :, 3] = 51  # a fifth
    Image.fromarray(pixels).save(tmp_path / "a.png")
    images = load(f"folder:{tmp_path}", "all").images
    assert images[0, 0].tolist() == [[255, 255, 255], [200, 0, 50]]
    np.testing.assert_allclose(images[0, 1, 0], [0.2 * 200 + 204, 204, 0.2 * 50 + 204], atol=1)
    Image.fromarray(pixels[..., 2:]).save(tmp_path / "a.png")  # grey and alpha
    assert load(f"folder:{tmp_path}", "all").images[0, 0].tolist() == [[255], [50]]


def test_a_palette_with_a_transparent_colour(tmp_path):
    picture = Image.fromarray(np.array([[0, 1]], np.uint8), mode="P")
    picture.putpalette([200, 0, 50, 1, 2, 3])
    picture.save(tmp_path / "a.png", transparency=0)
    assert load(f"folder:{tmp_path}", "all").images[0, 0].tolist() == [[255, 255, 255], [1, 2, 3]]


def test_width_and_height_cut_the_centred_rectangle(tmp_path):
    pixels = np.zeros((10, 20), np.uint8)
    pixels[:, 8:13] = np.arange(50).reshape(10, 5)
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    images = load(f"folder:{tmp_path}@5x10", "all").images  # 5 wide, 10 high: the middle, 7 pixels from the left
    assert images.shape == (1, 10, 5, 1)
    assert images[0, :, :, 0].tolist() == pixels[:, 7:12].tolist()
    flat = load(f"folder:{tmp_path}@20x5", "all").images
    assert flat[0, :, :, 0].tolist() == pixels[2:7].tolist()


def test_names_with_an_at_sign_are_names(tmp_path):
    for name in ("me@home", "pictures@32", "pictures@8x4"):
        save(tmp_path / name / "a.png", 5, size=(8, 8))
        assert load(f"folder:{tmp_path}/{name}", "all").shape == (8, 8, 3)
        assert load(f"folder:{tmp_path}/{name}@4x2", "all").shape == (2, 4, 3)


def test_subfolders_are_classes(tmp_path):
    for i, name in enumerate(["b/1.png", "b/2.png", "a/deep/1.png", "c/1.png"]):
        save(tmp_path / name, i)
    dataset = load(f"folder:{tmp_path}", "all")
    assert dataset.class_names == ("a", "b", "c") and values(dataset) == [2, 0, 1, 3]
    assert dataset.labels.tolist() == [0, 1, 1, 2]
    train = load(f"folder:{tmp_path}", "train")
    assert train.class_names == ("a", "b", "c") and len(train.labels) == len(train)
    save(tmp_path / "loose.png")
    assert load(f"folder:{tmp_path}", "all").labels is None


def test_classes_of_folders_train_and_test_have_one_number(tmp_path):
    for name in ("train/dog/1.png", "train/cat/1.png", "test/dog/1.png"):
        save(tmp_path / name)
    name = f"folder:{tmp_path}"
    assert load(name, "test").labels.tolist() == [1] and load(name, "test").class_names == ("cat", "dog")
    assert load(name, "train").labels.tolist() == [0, 1]
    assert load(name, "all").labels.tolist() == [1, 0, 1]  # test/dog, train/cat, train/dog


def test_many_pixels_are_mapped_and_written_once(twenty, monkeypatch, tmp_path_factory):
    expected = load(f"folder:{twenty}", "all")
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(folder_module, "IN_MEMORY", 100)
    monkeypatch.setattr(folder_module, "cache_dir", lambda: cache)
    mapped = load(f"folder:{twenty}", "all")
    assert isinstance(mapped.images, np.memmap) and mapped.fingerprint == expected.fingerprint
    (file,) = cache.rglob("*.npy")
    written = file.stat().st_mtime_ns
    load(f"folder:{twenty}", "all")
    assert file.stat().st_mtime_ns == written
    save(twenty / "07.png", 99, size=(8, 8))
    assert values(load(f"folder:{twenty}", "all"))[7] == 99  # another file, another array
    save(twenty / "19.png", size=(9, 8))
    with pytest.raises(ValueError, match="one size"):
        load(f"folder:{twenty}", "all")
    assert len(list(cache.rglob("*.npy"))) == 2  # nothing half-written


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="has no images.*Received: 'folder:"):
        load(f"folder:{tmp_path}")


def test_one_image_cannot_be_split(tmp_path):
    save(tmp_path / "only.png")
    with pytest.raises(ValueError, match='split="all" takes one'):
        load(f"folder:{tmp_path}", "test")
    assert len(load(f"folder:{tmp_path}", "all")) == 1


def test_no_such_folder(tmp_path):
    with pytest.raises(DataNotFoundError, match="there is no folder .*nowhere.*Received: "):
        load(f"folder:{tmp_path}/nowhere@64")


def test_bad_split_and_bad_size(twenty):
    with pytest.raises(ValueError, match=r"train, test, all\. Received: 'validation'"):
        load(f"folder:{twenty}", "validation")
    with pytest.raises(ValueError, match="at least 1 pixel. Received: 'folder:.*@0'"):
        load(f"folder:{twenty}@0")


def test_sizes_beyond_memory_and_no_path_are_refused(twenty):
    with pytest.raises(ValueError, match="up to 50,000,000 pixels. Received: .*@99999'"):
        load(f"folder:{twenty}@99999")
    with pytest.raises(ValueError, match="folder:. for the current folder. Received: 'folder:'"):
        load("folder:")


def test_a_word_on_files_of_16_bits_that_use_12(tmp_path):
    values = np.linspace(0, 4095, 30).reshape(5, 6).astype("uint16")
    Image.fromarray(values).save(tmp_path / "a.png")
    with pytest.warns(UserWarning, match="almost black.*Received: values up to 4112 of 65,535"):
        load(f"folder:{tmp_path}", "all")
    Image.fromarray(16 * values).save(tmp_path / "b.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(f"folder:{tmp_path}", "all")
