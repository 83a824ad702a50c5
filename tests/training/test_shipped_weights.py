"""Weights for shipping: half the size, no optimizer, the same model within float16."""

import h5py
import keras
import numpy as np
import pytest
from core_models import blobs, build

from green_vae.training.checkpoint import load_weights, save_weights
from green_vae.training.statistics import batch_norms


@pytest.fixture(scope="module")
def trained():
    model = build("split_vae")
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    model.fit(blobs(16), batch_size=8, verbose=0)
    return model


def datasets(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]} if isinstance(item, h5py.Dataset) else {}))
    return found


def test_every_weight_is_there_as_float16(trained, tmp_path):
    save_weights(trained, tmp_path / "model.weights.h5")
    fresh = build("split_vae", seed=8)
    load_weights(fresh, tmp_path / "model.weights.h5")
    for ours, theirs in zip(fresh.weights, trained.weights, strict=True):
        assert ours.dtype == theirs.dtype
        narrow = theirs.numpy() if len(theirs.shape) == 0 else theirs.numpy().astype("float16").astype("float32")
        assert np.array_equal(ours.numpy(), narrow)
    assert np.array_equal(fresh.sample.generator.state.value, trained.sample.generator.state.value)


def test_the_file_has_no_optimizer_and_half_the_size(trained, tmp_path):
    path, whole = tmp_path / "model.weights.h5", tmp_path / "whole.weights.h5"
    save_weights(trained, path)
    trained.save_weights(whole)
    ours, theirs = datasets(path), datasets(whole)
    assert any(name.startswith("optimizer") for name in theirs)
    assert set(ours) == {name for name in theirs if not name.startswith("optimizer")}
    for name, values in ours.items():
        narrow = theirs[name].dtype == "float32" and theirs[name].ndim
        assert values.dtype == ("float16" if narrow else theirs[name].dtype)
    assert {"float16", "float32", "int64"} == {str(values.dtype) for values in ours.values()}


def test_a_moving_variance_beyond_float16_ships_as_float32_and_no_other_weight_does(trained, tmp_path):
    """A network of full width was lost at the end of its training, by a variance of 9.642e4."""
    path, variance = tmp_path / "model.weights.h5", batch_norms(trained)[-1].moving_variance
    before = variance.numpy()
    variance.assign([9.642e4, *before[1:]])
    save_weights(trained, path)
    fresh = build("split_vae", seed=8)
    load_weights(fresh, path)
    (kept,) = [values for values in datasets(path).values() if values.dtype == "float32" and values.ndim]
    for values in (kept, batch_norms(fresh)[-1].moving_variance.numpy()):
        np.testing.assert_array_equal(values, variance.numpy())  # to the bit, the small ones beside it, too
    variance.assign(before)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_weight_that_is_no_number_is_refused_and_nothing_is_left(value, dtype, tmp_path):
    model = build("second_stage_cosine")
    model.encoder.weights[0].assign(np.full(model.encoder.weights[0].shape, value))
    with pytest.raises(ValueError, match="NaN or infinite; train again.*Received: /"):
        save_weights(model, tmp_path / "model.weights.h5", dtype)
    assert not list(tmp_path.iterdir())


def test_counts_of_batches_beyond_float16_ship(tmp_path):
    model, fresh = build("lagging_vae"), build("lagging_vae", seed=8)
    batches = next(weight for weight in model.weights if weight.name == "batches")
    batches.assign(93_751.0)
    save_weights(model, tmp_path / "model.weights.h5")
    load_weights(fresh, tmp_path / "model.weights.h5")
    assert float(next(weight for weight in fresh.weights if weight.name == "batches")) == 93_751
