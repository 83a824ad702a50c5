"""Fault 16: a model that is only counted is built without values of its weights, one that is loaded without drawing."""

import inspect

import keras
import numpy as np
import pytest
from core_models import VARIANTS

from green_vae import cli, cost, presets
from green_vae.models.undrawn import undrawn_weights
from green_vae.presets import store
from green_vae.presets.preset import Preset
from green_vae.training import Recipe

COUNTS = (cost.parameters, cost.trainable_parameters, cost.flops)
TINY = Preset("vae", {**VARIANTS["vae"][1], "network": "resnet"}, "digits", Recipe(), "a test")
INITIALIZERS = [getattr(keras.initializers, name) for name in dir(keras.initializers)]
RANDOM = {kind for kind in INITIALIZERS if inspect.isclass(kind) and "seed" in inspect.signature(kind).parameters}


def test_fault_16_every_random_initializer_of_keras_gives_zeros_inside_and_draws_again_outside():
    assert len(RANDOM) > 8
    for kind in RANDOM:
        with undrawn_weights():
            inside = kind()((4, 4), dtype="float16")
        assert not np.any(keras.ops.convert_to_numpy(inside)), kind
        assert keras.backend.standardize_dtype(inside.dtype) == "float16"
        assert np.any(keras.ops.convert_to_numpy(kind()((4, 4)))), kind


def test_fault_16_drawing_goes_on_after_an_error():
    with pytest.raises(KeyError), undrawn_weights():
        raise KeyError
    assert np.any(keras.ops.convert_to_numpy(keras.initializers.GlorotUniform()((4, 4))))


def test_fault_16_an_outline_is_counted_like_the_model():
    outline, model = TINY.outline(0), TINY.build(0)
    assert not any(np.any(weight) for weight in outline.encoder.get_layer("mean").get_weights())
    assert [(w.name, w.shape) for w in outline.weights] == [(w.name, w.shape) for w in model.weights]
    for count in (cost.parameters, cost.trainable_parameters, cost.flops, cost.traffic):
        assert count(outline.encoder) == count(model.encoder) > 0


@pytest.mark.parametrize("name", VARIANTS)
def test_a_blueprint_is_counted_like_the_model(name):
    model, config = VARIANTS[name]
    preset = Preset(model, config, "digits", Recipe(), "a test")
    blueprint, outline = preset.blueprint(), preset.outline(0)
    assert [(w.name, w.shape) for w in blueprint.weights] == [(w.name, w.shape) for w in outline.weights]
    assert cost.traffic(blueprint) == cost.traffic(outline) > 0
    for network, other in zip(blueprint.networks().values(), outline.networks().values(), strict=True):
        assert [count(network) for count in COUNTS] == [count(other) for count in COUNTS]


def test_fault_16_weights_read_into_an_outline_leave_nothing_of_it(monkeypatch, tmp_path):
    monkeypatch.setitem(presets.PRESETS, "test/tiny", TINY)
    model = TINY.build(1)
    store.save_preset(model, tmp_path / "model", dtype="float32")
    for loaded in (
        presets.load("test/tiny", tmp_path / "model" / store.WEIGHTS, seed=2),
        presets.load(tmp_path / "model"),
    ):
        for ours, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_fault_16_the_command_line_counts_an_outline(monkeypatch, capsys):
    monkeypatch.setitem(presets.PRESETS, "test/tiny", TINY)
    monkeypatch.setattr(Preset, "build", _undrawn_only(Preset.build))
    assert cli.main(["cost", "test/tiny"]) == 0
    assert "total" in capsys.readouterr().out


def _undrawn_only(build):
    def checked(self, seed=None):
        model = build(self, seed)
        assert not np.any(model.encoder.get_layer("mean").get_weights()[0])
        return model

    return checked
