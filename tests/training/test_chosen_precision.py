"""`--precision auto|float32|bfloat16`: what a machine is given, what is said of it, and what a run keeps."""

import keras
import numpy as np
import pytest

from green_vae import cli, data, presets
from green_vae.models.precision import dtype_policy
from green_vae.presets import Preset
from green_vae.training import Recipe
from green_vae.training.precision import chosen
from green_vae.training.run_folder import OtherRunError, read_run
from green_vae.utils import processor

OPTIONS = {"widths": (8,), "activation": "relu"}
CONFIG = {"image_shape": (32, 32, 1), "latent_dim": 4, "network": "mlp", "network_options": OPTIONS}
TINY = Preset("vae", CONFIG, "digits", Recipe(1e-3, (), 20, 10), "us", samplers={}, name="test/tiny")


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """f(flags, *devices): a machine with such a processor and such devices; flags None for no /proc/cpuinfo."""

    def make(flags, *devices):
        path = tmp_path / "cpuinfo"
        if flags is not None:
            path.write_text(f"processor\t: 0\nflags\t\t: fpu {flags} sse\n\nprocessor\t: 1\nflags\t\t: fpu\n")
        monkeypatch.setattr(processor, "CPUINFO", path)
        monkeypatch.setattr(keras.distribution, "list_devices", lambda *kind: list(devices or ("CPU:0",)))

    return make


def train(out, epochs=1, **options):
    """40 digits in batches of 20, no pictures and no folder to ship."""
    return presets.train(TINY, out, epochs, limit_train=40, ships=False, ledger=None, **options)


@pytest.mark.parametrize(
    ("flags", "devices", "policy", "why"),
    [
        ("avx2 avx512_bf16 amx_bf16", (), "mixed_bfloat16", "the processor has amx_bf16"),
        ("avx2 avx512_bf16", (), "float32", "no amx_bf16"),
        (None, (), "float32", "nothing tells"),
        ("avx2", ("cpu:0", "gpu:0"), "mixed_bfloat16", "an accelerator, gpu:0"),
        (None, ("tpu:0",), "mixed_bfloat16", "an accelerator, tpu:0"),
    ],
)
def test_auto_is_what_is_quick_on_the_machine(machine, tmp_path, flags, devices, policy, why):
    machine(flags, *devices)
    found, said = chosen("auto", tmp_path / "run")
    assert found == policy and said.startswith("auto: ") and why in said


def test_what_was_asked_for_is_taken_on_every_machine(machine, tmp_path):
    machine("amx_bf16")
    assert chosen("float32", tmp_path) == ("float32", "") and chosen("bfloat16", tmp_path) == ("mixed_bfloat16", "")
    assert chosen(None, tmp_path) == ("float32", "")
    with dtype_policy("mixed_bfloat16"):  # set by the program around it
        assert chosen(None, tmp_path) == ("mixed_bfloat16", "") and chosen("float32", tmp_path) == ("float32", "")
    with pytest.raises(ValueError, match="auto, float32, bfloat16. Received: 'float16'"):
        chosen("float16", tmp_path)


def test_the_flags_of_the_first_processor_or_none(machine, tmp_path):
    machine("avx2 amx_bf16")
    assert processor.flags() == {"fpu", "avx2", "amx_bf16", "sse"}
    assert processor.flags(tmp_path / "none") is None
    (tmp_path / "arm").write_text("Features\t: fp asimd bf16\n")
    assert processor.flags(tmp_path / "arm") == {"fp", "asimd", "bf16"}


def test_a_run_says_what_it_computes_in_and_goes_on_with_it(machine, tmp_path, capsys):
    out = tmp_path / "run"
    machine("amx_bf16")
    train(out, precision="auto")
    assert capsys.readouterr().err.splitlines()[0] == "run: computes in bfloat16 (auto: the processor has amx_bf16)"
    assert read_run(out)["dtype_policy"] == "mixed_bfloat16"

    machine("avx2")  # on another machine
    for epochs, precision in ((2, None), (3, "auto")):
        model = train(out, epochs, precision=precision)
        assert model.encoder.compute_dtype == "bfloat16" and keras.config.dtype_policy().name == "float32"
        assert capsys.readouterr().err.startswith("run: computes in bfloat16 (as run.json of this folder says)\n")
    with pytest.raises(OtherRunError, match="dtype_policy mixed_bfloat16 there, float32 now"):
        train(out, 5, precision="float32")
    assert presets.run_length(TINY, out) == "3 of 10 epochs in mixed_bfloat16"
    read, history = presets.load_run(TINY, out, data.load, limit_train=40)  # for a figure: the same, in float32
    assert read.encoder.compute_dtype == "float32" and len(history) == 3
    for kept, weight in zip(model.get_weights(), read.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, weight)

    train(out, fresh=True, precision="auto")
    assert capsys.readouterr().err.splitlines()[0].startswith("run: computes in float32 (auto: there is no accelerator")
    assert read_run(out)["dtype_policy"] == "float32"


@pytest.mark.parametrize(
    ("arguments", "precision"),
    [
        ([], "auto"),
        (["--precision", "auto"], "auto"),
        (["--precision", "float32"], "float32"),
        (["--mixed-precision"], "bfloat16"),
    ],
)
def test_the_command_line_hands_it_on(arguments, precision, monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setitem(presets.PRESETS, "test/tiny", TINY)
    monkeypatch.setattr(presets, "train", lambda chosen, out, **settings: asked.update(settings))
    assert cli.main(["train", "test/tiny", "--out", str(tmp_path), *arguments]) == 0
    assert asked["precision"] == precision
    with pytest.raises(SystemExit):
        cli.main(["train", "test/tiny", "--precision", "float32", "--mixed-precision"])
