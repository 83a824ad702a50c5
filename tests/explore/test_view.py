"""What the page of a model shows: units, sliders, map, interpolation and samplers, without a browser."""

import numpy as np
import pytest
from core_models import LATENT, blobs, fresh
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from green_vae.explore import view
from green_vae.explore.chart import Chart
from green_vae.samplers import GaussianMixture

IMAGES = blobs(30)


@pytest.fixture(scope="module")
def seen():
    """The view of a tiny VAE with a mixture beside its prior."""
    model = fresh("vae")
    mixture = GaussianMixture(2).fit(model.encode(IMAGES))
    model.shipped = {"gmm": lambda: mixture}
    yield view.View(model, IMAGES)
    model.shipped = {}


def test_most_active_units_are_those_of_the_largest_variance():
    codes = np.random.default_rng(0).normal(size=(500, 20)) * np.r_[np.arange(1, 16), [40], np.zeros(4)]
    assert view.most_active(view.activity(fresh("vae"), None, codes)).tolist() == [15, *range(14, 3, -1)]
    assert view.most_active([2.0, 2.0, 3.0]).tolist() == [2, 0, 1]


def test_activity_behind_a_flow_is_that_of_means_of_draws():
    """Draws of a unit that says nothing vary as those of others do; means of 50 draws have a 50th of that variance."""
    model = fresh("vae_iaf")
    draws = np.stack([model.encode(IMAGES, sample=True, seed=seed) for seed in range(100, 150)])
    found = view.activity(model, IMAGES, draws[0])
    expected = draws.mean(axis=0).var(axis=0)
    assert (10 * expected < draws.var(axis=1).mean(axis=0)).all()
    assert found.shape == (LATENT,) and (found < 3 * expected).all() and (found > expected / 3).all()


finite = st.floats(-1e3, 1e3, width=32)


@settings(max_examples=50, deadline=None)
@given(codes=arrays("float32", (6, 3), elements=finite), centre=arrays("float32", 3, elements=finite))
def test_sliders_reach_every_code_in_steps_of_a_power_of_ten(codes, centre):
    deviation = codes.std(axis=0)
    low, high, step = view.ranges(codes, centre, deviation)
    slack = 1e-4 * np.abs(codes).max() + 1e-6  # of float32
    assert (low <= codes.min(0) + slack).all() and (high >= codes.max(0) - slack).all()
    assert (low <= centre - 3 * deviation + slack).all() and (high >= centre + 3 * deviation - slack).all()
    np.testing.assert_allclose(np.log10(step), np.rint(np.log10(step)), atol=1e-9)
    steps = (high - low) / step
    assert (steps > 99).all() and (steps < 1003).all()
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)


def test_a_prior_gives_sliders_of_three_deviations_and_autoencoders_those_of_their_codes(seen):
    small = np.full((2, LATENT), 0.1, "float32")
    assert np.array_equal(view.middle(seen.model, small), [np.zeros(LATENT), np.ones(LATENT)])
    low, high, step = view.ranges(small, *view.middle(seen.model, small))
    assert np.allclose(low, -3) and np.allclose(high, 3) and np.allclose(step, 0.01)
    autoencoder = view.View(fresh("rae_l2"), IMAGES)
    np.testing.assert_allclose(autoencoder.centre, autoencoder.codes.mean(axis=0))
    assert autoencoder.samplers == {} and np.array_equal(autoencoder.new_code(31), autoencoder.codes[1])


def test_a_slider_moves_its_unit_alone_and_stays_within_its_ends(seen):
    code = seen.codes[3]
    values = seen.values(code)
    np.testing.assert_allclose(values, code[seen.units], atol=0.51 * seen.step.max())
    values[1] = 1e9
    moved = seen.moved(code, values)
    assert moved[seen.units[1]] == np.float32(seen.high[seen.units[1]])
    others = np.delete(np.arange(LATENT), seen.units[1])
    np.testing.assert_allclose(moved[others], code[others], atol=0.51 * seen.step.max())
    assert np.array_equal(seen.moved(code, [None] * len(values)), code)
    low, high, step = seen.slider(seen.units[0])
    assert len(f"{low}{high}{step}") < 20 and low < seen.values(seen.centre)[0] < high


def test_pictures_are_those_of_the_decoder(seen):
    (image,) = seen.pictures(seen.codes[2]).values()
    np.testing.assert_allclose(image, seen.model.reconstruct(IMAGES[2:3], sample=False)[0], atol=1e-5)


def test_a_split_decoder_shows_what_it_mixes():
    parts = view.View(fresh("split_vae"), IMAGES).pictures(np.ones(LATENT))
    assert list(parts) == ["x", "x1", "x2", "map"] and parts["map"].shape[-1] == 1
    for part, image in parts.items():
        decoded = fresh("split_vae").decode(np.ones((1, LATENT)), part=part)
        np.testing.assert_allclose(image, decoded[0], atol=1e-5)


def test_a_hierarchy_has_no_noise_between_two_pictures_of_one_code():
    model = fresh("hfvae")
    made = view.View(model, IMAGES[:4])
    (image,) = made.pictures(made.codes[0]).values()
    np.testing.assert_array_equal(image, made.pictures(made.codes[0])["x"])
    np.testing.assert_allclose(image, model.decode(made.codes[:1], temperature=0.0)[0], atol=1e-5)


def test_the_map_has_the_first_two_principal_components():
    codes = np.random.default_rng(0).normal(size=(40, 5)) * [1, 5, 3, 0.1, 0.2]
    positions, shares = view.plane(codes)
    left, values, _ = np.linalg.svd(codes - codes.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(positions), np.abs(left[:, :2] * values[:2]), atol=1e-9)
    np.testing.assert_allclose(shares, values[:2] ** 2 / (values**2).sum())


@pytest.mark.parametrize("units", [1, 2])
def test_the_map_of_two_units_or_one_is_the_codes_themselves(units):
    codes = np.random.default_rng(0).normal(size=(4, units))
    positions, shares = view.plane(codes)
    assert shares is None and positions.shape == (4, 2)
    assert np.array_equal(positions[:, :units], codes) and not positions[:, units:].any()


@pytest.mark.parametrize("labels", [None, np.arange(30) % 3])
def test_a_click_on_a_point_finds_its_image(seen, labels):
    chart = Chart(seen.positions, labels)
    found = [seen.nearest(chart.place_of(*chart.pixel_of(place))) for place in seen.positions]
    assert found == list(range(30))
    height, width, _ = chart.pixels.shape
    for number in (0, 7, 29):
        column, row = np.rint(chart.pixel_of(seen.positions[number])).astype(int)
        assert 0 < column < width and 0 < row < height
        assert (chart.pixels[row, column] < 250).any(), "a point is drawn there"
        changed = np.argwhere((chart.marked(number) != chart.pixels).any(axis=-1))
        np.testing.assert_allclose(changed.mean(axis=0), (row, column), atol=2)


def test_an_interpolation_has_the_reconstructions_at_its_ends(seen):
    line = seen.between(IMAGES[0], IMAGES[1])
    assert line.shape == (view.STEPS, *IMAGES.shape[1:])
    ends = seen.model.reconstruct(IMAGES[:2], sample=False)
    np.testing.assert_allclose(line[[0, -1]], ends, atol=1e-5)


def test_each_sampler_draws_its_own_images(seen):
    made = seen.drawn(seed=4, n=3)
    assert list(made) == ["prior", "gmm"] and all(images.shape == (3, *IMAGES.shape[1:]) for images in made.values())
    np.testing.assert_array_equal(made["gmm"], seen.model.generate(3, "gmm", seed=4))
    np.testing.assert_array_equal(made["prior"], seen.model.generate(3, seed=4))
    np.testing.assert_array_equal(seen.new_code(5), seen.model.new_codes(1, seed=5)[0])
    assert view.samplers_of(fresh("ladder_vae")) == {"prior": "prior"}


def test_what_there_is_not_is_refused(seen):
    with pytest.raises(ValueError, match="two images or more. Received: 1"):
        view.View(seen.model, IMAGES[:1])
    for asked in (None, -1, 30):
        with pytest.raises(ValueError, match=f"numbers 0 to 29. Received: {asked}"):
            seen.number(asked)
    assert seen.number(29.0) == 29
