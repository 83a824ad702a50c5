"""Sprites: the grid of factors, and shapes whose area and place are known."""

import numpy as np
import pytest

from green_vae.data import load, sprites

IMAGES, FACTORS = load("sprites", "test"), sprites.factors("test")
WHITE = IMAGES.images[..., 0] / 255
PIXELS = np.arange(sprites.SIDE) + 0.5


def test_every_combination_is_there_once():
    both = np.concatenate([sprites.factors("train"), FACTORS])
    assert len(both) == 20_736 == len(np.unique(both, axis=0))
    np.testing.assert_array_equal(both.max(0) + 1, [*sprites.FACTORS.values()])
    assert len(IMAGES) == len(FACTORS) == sprites.TEST and IMAGES.shape == (32, 32, 1)


def test_labels_are_the_shapes():
    np.testing.assert_array_equal(IMAGES.labels, FACTORS[:, 0])
    assert IMAGES.class_names == ("rectangle", "ellipse", "heart")


def test_no_two_images_are_alike():
    train = load("sprites").images
    assert len({image.tobytes() for images in (train, IMAGES.images) for image in images}) == 20_736


def test_areas_are_those_of_the_shapes():
    """Rectangle 1.7 by 0.9 radii, ellipse pi / 2 radii squared; a scale grows by sixths from 1/2."""
    radius = sprites.RADIUS * (0.5 + FACTORS[:, 1] / 6)
    for shape, area in ((0, 1.7 * 0.9), (1, np.pi / 2)):
        own = FACTORS[:, 0] == shape
        np.testing.assert_allclose(WHITE[own].sum((1, 2)), area * radius[own] ** 2, rtol=0.08)  # 16 points in a pixel


@pytest.mark.parametrize(("factor", "axis"), [(3, 1), (4, 2)])
def test_places_are_a_pixel_and_a_half_apart(factor, axis):
    """The centre of gravity of rectangles and ellipses, which is their middle."""
    own = FACTORS[:, 0] < 2
    mass = WHITE[own]
    centre = (mass.sum(axis) * PIXELS).sum(1) / mass.sum((1, 2))
    np.testing.assert_allclose(centre, 16 + 1.5 * (FACTORS[own, factor] - 5.5), atol=0.15)


def test_orientations_divide_half_a_turn():
    """The direction of the greatest spread of an ellipse, from its second moments."""
    own = (FACTORS[:, 0] == 1) & (FACTORS[:, 1] == 3)
    for image, turn in zip(WHITE[own], FACTORS[own, 2], strict=True):
        down, across = np.nonzero(image > 0.5)
        covariance = np.cov(across, down)
        angle = 0.5 * np.arctan2(2 * covariance[0, 1], covariance[0, 0] - covariance[1, 1])
        off = (np.degrees(angle) - 15 * turn + 90) % 180 - 90
        assert abs(off) < 6
