"""Where new images come from: the prior, samplers by name, scikit-learn's densities, with and without a seed."""

import numpy as np
import pytest
from core_models import HIERARCHICAL, blobs, build
from sklearn.mixture import BayesianGaussianMixture
from sklearn.mixture import GaussianMixture as Mixture
from sklearn.neighbors import KernelDensity

import green_vae as gv

IMAGES = blobs(20)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Saved models, a variational and a deterministic one, with two samplers each, whose means tell them apart."""
    found = {}
    for name in ("vae", "rae_l2"):
        model, root = build(name), tmp_path_factory.mktemp(name)
        z = model.encode(IMAGES)
        samplers = {"gmm": gv.SAMPLERS["gmm"](2).fit(z), "scalar_gaussian": gv.SAMPLERS["scalar_gaussian"]().fit(z + 9)}
        gv.save_preset(model, root, samplers=samplers, dtype="float32")
        found[name] = root
    return found


def test_samplers_that_came_with_a_model_go_by_name(folders):
    model = gv.load(folders["vae"])
    for name in ("gmm", "scalar_gaussian"):
        expected = model.generate(4, gv.load_sampler(folders["vae"], name), seed=3)
        np.testing.assert_array_equal(model.generate(4, sampler=name, seed=3), expected)
    np.testing.assert_array_equal(model.generate(4, sampler="prior", seed=3), model.generate(4, seed=3))
    with pytest.raises(ValueError, match="there is prior, gmm, scalar_gaussian.*Received: 'second_stage'"):
        model.generate(4, sampler="second_stage")
    with pytest.raises(ValueError, match="there is prior. Or fit one.*Received: 'gmm'"):
        build("vae").generate(4, sampler="gmm")
    with pytest.raises(ValueError, match="sample.*Received: 7"):
        model.generate(4, sampler=7)


def test_a_model_without_a_prior_takes_the_sampler_that_came_with_it(folders):
    model = gv.load(folders["rae_l2"])
    expected = model.generate(4, gv.load_sampler(folders["rae_l2"], "gmm"), seed=3)
    np.testing.assert_array_equal(model.generate(4, seed=3), expected)
    with pytest.raises(ValueError, match="no prior.*gmm, scalar_gaussian"):
        model.generate(4, sampler="prior")
    with pytest.raises(ValueError, match="no prior; fit a sampler first"):
        build("rae_l2").generate(4)


def test_a_sampler_of_before_a_training_is_told(folders):
    model = gv.load(folders["vae"])
    model.compile("sgd")
    model.generate(2, sampler="gmm")  # not a word: nothing was trained
    model.train_on_batch(IMAGES)
    with pytest.warns(UserWarning, match="'gmm' was fitted before this model was trained further"):
        model.generate(2, sampler="gmm")


@pytest.mark.parametrize("density", [Mixture(2), BayesianGaussianMixture(n_components=2), KernelDensity()])
def test_densities_of_scikit_learn_are_samplers(density):
    model = build("vae")
    fitted = density.fit(model.encode(IMAGES) + 5)
    codes = model.new_codes(400, fitted, seed=1)
    assert codes.shape == (400, model.latent_dim) and abs(codes.mean() - 5) < 1.5
    assert abs(codes[:200].mean() - codes[200:].mean()) < 0.5  # components are mixed
    np.testing.assert_array_equal(codes, model.new_codes(400, fitted, seed=1))
    assert (codes != model.new_codes(400, fitted, seed=2)).any()
    assert model.generate(3, sampler=fitted).shape == (3, *model.image_shape)


@pytest.mark.parametrize("name", ["vae", "ladder_vae", HIERARCHICAL[0]])
def test_calls_without_a_seed_differ_and_calls_with_one_do_not(name):
    model = build(name)
    assert (model.generate(2) != model.generate(2)).any()
    np.testing.assert_array_equal(model.generate(2, seed=5), model.generate(2, seed=5))
    sampler = gv.SAMPLERS["prior"]().fit(np.zeros((1, model.latent_dim)))
    if not model.prior_only:
        assert (model.generate(2, sampler) != model.generate(2, sampler)).any()


@pytest.mark.parametrize("variant", ["vae", "rae_l2", "hfvae", "ladder_vae", "split_vae"])
def test_images_come_one_batch_after_the_other(variant):
    """They are those of the same codes, and of `generate` where nothing but the codes is drawn."""
    model = build(variant)
    sampler = gv.SAMPLERS["gmm"](2).fit(model.encode(IMAGES)) if variant == "rae_l2" else None
    parts = list(model.stream(7, sampler, seed=3, batch_size=3))
    assert [len(part) for part in parts] == [3, 3, 1]
    codes = model.new_codes(7, sampler, seed=3)
    for start, part in zip((0, 3, 6), parts, strict=True):
        np.testing.assert_array_equal(part, model.decode(codes[start : start + 3], 3, seed=3 + start))
    if variant not in HIERARCHICAL:
        np.testing.assert_allclose(np.concatenate(parts), model.generate(7, sampler, seed=3), atol=1e-5)
    assert not np.array_equal(*(next(model.stream(2, sampler)) for _ in range(2)))
    for wrong in ({"n": 0}, {"n": 2, "part": "x3"}, {"n": 2, "sampler": "none"}):  # refused before the first batch
        with pytest.raises(ValueError, match="Received: "):
            model.stream(**wrong)
