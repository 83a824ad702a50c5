"""Images on their way: shapes, types, ranges, batches, progress."""

import hashlib
import io
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from green_vae.metrics import image_key, stream
from green_vae.metrics.stream import batches, prepare, track

IMAGES = np.random.default_rng(0).integers(0, 256, (11, 5, 6, 3), "uint8")


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_nothing_is_dropped_or_added_whatever_the_batches(sizes, size):
    images = np.random.default_rng(0).random((sum(sizes), 2, 3, 3)).astype("float32")
    edges = np.cumsum([0, *sizes])
    parts = list(batches((images[i:j] for i, j in zip(edges, edges[1:], strict=False)), size))
    assert all(len(part) == size for part in parts[:-1]) and all(0 < len(part) <= size for part in parts)
    np.testing.assert_array_equal(np.concatenate([images[:0], *parts]), images)
    np.testing.assert_array_equal(np.concatenate([images[:0], *batches(images, size)]), images)


def test_types_and_channels():
    whole = prepare(IMAGES)
    assert whole.dtype == np.float32 and whole.max() <= 1
    np.testing.assert_array_equal(whole, IMAGES.astype("float32") / 255)
    np.testing.assert_array_equal(prepare(IMAGES / 255.0), whole)
    gray = prepare(IMAGES[..., :1])
    assert gray.shape == (11, 5, 6, 3)
    np.testing.assert_array_equal(gray, whole[..., :1].repeat(3, -1))
    mixed = list(batches([IMAGES[:2], IMAGES[2:4] / 255.0], 4))  # of two types: each converted by itself
    np.testing.assert_array_equal(mixed[0], whole[:4])


def test_not_quantised_unless_asked():
    images = np.full((1, 2, 2, 3), 0.5001, "float32")
    np.testing.assert_array_equal(prepare(images), images)
    np.testing.assert_array_equal(prepare(images, quantise=True), np.full_like(images, np.float32(128) / 255))
    np.testing.assert_array_equal(prepare(IMAGES, quantise=True), prepare(IMAGES))


def test_not_stretched_unless_asked():
    image = np.array([0.25, 0.5, 0.75, 0.5]).reshape(1, 2, 2, 1)
    dark = np.concatenate([image, image / 3, np.full_like(image, 0.3)])
    assert prepare(dark).max() == 0.75
    stretched = prepare(dark, stretch=True)
    np.testing.assert_allclose(stretched[:2, ..., 0].reshape(2, 4), [[0, 0.5, 1, 0.5]] * 2, atol=1e-6)
    assert not stretched[2].any()  # of one colour: no range to stretch, and no NaN


@pytest.mark.parametrize(
    "images, message",
    [
        (IMAGES.astype("float32"), r"0 to 255 must be uint8, or divided by 255. Received: range \[0, 255\]"),
        (IMAGES / 255.0 - 0.5, r"in \[0, 1\]; clip them first"),
        (IMAGES / 200.0, "clip them first"),
        (np.where(IMAGES == IMAGES.max(), np.nan, 0.5), "finite.*pixels NaN"),
        (IMAGES.astype("int64"), "uint8, or float.*Received: int64"),
        (IMAGES[0], r"\(n, height, width, 1 or 3\). Received: shape \(5, 6, 3\)"),
        (IMAGES.transpose(0, 3, 1, 2), "Received: shape"),
        (IMAGES[..., :2], "Received: shape"),
    ],
)
def test_unusable_images_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        list(batches(images, 4))
    with pytest.raises(ValueError, match=message):
        list(batches(iter([images]), 4))


def test_unusable_batches_are_refused():
    with pytest.raises(ValueError, match=r"one size. Received: \(5, 6, 3\), then \(4, 6, 3\)"):
        list(batches([IMAGES[:2], IMAGES[:2, :4]], 4))
    with pytest.raises(ValueError, match="images alone. Received: a batch of type tuple"):
        list(batches([(IMAGES, np.arange(11))], 4))


def test_rounding_beyond_the_range_passes():
    assert prepare(np.full((1, 2, 2, 3), 1 + 1e-6)).max() > 1


def test_a_memory_map_is_read_in_parts(tmp_path, monkeypatch):
    np.save(tmp_path / "images.npy", IMAGES)
    seen = []
    monkeypatch.setattr(stream, "prepare", lambda part, *rest: seen.append(len(part)) or prepare(part, *rest))
    parts = list(batches(np.load(tmp_path / "images.npy", mmap_mode="r"), 4))
    assert max(seen) == 4
    np.testing.assert_array_equal(np.concatenate(parts), prepare(IMAGES))


def test_key_depends_on_content_alone():
    key = image_key(IMAGES)
    assert key == image_key(IMAGES.copy(order="F"))
    assert key == hashlib.sha256(b"|u1(11, 5, 6, 3)" + IMAGES.tobytes()).hexdigest()[:16]
    changed = IMAGES.copy()
    changed[-1, -1, -1, -1] ^= 1
    others = [changed, IMAGES[:-1], IMAGES.astype("float32"), IMAGES.reshape(11, 6, 5, 3)]
    assert len({key, *(image_key(other) for other in others)}) == 5


def test_lines_of_progress_without_a_terminal(monkeypatch):
    error = io.StringIO()
    monkeypatch.setattr(sys, "stderr", error)
    assert len(list(track(np.zeros((8, 400)), 3200, "features", seconds=0))) == 8
    lines = list(filter(None, error.getvalue().splitlines()))  # an older rich ends with an empty one
    assert lines[0].startswith("features 400/3200, ") and lines[0].endswith(" left") and len(lines) == 8
    list(track([np.zeros(5)], None, "unknown", seconds=0))
    assert list(filter(None, error.getvalue().splitlines()))[-1].startswith("unknown 5, ")
    before = error.getvalue()
    list(track([np.zeros(5)], 5, "fast"))
    assert error.getvalue().rstrip() == before.rstrip()


def test_line_of_progress():
    assert stream._line("features", 3200, 10000, 64) == "features 3200/10000, 2:16 left"
