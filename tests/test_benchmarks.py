"""The scripts in benchmarks/ that need no data run; fault 11: in mixed precision, too."""

import sys

import keras
import pytest
from experiment_tables import ROOT

from green_vae import presets
from green_vae.experiments.overview import load_script
from green_vae.models.precision import dtype_policy
from green_vae.presets import Preset
from green_vae.training import Recipe

CONFIG = {"image_shape": (8, 8, 1), "latent_dim": 2, "network": "mlp", "network_options": {"widths": (8,)}}


@pytest.mark.parametrize("options", [[], ["--mixed-precision"]])
def test_fault_11_the_speed_of_training(options, monkeypatch, capsys):
    monkeypatch.setitem(presets.PRESETS, "test/tiny", Preset("vae", CONFIG, "digits", Recipe(batch_size=4), "us"))
    monkeypatch.setattr(sys, "argv", ["training.py", "test/tiny", "--steps", "1", *options])
    script = load_script(ROOT / "benchmarks" / "training.py")
    monkeypatch.setattr(script.matmul_rate, "__defaults__", (16, 1))
    with dtype_policy(None):  # the script sets one
        script.main()
        assert keras.config.dtype_policy().name == ("mixed_bfloat16" if options else "float32")
    first, second = capsys.readouterr().out.splitlines()
    assert "GFLOP/s" in first and second.startswith("test/tiny: ") and "images/s" in second and " graph)" in second
