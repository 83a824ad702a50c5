"""Fault 20: the recipe sets the learning rate; what would set it, too, is refused with the reason."""

import dataclasses

import keras
import numpy as np
import pytest
from core_models import build

from green_vae import presets
from green_vae.presets import Preset
from green_vae.training import Recipe, train

CONFIG = {"image_shape": (32, 32, 1), "latent_dim": 4, "network": "mlp", "network_options": {"widths": (8,)}}
TINY = Preset("vae", CONFIG, "digits", Recipe(1e-3, (), 8, 1), "us", samplers={}, name="test/tiny")
SETTERS = [
    keras.callbacks.LearningRateScheduler(lambda epoch: 0.1),
    keras.callbacks.ReduceLROnPlateau(monitor="loss"),
    type("Mine", (keras.callbacks.LearningRateScheduler,), {})(lambda epoch: 0.1),
]


@pytest.mark.parametrize("callback", SETTERS, ids=lambda callback: type(callback).__name__)
def test_fault_20_a_callback_that_sets_the_rate_is_refused_before_anything_is_written(callback, tmp_path):
    reason = f"the recipe sets the learning rate.*halve_at.*Received: {type(callback).__name__}"
    with pytest.raises(ValueError, match=reason):
        presets.train(TINY, tmp_path / "run", callbacks=[callback])
    with pytest.raises(ValueError, match=reason):
        train(build("second_stage_cosine"), np.zeros((8, 6), "float32"), TINY.recipe, tmp_path, callbacks=[callback])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "rate", [keras.optimizers.schedules.CosineDecay(1e-3, 10), "1e-3", None, 0.0, -1e-3, float("nan")]
)
def test_fault_20_a_rate_is_a_positive_number(rate):
    with pytest.raises(ValueError, match="positive number and halves it itself.*Received: learning_rate="):
        Recipe(learning_rate=rate)
    with pytest.raises(ValueError, match="Received: learning_rate="):
        dataclasses.replace(TINY.recipe, learning_rate=rate)


def test_fault_20_numbers_of_numpy_are_numbers():
    assert Recipe(np.float32(0.5), (1,)).rate(1) == 0.25
