"""Lines between images, one latent unit moved at a time, and scores: every kind of model, and a linear one by hand."""

import numpy as np
import pytest
from core_models import DETERMINISTIC, FLOWING, examples, fresh
from linear_gaussian import OFFSET, SIGMA, linear_gaussian, log_evidence

from green_vae.models.codec import lines, moved
from green_vae.models.likelihood import log_likelihood, log_weights
from green_vae.samplers import SAMPLERS

close = np.testing.assert_allclose
KNOWN = ("vae", "autoencoder", "rae_sn", "ladder_vae", "second_stage_cosine", "split_vae", "sigma_vae_learned")


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


# between two images


@pytest.mark.parametrize("variant", [*KNOWN, "vae_iaf"])
@pytest.mark.parametrize("sample", [False, True])
def test_the_ends_of_a_line_are_the_reconstructions(variant, sample):
    model, a, b = fresh(variant), examples(variant, 3), examples(variant, 3, seed=1)
    if variant in FLOWING and not sample:
        with pytest.raises(ValueError, match="take draws. Received: sample=False"):
            model.interpolate(a, b)
        return
    found = model.interpolate(a, b, steps=4, sample=sample, seed=5)
    assert found.shape == (3, 4, *a.shape[1:]) and found.dtype == np.float32
    for end, x in ((0, a), (-1, b)):
        close(found[:, end], model.reconstruct(x, sample=sample, seed=5), atol=1e-6)


def test_a_linear_model_has_its_images_on_a_line():
    """x -> (x - b) gain A + b is linear, so that images lie evenly between the ends."""
    model, _ = linear_gaussian()
    found = model.interpolate(draw(2, 3), draw(2, 3, seed=1), steps=5)
    close(found, lines(found[:, 0], found[:, -1], 5), atol=1e-5)
    close(lines(np.zeros((1, 1)), np.full((1, 1), 4.0), 5).ravel(), [0, 1, 2, 3, 4])


@pytest.mark.parametrize("variant", ["hfvae"])
def test_a_hierarchy_moves_its_innermost_code_and_draws_nothing(variant):
    model, a, b = fresh(variant), examples(variant, 2), examples(variant, 2, seed=1)
    found = model.interpolate(a, b, steps=3)
    close(found[:, 0], model.decode(model.encode(a), temperature=0.0), atol=1e-6)
    close(found[:, -1], model.decode(model.encode(b), temperature=0.0), atol=1e-6)
    still = model.interpolate(a, a, steps=3)
    close(still[:, 1], still[:, 0], atol=1e-6)
    middle = model.traverse(a, [1], steps=3)[:, 0, 1]
    close(middle, still[:, 0], atol=1e-6)


# one unit at a time


@pytest.mark.parametrize("variant", KNOWN)
def test_the_middle_of_a_traversal_is_the_reconstruction(variant):
    model, x = fresh(variant), examples(variant, 2)
    scale = {"scale": 1.0} if variant in DETERMINISTIC or variant == "ladder_vae" else {}
    found = model.traverse(x, [2, 0], steps=5, **scale)
    assert found.shape == (2, 2, 5, *x.shape[1:]) and found.dtype == np.float32
    for row in range(2):
        close(found[:, row, 2], model.reconstruct(x, sample=False), atol=1e-6)


def test_draws_of_a_flow_can_be_moved():
    model, x = fresh("vae_iaf"), examples("vae_iaf", 2)
    found = model.traverse(x, [1], steps=3, sample=True, seed=4)
    close(found[:, 0, 1], model.reconstruct(x, seed=4), atol=1e-6)
    with pytest.raises(ValueError, match="take draws. Received: sample=False"):
        model.traverse(x)


def test_a_linear_model_moves_by_the_row_of_its_matrix():
    (model, matrix), z = linear_gaussian(), draw(2, 3)
    scale = np.array([1.0, 2.0, 0.5])
    found = model.traverse(z=z, reach=1.5, steps=4, scale=scale)
    assert found.shape == (2, 3, 4, 3)
    start = z @ matrix + OFFSET
    for unit in range(3):
        for step, offset in enumerate((-1.5, -0.5, 0.5, 1.5)):
            close(found[:, unit, step], start + offset * scale[unit] * matrix[unit], atol=1e-5)


def test_codes_that_are_moved():
    z = np.arange(8.0, dtype="float32").reshape(2, 4)
    codes = moved(z, [3, 1], np.array([9.0, 1.0, 9.0, 2.0]), 3)
    assert codes.shape == (2, 2, 3, 4)
    np.testing.assert_array_equal(codes[1, 0], [[4, 5, 6, 5], [4, 5, 6, 7], [4, 5, 6, 9]])
    np.testing.assert_array_equal(codes[0, 1], [[0, 0, 2, 3], [0, 1, 2, 3], [0, 2, 2, 3]])
    assert np.array_equal(z, np.arange(8).reshape(2, 4))


@pytest.mark.parametrize("variant", ["autoencoder", "rae_sn", "ladder_vae"])
def test_without_a_prior_of_its_codes_a_model_must_be_told_the_scale(variant):
    model, x = fresh(variant), examples(variant, 2)
    with pytest.raises(ValueError, match="no prior.*give scale.*Received: scale=None"):
        model.traverse(x)
    deviations = model.encode(examples(variant, 20)).std(axis=0)
    assert model.traverse(x, scale=deviations, steps=2).shape == (2, model.latent_dim, 2, *x.shape[1:])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda model, x: model.interpolate(x, x[:1]), "as many images in b as in a. Received: 2 and 1"),
        (lambda model, x: model.interpolate(x, x, steps=1), "at least 2 steps. Received: steps=1"),
        (lambda model, x: model.traverse(x, steps=2.5), "at least 2 steps. Received: steps=2.5"),
        (lambda model, x: model.traverse(x, [0, 4]), r"from 0 to 3. Received: \[0, 4\]"),
        (lambda model, x: model.traverse(x, [True, False]), r"from 0 to 3. Received: \[True, False\]"),
        (lambda model, x: model.generate(2, temperature=-1.0), "one temperature of 0 or more. Received: -1.0"),
        (lambda model, x: model.generate(2, SAMPLERS["gmm"]), "a sampler draws codes by .*Received: <class"),
        (lambda model, x: model.generate(float("nan")), "n is a whole number of 1 or more. Received: n=nan"),
        (lambda model, x: model.encode(x, batch_size=0), "batch_size is a whole number of 1 or more"),
        (lambda model, x: model.generate(2, SAMPLERS["prior"]().fit(model.encode(x)), temperature=0.5), "not of a sam"),
        (lambda model, x: model.traverse(x, []), r"from 0 to 3. Received: \[\]"),
        (lambda model, x: model.traverse(x, scale=[1.0, 2.0]), r"has the shape \(4,\). Received: \(2,\)"),
        (lambda model, x: model.traverse(), "Received: neither"),
        (lambda model, x: model.traverse(x, z=np.zeros((1, 4))), "Received: both"),
        (lambda model, x: model.traverse(z=np.zeros((1, 3))), "expected latent codes of shape"),
    ],
)
def test_what_cannot_be_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call(fresh("vae"), examples("vae", 2))


@pytest.mark.parametrize("number", [0, -1, 2.5])
def test_the_size_of_a_batch_is_a_number_of_1_or_more(number):
    """A stream of batches of -1 had no image at all."""
    calls = [
        lambda: fresh("vae").stream(3, batch_size=number),
        lambda: fresh("hfvae").reconstruct(examples("hfvae", 2), batch_size=number),
        lambda: fresh("hfvae").generate(2, batch_size=number),
        lambda: fresh("vae").inpaint(examples("vae", 2), np.ones((32, 32), bool), sigma=1.0, batch_size=number),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="batch_size is a whole number of 1 or more"):
            call()


# scores


def test_the_scores_of_a_linear_model_are_those_of_its_formulas():
    """Squared error at the posterior mean, evidence lower bound, and evidence: all in closed form."""
    (model, matrix), x, k = linear_gaussian(), draw(4, 3), 20_000
    posterior = {name: value.astype("float64") for name, value in model.posterior(x).items()}
    mean, variance = posterior["mean"], np.exp(posterior["log_var"])
    error = ((x - OFFSET - mean @ matrix) ** 2).sum(axis=1)
    close(model.score(x), -error, rtol=1e-4)
    expected = -0.5 * (error + variance @ (matrix**2).sum(axis=1)) / SIGMA**2 - 3 * np.log(SIGMA * np.sqrt(2 * np.pi))
    expected -= 0.5 * (mean**2 + variance - np.log(variance) - 1).sum(axis=1)
    spread = log_weights(model, x, k=1_000).std(axis=1)
    assert (np.abs(model.score(x, "elbo", k=k) - expected) < 4 * spread / np.sqrt(k)).all()
    assert (log_evidence(matrix, x) - expected > 8 * spread / np.sqrt(k)).all()  # so it is not the other bound
    close(model.score(x, "iw", k=k), log_evidence(matrix, x), atol=0.05)


def test_an_image_of_another_kind_scores_lower():
    """A linear model has images on a line; what lies off it has the larger error, and the lower density."""
    (model, matrix), far = linear_gaussian(), np.array([[9.0, -9.0, 9.0]], "float32")
    near = (draw(20, 3) @ matrix + OFFSET).astype("float32")
    for kind in ("elbo", "iw"):
        assert model.score(far, kind, k=50)[0] < model.score(near, kind, k=50).min()


@pytest.mark.parametrize("variant", ["autoencoder", "vae", "vae_iaf", "hfvae", "ladder_vae"])
def test_the_score_of_reconstructions_is_the_error_of_each_image(variant):
    model, x = fresh(variant), examples(variant, 5)
    found = model.score(x, seed=2)
    made = model.reconstruct(x, sample=variant in FLOWING, seed=2)
    close(found, [-(((a / 255.0) - b) ** 2).sum() for a, b in zip(x, made, strict=True)], rtol=1e-5)
    assert found.shape == (5,) and found.dtype == np.float64


def test_scores_of_the_bounds_take_the_likelihood_that_is_asked_for():
    model, x = fresh("vae"), examples("vae", 3)
    for options in ({"sigma": 0.5}, {"likelihood": "bernoulli"}):
        close(model.score(x, "iw", k=4, seed=1, **options), log_likelihood(model, x, k=4, seed=1, **options))
        assert (model.score(x, "elbo", k=4, seed=1, **options) < model.score(x, "iw", k=4, seed=1, **options)).all()


def test_scores_that_cannot_be_are_refused():
    x = examples("vae", 2)
    with pytest.raises(ValueError, match="kind is 'reconstruction', 'elbo' or 'iw'. Received: 'likelihood'"):
        fresh("vae").score(x, "likelihood")
    with pytest.raises(ValueError, match="deterministic model has no likelihood. Received: Autoencoder"):
        fresh("autoencoder").score(x, "elbo")
    with pytest.raises(ValueError, match="VAE states no p.*give sigma"):
        fresh("vae").score(x, "iw")


def test_scores_and_lines_take_what_encode_takes():
    """A dict of a data set, and a generator, which can be read once only."""
    model, a, b = fresh("vae"), examples("vae", 3), examples("vae", 3, seed=1)
    for kind in ("reconstruction", "elbo", "iw"):
        found = [model.score(x, kind, k=3, likelihood="bernoulli") for x in (a, {"image": a}, iter([a[:2], a[2:]]))]
        assert found[0].shape == (3,)
        close(found[1], found[0], rtol=1e-5)
        close(found[2], found[0], rtol=1e-5)
    close(model.interpolate({"image": a}, iter([b]), 3), model.interpolate(a, b, 3), atol=1e-6)
