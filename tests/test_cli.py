"""`python -m green_vae`: what it prints, how it ends, and that help is quick."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from green_vae import cli
from green_vae.cost import flops, parameters, traffic
from green_vae.presets import PRESETS

ROOT = Path(__file__).parent.parent
SMALL = "svae/mnist-mini-plain"


def run(*arguments, cwd=None):
    """A fresh process: (exit code, stdout, stderr)."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(
        [sys.executable, "-m", "green_vae", *arguments], env=env, capture_output=True, text=True, timeout=300, cwd=cwd
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def saved(tmp_path):
    layers = [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.Flatten(), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((8, 8, 1)), *layers])
    model.save(tmp_path / "mine.keras")
    return tmp_path / "mine.keras", model


def total(text):
    """The numbers of the last line."""
    name, *numbers = text.splitlines()[-1].split()
    assert name == "total"
    return [float(number.replace(",", "")) for number in numbers]


# in a process of its own: exit codes


def test_a_users_own_model(saved):
    path, model = saved
    code, out, _ = run("cost", path.name, "--rule", "macs", "--batch-size", "5", cwd=path.parent)
    assert code == 0
    assert total(out)[0] == parameters(model)
    assert [re.split(r"\s{2,}", line)[1] for line in out.splitlines()[4:7]] == ["Conv2D", "Flatten", "Dense"]


@pytest.mark.parametrize(
    "arguments, code, message",
    [
        ((), 2, "COMMAND"),
        (("lunch",), 2, "lunch"),
        (("cost",), 2, "PRESET"),
        (("cost", "survey/nothing"), 2, "Received: survey/nothing"),
        (("cost", SMALL, "--batch-size", "0"), 2, "Received: 0"),
        (("cost", "missing.keras"), 1, "Received: missing.keras"),
    ],
)
def test_exit_codes(arguments, code, message, tmp_path):
    found, out, err = run(*arguments, cwd=tmp_path)
    assert (found, out) == (code, "")
    assert message in err.splitlines()[-1]
    assert "Traceback" not in err


def test_help_is_quick_and_teaches():
    program = "import json, sys; from green_vae import cli; cli.parser().format_help()"
    program += "; print(json.dumps([name for name in ('keras', 'numpy', 'rich', 'tensorflow') if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert json.loads(done.stdout) == []
    code, out, _ = run("cost", "--help")
    assert code == 0
    for word in ("examples:", "survey/", "my_model.keras", "MFLOPs", "FLOPs/byte", "--batch-size", "--import"):
        assert word in out


def test_a_reader_that_stops_early():
    command = f"{sys.executable} -m green_vae presets | head -1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr


# in this process


@pytest.mark.parametrize(
    "called, name", [("/usr/bin/green-vae", "green-vae"), ("/x/__main__.py", "python -m green_vae")]
)
def test_help_shows_the_name_that_it_was_called_by(called, name, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [called])
    for command, example in (
        ([], f"{name} generate boon/beta-mnist"),
        (["cost"], f"{name} cost survey/resnet-s4"),
        (["generate"], f"{name} generate svae/mnist-mini"),
        (["train"], f"KERAS_BACKEND=jax {name} train survey/resnet-s4-b48-l128"),
    ):
        with pytest.raises(SystemExit):
            cli.main([*command, "--help"])
        text = capsys.readouterr().out
        assert text.startswith(f"usage: {' '.join([name, *command])} [-h]") and example in text and "%(" not in text
        assert text.count("green_vae ") == (0 if name == "green-vae" else text.count(name))


def test_every_preset_is_listed_with_data_and_source(capsys):
    assert cli.main(["presets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == list(PRESETS)
    for line, preset in zip(lines[2:], PRESETS.values(), strict=True):
        assert preset.dataset in line and preset.source in line


@pytest.mark.parametrize("rule", ["survey", "macs"])
def test_the_total_of_a_preset(rule, capsys):
    assert cli.main(["cost", SMALL, "--rule", rule, "--batch-size", "10"]) == 0
    out = capsys.readouterr().out
    model = PRESETS[SMALL].build()
    count = flops(model.encoder, rule) + flops(model.decoder, rule)
    moved = traffic(model, 10)
    expected = [parameters(model.encoder, model.decoder), count / 1e6, moved / 1e6, 10 * count / moved]
    np.testing.assert_allclose(total(out), expected, rtol=1e-3)
    names = [line.split()[0] for line in out.splitlines()[4:-2]]
    assert {name.split("/")[0] for name in names} == {"encoder", "decoder"}


def test_a_model_of_the_package_from_a_file(tmp_path, capsys):
    model = PRESETS[SMALL].build()
    model.save(tmp_path / "ours.keras")
    assert cli.main(["cost", str(tmp_path / "ours.keras")]) == 0
    assert total(capsys.readouterr().out)[0] == parameters(model.encoder, model.decoder)


def test_code_inside_a_file_is_refused(tmp_path, capsys):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x)])
    model.save(tmp_path / "unsafe.keras")
    assert cli.main(["cost", str(tmp_path / "unsafe.keras")]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and len(captured.err.splitlines()) == 1
    assert "not safe" in captured.err


def test_a_damaged_file(tmp_path, capsys):
    (tmp_path / "bad.keras").write_bytes(b"not a zip")
    assert cli.main(["cost", str(tmp_path / "bad.keras")]) == 1
    assert "could not load" in capsys.readouterr().err


@pytest.mark.slow
def test_own_classes_are_imported_first(tmp_path):
    (tmp_path / "my_layers.py").write_text(
        "import keras\n\n\n@keras.saving.register_keras_serializable('mine')\n"
        "class Twice(keras.Layer):\n    def call(self, x):\n        return 2 * x\n"
    )
    program = "import keras, my_layers; keras.Sequential([keras.Input((2,)), my_layers.Twice()]).save('own.keras')"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path, capture_output=True)
    code, _, err = run("cost", "own.keras", cwd=tmp_path)
    assert code == 1 and "--import" in err.splitlines()[-1] and "Traceback" not in err
    code, out, _ = run("cost", "own.keras", "--import", "my_layers", cwd=tmp_path)
    assert code == 0 and "Twice" in out
    code, _, err = run("cost", "own.keras", "--import", "no_such_module", cwd=tmp_path)
    assert code == 1 and "no_such_module" in err


def test_modules_to_import_are_looked_for_in_the_current_folder(tmp_path, monkeypatch, capsys):
    """Also by the command `green-vae`, whose first place to look is its own folder."""
    (tmp_path / "layers_of_mine.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path not in ("", str(tmp_path))])
    assert cli.main(["cost", "none.keras", "--import", "layers_of_mine"]) == 1
    assert "no such file" in capsys.readouterr().err and sys.modules.pop("layers_of_mine")


def test_ctrl_c_is_told(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("green_vae.cards.list_presets", interrupted)
    assert cli.main(["list"]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "interrupted"


def test_a_model_that_cannot_be_counted(tmp_path, capsys):
    keras.Sequential([keras.Input((5, 3)), keras.layers.LSTM(2)]).save(tmp_path / "lstm.keras")
    assert cli.main(["cost", str(tmp_path / "lstm.keras")]) == 1
    assert "no rule" in capsys.readouterr().err


def test_an_autoencoder_draws_from_the_mixture_that_ships(tmp_path):
    assert cli.main(["generate", "boon/autoencoder-mnist", "-n", "4", "-o", str(tmp_path / "grid.png")]) == 0
    with Image.open(tmp_path / "grid.png") as picture:
        assert np.asarray(picture).std() > 10


def test_an_autoencoder_has_no_prior(tmp_path, capsys):
    command = ["generate", "boon/autoencoder-mnist", "--sampler", "prior", "-o", str(tmp_path / "grid.png")]
    assert cli.main(command) == 1
    assert "has no prior; fit a sampler first" in capsys.readouterr().err and not list(tmp_path.iterdir())
