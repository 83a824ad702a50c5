"""Bilinear without antialiasing, against hand calculations and another library; PIL's for contrast."""

import numpy as np
import pytest
from PIL import Image
from skimage.transform import resize

from green_vae.data.celeba import crop, squeeze
from green_vae.data.resize import bilinear, to_uint8


def test_enlarging_two_pixels_to_four_by_hand():
    # centres at -0.25, 0.25, 0.75, 1.25 of the input: edge, 3/4 + 1/4, 1/4 + 3/4, edge
    row = np.array([[[0.0], [100.0]]])
    assert bilinear(row, 1, 4).ravel().tolist() == [0, 25, 75, 100]


def test_shrinking_by_four_takes_the_two_middle_pixels_by_hand():
    # centre (0 + 0.5) * 4 - 0.5 = 1.5: pixels 1 and 2 alone; an antialiased resize would use all four
    column = np.array([1000.0, 10.0, 20.0, 1000.0]).reshape(4, 1, 1)
    assert bilinear(column, 1, 1).ravel().tolist() == [15]


@pytest.mark.parametrize(
    "shape, new", [((218, 178), (64, 64)), ((8, 8), (32, 32)), ((7, 13), (5, 31)), ((5, 5), (5, 5))]
)
def test_agrees_with_scikit_image(shape, new):
    image = np.random.default_rng(0).uniform(0, 255, (*shape, 3))
    expected = resize(image, new, order=1, mode="edge", anti_aliasing=False)
    np.testing.assert_allclose(bilinear(image, *new), expected, atol=1e-3)


def test_a_batch_is_resized_image_by_image():
    images = np.random.default_rng(0).uniform(0, 255, (3, 9, 8, 2))
    np.testing.assert_array_equal(bilinear(images, 4, 5), np.stack([bilinear(image, 4, 5) for image in images]))


def test_to_uint8_rounds_and_clips():
    assert to_uint8(np.array([-3, 0.4, 0.6, 254.6, 300])).tolist() == [0, 0, 1, 255, 255]


def test_squeeze_is_scikit_images_and_not_pils():
    pixels = np.random.default_rng(0).integers(0, 256, (218, 178, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    ours = squeeze(picture)
    assert ours.shape == (64, 64, 3) and ours.dtype == np.uint8
    expected = resize(pixels.astype(float), (64, 64), order=1, mode="edge", anti_aliasing=False)
    assert np.abs(ours - expected).max() <= 0.5 + 1e-3
    averaged = np.asarray(picture.resize((64, 64), Image.Resampling.BILINEAR))
    assert ours.std() > averaged.std() * 1.5  # noise survives only without averaging


def test_crop_takes_rows_45_to_172_and_columns_25_to_152():
    pixels = np.full((218, 178, 3), 255, dtype=np.uint8)
    pixels[45:173, 25:153] = 10
    assert (crop(Image.fromarray(pixels)) == 10).all()
    for row, column in ((45, 25), (172, 152)):  # both corners belong to it
        marked = pixels.copy()
        marked[row, column] = 255
        assert (crop(Image.fromarray(marked)) != 10).any()


def test_crop_halves_with_weights_1_3_3_1_by_hand():
    # a triangle of half-width 2 around the centre of a pair weighs the four pixels 1/8, 3/8, 3/8, 1/8
    pixels = np.zeros((218, 178, 3), dtype=np.uint8)
    pixels[:, 25 + 60 : 25 + 64] = np.array([80, 160, 240, 0], dtype=np.uint8)[:, None]
    inner = crop(Image.fromarray(pixels))[32, 29:33, 0]
    # outputs 29..32 sit on the pairs (58, 59), (60, 61), (62, 63), (64, 65)
    assert inner.tolist() == [80 / 8, (80 + 160) * 3 / 8 + 240 / 8, 160 / 8 + 240 * 3 / 8, 0]
