"""Training by a recipe: resumed to the bit, also after `kill -9`; damaged checkpoints; batch-norm statistics."""

import atexit
import functools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from core_models import SHARED, blobs, build, child_env, only, run_script
from keras import layers, ops

from green_vae.training import Batches, Recipe, recalibrate_batch_norm, train
from green_vae.training.checkpoint import checkpoints

pytestmark = pytest.mark.usefixtures("graph_optimizer")
RECIPE = Recipe(1e-3, (3,), batch_size=8, epochs=4)


def fresh(variant, tag):
    """As in a new process: whatever is not saved is different."""
    model = build(variant)
    keras.utils.set_random_seed(1000 + tag)
    return model


def assert_same(a, b):
    for own, x, y in zip(a.weights, a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y, own.path)


@functools.cache
def uninterrupted(variant):
    """(model, history, folder) of four epochs of four batches of eight, and four images over."""
    model, folder = fresh(variant, 0), Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    return model, train(model, blobs(36), RECIPE, folder, seed=5), folder


@pytest.mark.parametrize("variant", only(["computed_gamma_vae", "control_vae", "vae"], "computed_gamma_vae"))
def test_resumed_is_the_same_as_uninterrupted(variant, tmp_path):
    straight, history, _ = uninterrupted(variant)
    x, halves, resumed = blobs(36), fresh(variant, 1), fresh(variant, 2)
    train(halves, x, RECIPE, tmp_path / "halves", epochs=2, seed=5)
    assert not np.array_equal(halves.get_weights()[0], straight.get_weights()[0])
    continued = train(resumed, x, RECIPE, tmp_path / "halves", seed=5)
    assert_same(resumed, straight)
    assert continued == history
    assert len(history) == 4 and set(history[0]) == {"loss", "learning_rate", *straight.logged}
    assert json.loads((tmp_path / "halves" / "history.json").read_text()) == history
    for a, b in zip(resumed.optimizer.variables, straight.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b))
    x = blobs(3, seed=8)
    np.testing.assert_array_equal(ops.convert_to_numpy(resumed(x)["z"]), ops.convert_to_numpy(straight(x)["z"]))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """(folder, model) of a finished run of two epochs of the smallest model."""
    folder, model = tmp_path_factory.mktemp("runs") / "run", build("second_stage_cosine")
    return folder, model, train(model, small(), RECIPE, folder, epochs=2)


def small():
    return np.random.default_rng(0).normal(size=(16, 6)).astype("float32")


def test_a_finished_run_is_loaded_and_not_trained(finished):
    folder, model, history = finished
    other = build("second_stage_cosine", seed=9)
    assert train(other, small(), RECIPE, folder, epochs=2) == history
    assert_same(other, model)
    with pytest.raises(ValueError, match="holds 2 epochs already, more than the 1 asked for.*Received: "):
        train(build("second_stage_cosine"), small(), RECIPE, folder, epochs=1)
    assert sorted(path.name for path in folder.iterdir()) == ["epoch-2.weights.h5", "history.json"]


def copy_of(folder, target):
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


def test_damaged_and_foreign_checkpoints_are_refused(finished, tmp_path):
    folder = copy_of(finished[0], tmp_path / "run")
    ((_, path),) = checkpoints(folder)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"nothing of the kind"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"epoch-2.weights.h5 is damaged .* delete it .*Received: "):
            train(build("second_stage_cosine"), small(), RECIPE, folder)
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="of another model.*Received: "):
        train(build("second_stage_cosine", widths=(5,)), small(), RECIPE, folder)


def test_killed_between_weights_and_history(finished, tmp_path):
    """Weights of an epoch that the history lacks are not used, and half-written files go."""
    folder = copy_of(finished[0], tmp_path / "run")
    (folder / "epoch-3.weights.h5").write_bytes(b"half of")
    (folder / ".epoch-3.weights.h5.abc.weights.h5").write_bytes(b"half of")
    (folder / ".history.json.abc.json").write_text("[")
    assert len(train(build("second_stage_cosine"), small(), RECIPE, folder, epochs=3)) == 3
    assert sorted(path.name for path in folder.iterdir()) == ["epoch-3.weights.h5", "history.json"]


def test_too_few_examples_for_a_batch():
    with pytest.raises(ValueError, match="fewer examples than one batch of 8.*Received: 7"):
        Batches(blobs(7), 8)
    assert len(Batches(blobs(8), 8)) == 1


def test_bad_input_is_refused_before_anything_is_written(tmp_path):
    for x in (blobs(16).astype("float32"), blobs(16)[..., 0], blobs(4)):
        with pytest.raises(ValueError, match="Received: "):
            train(build("vae"), x, RECIPE, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_training_that_diverges_says_so_and_keeps_the_epochs_before(finished, tmp_path):
    folder = Path(shutil.copytree(finished[0], tmp_path / "run"))
    recipe = replace(RECIPE, learning_rate=1e30)
    with pytest.raises(ValueError, match="diverged in epoch 3.*Received: .*loss (nan|inf).* at a learning rate"):
        train(build("second_stage_cosine"), small(), recipe, folder, epochs=3)
    assert [path.name for path in sorted(folder.glob("*"))] == ["epoch-2.weights.h5", "history.json"]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow's step is compiled apart")
def test_order_follows_seed_and_epoch_alone():
    x = np.arange(23)
    batches, same, other = Batches(x, 5, seed=1), Batches(x, 5, seed=1), Batches(x, 5, seed=2)
    orders = []
    for epoch in range(3):
        batches.epoch = same.epoch = other.epoch = epoch
        random.seed(epoch)
        np.random.seed(epoch)
        order = np.concatenate([batches[index][0] for index in range(len(batches))])
        assert len(batches) == 4 and len(set(order)) == 20  # every example once, the rest of three dropped
        np.testing.assert_array_equal(order, np.concatenate([same[index][0] for index in range(4)]))
        assert not np.array_equal(order, np.concatenate([other[index][0] for index in range(4)]))
        orders.append(tuple(order))
    assert len(set(orders)) == 3
    assert set(range(23)) == set().union(*orders)  # those dropped are not always the same


class Rates(keras.callbacks.Callback):
    seen = ()

    def on_epoch_end(self, epoch, logs=None):
        self.seen += (round(float(self.model.optimizer.learning_rate.numpy()), 10),)


def test_the_rate_of_each_epoch_is_used(tmp_path, monkeypatch):
    model, rates = build("second_stage_cosine"), Rates()
    fit = model.fit
    monkeypatch.setattr(model, "fit", lambda *a, callbacks, **k: fit(*a, callbacks=[*callbacks, rates], **k))
    train(model, small(), Recipe(1e-3, (1, 2), 8, 3), tmp_path)
    assert rates.seen == (1e-3, 5e-4, 2.5e-4)


# batch norm


class Toy:
    """What recalibration needs of a model: networks, and a call."""

    def __init__(self):
        image, code = keras.Input((2, 2, 1)), keras.Input((2, 2, 1))
        norm = layers.BatchNormalization(momentum=0.999)
        self.encoder = keras.Model(image, norm(image))
        self.decoder = keras.Model(code, layers.Rescaling(2.0)(code))

    def networks(self):
        return {"encoder": self.encoder, "decoder": self.decoder}

    def __call__(self, x, training):
        return self.decoder(self.encoder(x, training=training), training=training)


@pytest.mark.parametrize("n, batches, used", [(50, 5, 5), (50, 3, 3), (57, 20, 5), (4, 20, 1)])
def test_recalibrated_statistics_are_plain_averages(n, batches, used):
    x = np.random.default_rng(0).normal(3, np.arange(1, n + 1).reshape(n, 1, 1, 1), (n, 2, 2, 1)).astype("float32")
    toy = Toy()
    recalibrate_batch_norm(toy, x, batch_size=10, batches=batches)
    order = Batches(x, min(10, n))
    norm, parts = toy.encoder.layers[-1], [order[index][0] for index in range(used)]
    np.testing.assert_allclose(norm.moving_mean.numpy(), [np.mean([part.mean() for part in parts])], rtol=1e-4)
    np.testing.assert_allclose(norm.moving_variance.numpy(), [np.mean([part.var() for part in parts])], rtol=1e-4)
    assert norm.momentum == 0.999


def test_recalibration_brings_evaluation_near_training_and_moves_no_weight():
    model, x = build("autoencoder"), blobs(64)
    weights = [weight.numpy() for weight in model.trainable_weights]
    in_training = ops.convert_to_numpy(model(x, training=True)["z"])
    before = np.abs(model.encode(x) - in_training).mean()
    recalibrate_batch_norm(model, x, batch_size=64)
    np.testing.assert_allclose(model.encode(x), in_training, atol=0.02 * np.abs(in_training).max())
    assert np.abs(model.encode(x) - in_training).mean() < 0.1 * before
    for weight, old in zip(model.trainable_weights, weights, strict=True):
        np.testing.assert_array_equal(weight.numpy(), old)


# kill -9


def wait_for(happened, seconds=120):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "the training process made no progress"
        time.sleep(0.05)


def epochs_done(folder):
    history = folder / "history.json"
    return len(json.loads(history.read_text())) if history.exists() else 0


@pytest.mark.slow
def test_killed_and_run_again_is_the_same_as_uninterrupted(tmp_path):
    folder = tmp_path / "killed"
    script = SHARED / "script_train.py"
    command = [sys.executable, str(script), str(folder), "4", "1"]
    process = subprocess.Popen(command, env=child_env(), stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: epochs_done(folder) >= 1 or process.poll() is not None)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert 1 <= epochs_done(folder) < 4
    assert not folder.with_suffix(".npz").exists()
    (folder / ".epoch-9.weights.h5.x.weights.h5").write_bytes(b"half")  # as if killed while it wrote
    run_script("script_train.py", folder, 4)
    straight, _, other = uninterrupted("vae")
    assert sorted(path.name for path in folder.iterdir()) == ["epoch-4.weights.h5", "history.json"]
    with np.load(f"{folder}.npz") as file:
        assert len(file.files) > 20
        for name, weight in zip(file.files, straight.get_weights(), strict=True):
            np.testing.assert_array_equal(file[name], weight, name)
    assert (folder / "history.json").read_text() == (other / "history.json").read_text()
