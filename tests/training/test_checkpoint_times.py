"""Fault 13: how often a training writes a checkpoint, and what a process that is stopped loses."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from core_models import build

from green_vae.training import Budget, Recipe, loop, train
from green_vae.training.checkpoint import checkpoints, read_history

RECIPE = Recipe(1e-3, (), 8, 7)
X = np.random.default_rng(0).normal(size=(16, 6)).astype("float32")


class Clock:
    """Stands in for the module `time`: an epoch takes 25 s."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now


class Passing(keras.callbacks.Callback):
    def __init__(self, clock, stop=None):
        super().__init__()
        self.clock, self.stop, self.newest = clock, stop, []

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.stop:
            raise KeyboardInterrupt
        self.clock.now += 25.0


@pytest.fixture
def run(monkeypatch, tmp_path):
    """run(stop, **options) -> (epochs whose checkpoint was written, model); it stops before an epoch, from 0 on."""
    clock, written, write = Clock(), [], loop.write_weights
    monkeypatch.setattr(loop, "time", clock)
    monkeypatch.setattr(loop, "write_weights", lambda model, path: written.append(path.name) or write(model, path))

    def started(stop=None, **options):
        written.clear()
        model, passing = build("second_stage_cosine"), Passing(clock, stop)
        if stop is None:
            train(model, X, RECIPE, tmp_path, callbacks=[passing], **options)
        else:
            with pytest.raises(KeyboardInterrupt):
                train(model, X, RECIPE, tmp_path, callbacks=[passing], **options)
        return [int(name.split("-")[1].split(".")[0]) for name in written], model

    return started


def test_fault_13_a_checkpoint_is_written_once_a_minute_and_at_the_end(run):
    """Epochs end at 25, 50, 75, 100 ... s: 60 s after the first is in the fourth, and again in the seventh."""
    assert run()[0] == [1, 4, 7]


def test_fault_13_by_epochs_where_that_is_asked_for(run):
    assert run(save_every=2)[0] == [2, 4, 6, 7]


def test_fault_13_a_stopped_run_loses_a_minute_and_ends_with_the_same_weights(run, tmp_path):
    assert run(stop=6)[0] == [1, 4]
    assert ([epoch for epoch, _ in checkpoints(tmp_path)], len(read_history(tmp_path))) == ([4], 6)
    again, resumed = run()
    assert again == [5, 7] and [epoch for epoch, _ in checkpoints(tmp_path)] == [7]
    straight = build("second_stage_cosine")
    assert train(straight, X, RECIPE, tmp_path / "straight") == read_history(tmp_path)
    for ours, theirs in zip(resumed.get_weights(), straight.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("options", "epoch"), [({"seconds": 60}, 30 + 20 / 2), ({"seconds": 20}, 30 + 20), ({"epochs": 4}, 30 + 20 / 4)]
)
def test_fault_13_a_budget_foresees_the_checkpoints_that_there_will_be(options, epoch):
    """Epochs of 30 s, and checkpoints that take 20: a minute apart, with every epoch, with every fourth."""
    budget = Budget(10_000, replace(RECIPE, epochs=1000), lambda planned: None, Clock().monotonic)
    budget.training, budget.testing = type("Pace", (), {"seconds": 30.0}), None
    assert budget.plan(1, 20.0, **options).epochs == 1 + int(0.95 * 10_000 / epoch)
