"""Training watched on validation images: plateaus, the best epoch, clipping, and resuming in the middle of all that."""

import keras
import numpy as np
import pytest
from core_models import blobs, build
from keras import ops

from green_vae.presets import PRESETS
from green_vae.training import Recipe, best_epoch, train
from green_vae.training.checkpoint import BEST, named

RESUMED = [("info_vae", 1), ("lagging_vae", 1), ("lagging_vae", 3)]
WATCHED = Recipe(3e-2, (), 8, 9, validation="test", plateau=1, stop_below=1e-3, clip_norm=0.5)


@pytest.mark.parametrize(
    "losses, halvings",
    [
        ([5, 4, 3, 2], 0),
        ([5, 6, 7], 0),
        ([5, 6, 7, 8], 1),
        ([5, 5, 5, 5], 1),  # as good is not better
        ([5, 6, 7, 4, 5, 6], 0),
        ([5, 6, 7, 8, 9, 9], 1),
        ([5, 6, 7, 8, 9, 9, 9], 2),
    ],
)
def test_the_rate_is_halved_after_three_epochs_without_a_better_loss(losses, halvings):
    assert Recipe(2e-3, (), plateau=3).rate(len(losses), losses) == 2e-3 / 2**halvings
    assert Recipe(2e-3, ()).rate(len(losses), losses) == 2e-3


def test_the_study_stops_at_the_sixth_halving():
    recipe = PRESETS["boon/beta-mnist"].recipe
    history = [{"val_loss": 1.0}]
    while not recipe.stopped(history):
        history.append({"val_loss": 2.0})
    assert len(history) == 1 + 6 * 3
    assert recipe.rate(len(history) - 1, [epoch["val_loss"] for epoch in history[:-1]]) == 0.002 / 2**5
    assert (recipe.validation, PRESETS["boon/beta-celeba"].recipe.validation) == ("test", "validation")
    clips = {name: chosen.recipe.clip_norm for name, chosen in PRESETS.items() if name.startswith("boon/info")}
    assert set(clips.values()) == {0.3}


class Worse(keras.callbacks.Callback):
    """Sets the validation loss of each epoch."""

    def __init__(self, losses):
        super().__init__()
        self.losses, self.kept = losses, []

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = self.losses[epoch]
        self.kept.append(self.model.get_weights())


def test_the_best_epoch_is_kept_and_training_stops(tmp_path):
    # one epoch without a better loss halves the rate: 0.03 ... 0.03 / 32 = 0.0009 is below 0.001
    told = Worse([3.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0])
    model = build("vae")
    history = train(model, blobs(20), WATCHED, tmp_path, callbacks=[told], validation=blobs(8, seed=1))
    assert len(history) == 7 and WATCHED.stopped(history) and not WATCHED.stopped(history[:6])
    assert best_epoch(history) == 2
    assert [epoch["learning_rate"] for epoch in history] == pytest.approx([0.03 / 2**n for n in (0, 0, 0, 1, 2, 3, 4)])
    for own, best in zip(model.get_weights(), told.kept[1], strict=True):
        np.testing.assert_array_equal(own, best)
    assert [number for number, _ in named(tmp_path, BEST)] == [2]
    again = build("vae", seed=3)
    assert train(again, blobs(20), WATCHED, tmp_path, validation=blobs(8, seed=1)) == history
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])


def test_between_checkpoints_the_newest_best_weights_alone_are_kept(tmp_path):
    """Those of the last checkpoint stay: a run that is killed goes on from there."""
    told = Worse([5.0, 4.0, 3.0, 2.0, 1.0])
    there = []
    seen = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: there.append([number for number, _ in named(tmp_path, BEST)])
    )
    settings = {"validation": blobs(8, seed=1), "save_every": 2, "callbacks": [told, seen]}
    train(build("vae"), blobs(8), Recipe(1e-3, (), 8, 5, validation="test"), tmp_path, **settings)
    assert there == [[], [1], [2], [2, 3], [4]]
    assert [number for number, _ in named(tmp_path, BEST)] == [5]


@pytest.mark.parametrize(
    "variant, cut", [("info_vae", 3), *(pytest.param(*case, marks=pytest.mark.slow) for case in RESUMED)]
)
def test_resumed_is_the_same_as_uninterrupted(variant, cut, tmp_path):
    x, watched = blobs(20), blobs(10, seed=1)
    straight, resumed = build(variant), build(variant)
    history = train(straight, x, WATCHED, tmp_path / "straight", epochs=6, validation=watched)
    train(build(variant), x, WATCHED, tmp_path / "cut", epochs=cut, validation=watched)
    assert train(resumed, x, WATCHED, tmp_path / "cut", epochs=6, validation=watched) == history
    for own, one, other in zip(straight.weights, straight.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other, own.path)
    for one, other in zip(straight.optimizer.variables, resumed.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(one), ops.convert_to_numpy(other), one.path)
    terms = {f"val_{name}" for name in ("loss", *straight.logged)}
    assert all(terms <= set(epoch) for epoch in history)


def test_validation_images_are_asked_for(tmp_path):
    with pytest.raises(ValueError, match="images of its split 'test'. Received: "):
        train(build("vae"), blobs(20), WATCHED, tmp_path)


def test_the_gradient_is_clipped_as_a_whole(tmp_path):
    model = build("vae")
    train(model, blobs(16), WATCHED, tmp_path, epochs=1, validation=blobs(8))
    assert model.optimizer.global_clipnorm == 0.5 and model.optimizer.clipnorm is None
