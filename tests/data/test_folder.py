"""A folder of one's own images."""

import numpy as np
import pytest
from PIL import Image

from green_vae.data import DataNotFoundError, load


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


def test_sixteen_bits_are_refused(tmp_path):
    Image.fromarray(np.full((4, 4), 40000, np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(ValueError, match=r"deep\.png must have 8 bits.*Received: mode I"):
        load(f"folder:{tmp_path}", "all")


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
