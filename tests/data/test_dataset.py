"""The Dataset: what it refuses, how it slices, and what its fingerprint sees."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from green_vae.data import Dataset

IMAGES = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=4, max_dims=4, min_side=1, max_side=6))


@given(images=IMAGES, start=st.integers(-7, 7), stop=st.integers(-7, 7), step=st.sampled_from([-2, -1, 1, 3]))
def test_a_slice_holds_the_same_images_and_labels_as_slicing_the_arrays(images, start, stop, step):
    part = slice(start, stop, step)
    dataset = Dataset("x", "test", images, np.arange(len(images)))
    picked = dataset[part]
    assert type(picked) is Dataset and picked.name == "x" and picked.split == "test"
    np.testing.assert_array_equal(picked.images, images[part])
    np.testing.assert_array_equal(picked.labels, np.arange(len(images))[part])
    assert len(picked) == len(range(*part.indices(len(images))))


@given(images=IMAGES)
def test_float_is_value_over_255_and_goes_back_to_the_same_bytes(images):
    dataset = Dataset("x", "test", images)
    values = dataset.float()
    assert values.dtype == np.float32 and values.shape == images.shape
    np.testing.assert_allclose(values, images.astype(np.float64) / 255, rtol=1e-7)
    np.testing.assert_array_equal(np.rint(values * 255).astype(np.uint8), images)
    assert values.min() >= 0 and values.max() <= 1
    np.testing.assert_array_equal(dataset.float(slice(1, 3)), values[1:3])


def test_float_is_a_copy():
    images = np.full((2, 1, 1, 1), 255, dtype=np.uint8)
    Dataset("x", "test", images).float()[:] = 0
    assert images.min() == 255


def test_index_with_positions_a_mask_or_nothing():
    dataset = Dataset("x", "train", np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1), np.arange(5) * 10)
    assert dataset[[3, 0, 3]].labels.tolist() == [30, 0, 30]
    assert dataset[np.array([True, False, False, False, True])].images.ravel().tolist() == [0, 4]
    assert len(dataset[[]]) == 0
    assert dataset.shape == (1, 1, 1)


@pytest.mark.parametrize("index", [0, (1, slice(1)), [0.5], "01", np.zeros((2, 2), int)])
def test_an_index_that_is_not_a_selection_of_images_is_refused(index):
    dataset = Dataset("x", "train", np.zeros((5, 2, 2, 1), dtype=np.uint8))
    with pytest.raises(TypeError, match="slice or a 1-d array.*Received: "):
        dataset[index]


def test_iterating_does_not_run_over_single_images_by_accident():
    with pytest.raises(TypeError, match="Received: 0"):
        next(iter(Dataset("x", "train", np.zeros((5, 2, 2, 1), dtype=np.uint8))))


@pytest.mark.parametrize("images", [np.zeros((2, 3, 3, 1), np.float32), np.zeros((2, 3, 3), np.uint8)])
def test_images_must_be_uint8_nhwc(images):
    with pytest.raises(ValueError, match=r"uint8 \(n, h, w, c\).*Received: "):
        Dataset("x", "train", images)


def test_labels_must_match():
    with pytest.raises(ValueError, match=r"Received: \(3,\)"):
        Dataset("x", "train", np.zeros((2, 1, 1, 1), np.uint8), np.zeros(3, int))


def test_fields_cannot_be_reassigned():
    with pytest.raises(AttributeError):
        Dataset("x", "train", np.zeros((2, 1, 1, 1), np.uint8)).name = "y"


def test_repr_is_short():
    assert repr(Dataset("x", "train", np.zeros((2, 4, 5, 3), np.uint8))) == "Dataset('x', 'train', 2 x (4, 5, 3))"


def test_fingerprint_is_sha256_of_name_shape_images_and_labels():
    images = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    expected = hashlib.sha256(b"x(2, 2, 2, 3)" + bytes(range(24)) + bytes([7]) + bytes(7) + bytes([1]) + bytes(7))
    assert Dataset("x", "train", images, np.array([7, 1], np.int32)).fingerprint == expected.hexdigest()


def test_fingerprint_sees_every_image_of_an_array_larger_than_its_step():
    images = np.zeros((70, 1024, 1024, 1), dtype=np.uint8)  # 70 MiB; read 64 MiB at a time
    before = Dataset("x", "train", images).fingerprint
    images[-1, -1, -1, 0] = 1
    assert Dataset("x", "train", images).fingerprint != before


def test_fingerprint_differs_by_name_pixel_label_and_shape():
    images = np.zeros((2, 2, 3, 1), np.uint8)
    labels = np.zeros(2, int)
    changed = images.copy()
    changed[1, 1, 2, 0] = 1
    prints = {
        Dataset("x", "train", images, labels).fingerprint,
        Dataset("y", "train", images, labels).fingerprint,
        Dataset("x", "train", changed, labels).fingerprint,
        Dataset("x", "train", images, labels + 1).fingerprint,
        Dataset("x", "train", images.reshape(2, 3, 2, 1), labels).fingerprint,
    }
    assert len(prints) == 5


def test_fingerprint_does_not_depend_on_memory_layout(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 3, 2), dtype=np.uint8)
    np.save(tmp_path / "a.npy", images)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    planes = np.ascontiguousarray(images.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    prints = {Dataset("x", "train", array).fingerprint for array in (images, mapped, planes, images[::-1][::-1])}
    assert len(prints) == 1
