"""Fault 15, and saving that replaces nothing before all is written: NumPy's numbers, errors, another model's files."""

import json
import os
from pathlib import Path

import keras
import numpy as np
import pytest

import green_vae as gv
from green_vae.models.precision import dtype_policy
from green_vae.presets import Preset, store
from green_vae.presets.train import ship
from green_vae.samplers import SAMPLERS
from green_vae.training import Recipe

CONFIG = {"image_shape": (8, 8, 1), "latent_dim": 4, "network": "mlp", "network_options": {"widths": (8,)}}
TINY = Preset("vae", CONFIG, "digits", Recipe(batch_size=8), "us", name="test/tiny")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def same(ours, theirs):
    return all(np.array_equal(a, b) for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True))


def golden_of(model):
    return np.concatenate(list(store.golden(model).values()))


# fault 15


@pytest.fixture(scope="module")
def mixed():
    with dtype_policy("mixed_bfloat16"):
        return TINY.build(1)


def test_fault_15_a_model_of_mixed_precision_is_saved_as_one_of_float32(mixed, tmp_path):
    about = store.save_preset(mixed, tmp_path, dtype="float32")
    loaded, plain = gv.load(tmp_path), TINY.build(1)
    assert loaded.dtype_policy.name == "float32" == keras.config.dtype_policy().name
    assert same(loaded, plain) and same(loaded, mixed)
    np.testing.assert_allclose(np.concatenate(list(about["golden"].values())), golden_of(plain), rtol=1e-5, atol=1e-6)
    assert np.abs(golden_of(mixed) - golden_of(plain)).max() > 1e-4  # what bfloat16 rounds


def test_fault_15_also_while_the_policy_is_mixed(mixed, tmp_path):
    with dtype_policy("mixed_bfloat16"):
        about = store.save_preset(mixed, tmp_path, dtype="float32")
    np.testing.assert_allclose(np.concatenate(list(about["golden"].values())), golden_of(gv.load(tmp_path)), atol=1e-6)


def test_fault_15_samplers_are_fitted_on_codes_of_float32(mixed, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (300, 8, 8, 1), dtype="uint8")
    ship(mixed, tmp_path, TINY, images, [], 0)
    expected = TINY.new_sampler("gmm").fit(TINY.build(1).encode(images)).sample(20, seed=3)
    np.testing.assert_allclose(gv.load_sampler(tmp_path, "gmm").sample(20, seed=3), expected, rtol=0.02, atol=0.02)


def test_fault_15_the_twin_draws_the_same_noise_and_a_float32_model_is_its_own(mixed):
    mixed(np.zeros((2, 8, 8, 1), "uint8"))  # moves the noise
    twin = store.float32_twin(mixed)
    assert twin.dtype_policy.name == "float32" and same(twin, mixed) and store.float32_twin(twin) is twin
    states = (keras.ops.convert_to_numpy(model.sample.generator.state) for model in (twin, mixed))
    np.testing.assert_array_equal(*states)


# saving


@pytest.fixture
def good(tmp_path):
    """A folder with a model, a history and a sampler."""
    sampler = SAMPLERS["gmm"](n_components=1).fit(np.random.default_rng(0).normal(size=(20, 4)))
    store.save_preset(TINY.build(1), tmp_path / "mine", [{"loss": 1.0}], {"gmm": sampler}, dtype="float32")
    (tmp_path / "mine" / "notes.txt").write_text("a user's")
    return tmp_path / "mine"


def test_numbers_of_numpy_are_written(good):
    store.save_preset(TINY.build(2), good, fid=np.float32(3.5), seed=np.int64(3), curve=np.arange(2), ok=np.bool_(True))
    metadata = json.loads((good / "metadata.json").read_text())
    assert (metadata["fid"], metadata["seed"], metadata["curve"], metadata["ok"]) == (3.5, 3, [0, 1], True)


def test_an_error_leaves_the_folder_as_it_was(good):
    before = contents(good)
    with pytest.raises(TypeError, match="JSON holds .*Received: <object.* of object"):
        store.save_preset(TINY.build(2), good, about=object())
    broken = TINY.build(2)
    broken.encoder.weights[0].assign(np.full(broken.encoder.weights[0].shape, np.nan))
    with pytest.raises(ValueError, match="NaN"):
        store.save_preset(broken, good)
    assert contents(good) == before
    gv.load(good)


def test_samplers_are_found_after_a_change_of_directory(good, monkeypatch):
    monkeypatch.chdir(good.parent)
    model = gv.load("mine")
    monkeypatch.chdir(good)
    assert model.new_codes(3, "gmm", seed=0).shape == (3, 4)


def test_files_of_the_model_before_go_and_others_stay(good):
    store.save_preset(TINY.build(2), good)
    assert set(contents(good)) == {"config.json", "metadata.json", "model.weights.h5", "notes.txt"}
    (good / "sampler-gmm.npz").write_bytes(b"of another model")
    with pytest.raises(FileNotFoundError, match="there is prior. Received: 'gmm'"):
        gv.load_sampler(good, "gmm")


def test_a_model_is_saved_before_its_samplers_are_fitted_and_never_half_written(tmp_path, monkeypatch):
    """Killed while a sampler is fitted, and in the second saving, after one file and before the last."""
    images, replace = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), dtype="uint8"), os.replace
    model, kill = TINY.build(1), KeyboardInterrupt
    with monkeypatch.context() as patch, pytest.raises(kill):
        patch.setattr(SAMPLERS["gmm"], "fit", lambda sampler, codes: (_ for _ in ()).throw(kill))
        ship(model, tmp_path, TINY, images, [{"loss": 1.0}], 0)
    saved = [gv.load(tmp_path)]
    for files in (1, 4):
        left = iter([True] * (4 + files))  # the first saving replaces four files, and the second five

        def replaced(aside, path, left=left):
            if Path(aside).parent.name.startswith(".saving-") and not next(left, False):
                raise kill
            replace(aside, path)

        with monkeypatch.context() as patch, pytest.raises(kill):
            patch.setattr(os, "replace", replaced)
            ship(model, tmp_path, TINY, images, [{"loss": 1.0}], 0)
        saved.append(gv.load(tmp_path))
        with pytest.raises(FileNotFoundError, match="there is prior. Received: 'gmm'"):
            gv.load_sampler(tmp_path, "gmm")
    ship(model, tmp_path, TINY, images, [{"loss": 1.0}], 0)
    saved.append(gv.load(tmp_path))
    assert gv.load_sampler(tmp_path, "gmm").sample(2).shape == (2, 4)
    assert all(same(saved[0], other) for other in saved)


@pytest.mark.parametrize("wrap", [lambda columns: columns, lambda columns: type("History", (), {"history": columns})()])
def test_a_history_of_keras_is_written_by_epochs(wrap, tmp_path):
    store.save_preset(TINY.build(1), tmp_path, wrap({"loss": [3.0, 2.0], "kl": [0.5, np.float32(0.25)]}))
    written = json.loads((tmp_path / "history.json").read_text())
    assert written == [{"loss": 3.0, "kl": 0.5}, {"loss": 2.0, "kl": 0.25}]


@pytest.mark.parametrize("history", ["history.csv", ["loss"], {"loss": [1.0, 2.0], "val_loss": [1.0]}, 3])
def test_what_is_no_history_is_refused(history, tmp_path):
    with pytest.raises(ValueError, match="a history is what `fit` .*Received: "):
        store.save_preset(TINY.build(1), tmp_path / "m", history=history)
