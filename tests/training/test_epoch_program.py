"""An epoch as one program, on JAX: the same training as step by step; what it falls back to; what is refused."""

import importlib.util
import json

import keras
import numpy as np
import pytest
from core_models import build, only, run_script

from green_vae.training import Batches, Recipe, train
from green_vae.training.batches import AllPlaces, EpochOfPlaces
from green_vae.utils.places import cache_dir

needs_jax = pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="JAX is not installed")
# dense networks, whose sums mostly have one order in both programs: no difference was found where this was written
QUICK = ("computed_gamma_vae", "second_stage_cosine")
MORE = ("vae", "rae_gp", "split_vae", "sigma_vae_learned", "beta_vae", "lagging_vae")
# convolutions and batch norm, whose sums round differently where a program is another one: largest differences found
# were 4e-5, of gradients that are nothing but rounding
FULL = ("full:vae", "full:hfvae", "full:rae_sn", "full:computed_gamma_vae", "full:vae_iaf")


def found_by(*names, programs):
    # compiled for a few steps only, so compiled quickly, and the same program once
    quickly = {"KERAS_BACKEND": "jax", "JAX_DISABLE_MOST_OPTIMIZATIONS": "true"}
    quickly |= {"JAX_COMPILATION_CACHE_DIR": str(programs), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    quickly |= {"JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}
    return json.loads(run_script("script_jax_whole_epochs.py", *names, **quickly).splitlines()[-1])


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    return found_by(*QUICK, "others", programs=tmp_path_factory.mktemp("programs"))


@pytest.fixture(scope="module")
def rest(tmp_path_factory):
    return found_by(*MORE, *FULL, programs=tmp_path_factory.mktemp("programs"))


@needs_jax
@pytest.mark.parametrize("name", only((*QUICK, *MORE, *FULL), *QUICK))
def test_an_epoch_as_one_program_is_the_same_training(name, request):
    """Weights, statistics, schedules, noise, moments of Adam, metrics, rates, and what callbacks see."""
    found = request.getfixturevalue("quick" if name in QUICK else "rest")[name]
    tolerance = 1e-4 if name in FULL else 1e-6
    assert found["difference"] <= tolerance
    assert found["moved"] > 0.5
    plain, whole = found["history"]
    assert [set(epoch) for epoch in plain] == [set(epoch) for epoch in whole]
    for epoch, other in zip(plain, whole, strict=True):
        for term, value in epoch.items():
            assert other[term] == pytest.approx(value, rel=tolerance, abs=1e-7), term
    assert found["seen"][0] == found["seen"][1]
    assert [seen[:3] for seen in found["seen"][0]] == [
        ["begin", 0],
        [0, 3, pytest.approx(1e-3)],
        ["begin", 1],
        [1, 6, pytest.approx(5e-4)],
    ]
    assert found["batches"] == [6, 2]


@needs_jax
@pytest.mark.parametrize("name", only(("computed_gamma_vae", "lagging_vae"), *QUICK))
def test_going_on_from_a_checkpoint_is_the_same_to_the_bit(name, request):
    found = request.getfixturevalue("quick" if name in QUICK else "rest")[name]
    assert found["resumed"] == [0.0, True]


@needs_jax
def test_the_first_step_that_is_not_finite_is_named(quick):
    found = quick["others"]
    assert "diverged in epoch 1 at step 2, which is not kept" in found["wild_False"]
    assert "; no epoch is saved. Received" in found["wild_False"]
    assert "diverged in epoch 2 at step 2, which is not kept" in found["later_False"]
    assert "; the run folder holds epoch 1; load_weights reads FOLDER/epoch-1.weights.h5. Rec" in found["later_False"]
    assert (found["wild_True"], found["later_True"]) == (found["wild_False"], found["later_False"])


@needs_jax
def test_examples_without_room_are_trained_on_step_by_step_and_that_is_said_once(quick):
    (said,) = quick["others"]["said"]
    assert "examples take at most 50%" in said and "Received: " in said
    assert quick["others"]["large"] == [2, 6]


@needs_jax
def test_statistics_of_batch_norm_are_those_of_passes_that_are_not_compiled(quick):
    away, moved, momentum_is_back = quick["others"]["statistics"]
    assert away < 1e-6 < 0.1 < moved and momentum_is_back


@needs_jax
def test_compiled_programs_are_kept_on_accelerators_where_the_user_wants_them(quick):
    assert quick["others"]["kept"] == [None, str(cache_dir() / "jax"), "chosen"]


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="this is JAX")
def test_other_backends_refuse_it_before_anything_is_written(tmp_path):
    x = np.random.default_rng(0).normal(size=(16, 6)).astype("float32")
    with pytest.raises(ValueError, match="KERAS_BACKEND=jax. Received: whole_epochs=True on "):
        train(build("second_stage_cosine"), x, Recipe(1e-3, (), 8, 1), tmp_path / "run", whole_epochs=True)
    assert not (tmp_path / "run").exists()


def test_places_are_those_of_the_batches():
    x = np.arange(23) * 10
    batches = Batches(x, 5, seed=1)
    places = EpochOfPlaces(batches)
    places.epoch = 3
    (epoch,) = places[0]
    assert len(places) == 1 and epoch.dtype == "int32" and batches.epoch == places.epoch == 3
    np.testing.assert_array_equal(x[epoch].reshape(4, 5), [batches[index][0] for index in range(4)])
    np.testing.assert_array_equal(AllPlaces(7)[0][0], np.arange(7))
