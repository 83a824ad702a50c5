"""Fault 8: what `load` is given is honoured for names and for folders, and nothing else of the process is touched."""

import random

import keras
import numpy as np
import pytest

import green_vae as gv
from green_vae import presets
from green_vae.presets import Preset, store
from green_vae.training import Recipe

CONFIG = {"image_shape": (8, 8, 1), "latent_dim": 4, "network": "mlp", "network_options": {"widths": (8,)}}
TINY = Preset("vae", CONFIG, "digits", Recipe(), "us")
X = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1), dtype="uint8")


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Of trained weights, those of seed 1; "test/tiny" is a name for the same."""
    monkeypatch.setitem(presets.PRESETS, "test/tiny", TINY)
    monkeypatch.setenv("GREEN_VAE_PRETRAINED", str(tmp_path))
    store.save_preset(TINY.build(1), tmp_path / "test" / "tiny", dtype="float32")
    return tmp_path / "test" / "tiny"


def weights(model):
    return model.encoder.get_weights()


def same(ours, theirs):
    return all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def noise(model):
    """A call draws z: with one set of weights it tells the state of the noise."""
    return keras.ops.convert_to_numpy(model(X)["z"])


@pytest.mark.parametrize("name", ["test/tiny", "folder"])
def test_fault_8_fresh_weights_of_a_seed_from_a_name_or_a_folder(name, folder):
    name = folder if name == "folder" else name
    fresh = gv.load(name, weights=None, seed=2)
    assert same(weights(fresh), weights(TINY.build(2))) and fresh.seed == 2
    assert not same(weights(fresh), weights(gv.load(name)))
    assert not same(weights(fresh), weights(gv.load(name, weights=None)))
    assert np.array_equal(noise(fresh), noise(TINY.build(2)))


@pytest.mark.parametrize("name", ["test/tiny", "folder"])
def test_fault_8_a_seed_starts_the_noise_of_trained_weights(name, folder):
    name = folder if name == "folder" else name
    first, again, other, without = (noise(gv.load(name, seed=seed)) for seed in (5, 5, 6, None))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert np.array_equal(without, noise(TINY.build(1)))  # goes on where the saved model was


@pytest.mark.parametrize("name", ["test/tiny", "folder"])
def test_fault_8_other_weights_from_a_name_or_a_folder(name, folder, tmp_path):
    name, path = folder if name == "folder" else name, tmp_path / "other.weights.h5"
    TINY.build(3).save_weights(path)
    assert same(weights(gv.load(name, path)), weights(TINY.build(3)))
    with pytest.raises(FileNotFoundError, match="no .*weights.*Received: .*missing.weights.h5"):
        gv.load(name, tmp_path / "missing.weights.h5")


def test_fault_8_generators_of_the_process_go_on_as_if_nothing_had_been(folder):
    def drawn():
        return random.random(), np.random.random(), float(keras.random.normal(()))

    def restart():
        keras.utils.clear_session()  # a seed does not restart the generator of Keras 3.7
        keras.utils.set_random_seed(4)

    restart()
    expected = drawn()
    for load in (lambda: gv.load("test/tiny", seed=7), lambda: gv.load(folder, None, 7), lambda: TINY.build(7)):
        restart()
        load()
        assert drawn() == expected


def test_fault_8_weights_of_a_seed_are_those_that_a_global_seed_gave():
    """Runs that were begun before still go on with the weights that they began with."""
    keras.utils.set_random_seed(11)
    before = gv.models.MODELS["vae"](**CONFIG, seed=11)
    assert same(before.get_weights(), TINY.build(11).get_weights())


def test_fault_8_no_epochs_are_refused(tmp_path):
    for epochs in (0, -1):
        with pytest.raises(ValueError, match=f"epochs must be positive. Received: {epochs}"):
            presets.train(TINY, tmp_path / "run", epochs=epochs)
        with pytest.raises(ValueError, match=f"epochs must be positive. Received: {epochs}"):
            gv.training.train(TINY.outline(), X, TINY.recipe, tmp_path / "run", epochs=epochs)
    assert not (tmp_path / "run").exists()
