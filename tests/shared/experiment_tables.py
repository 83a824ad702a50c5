"""What the tests of tables share: the scripts, small tables without a network, and a machine without data."""

import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest

from green_vae.experiments import Column, Reference, Row, Table
from green_vae.experiments.overview import load_script
from green_vae.experiments.spec import Measurement
from green_vae.presets import Preset
from green_vae.training import Recipe

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "reproduce").glob("*.py"))
# where any trained model will do: dense, so that it is built and compiled quickly, with batch norm
DENSE = {"network": "mlp", "network_options": {"widths": (8,), "normed": True}}
TINY = Preset("vae", {"image_shape": (32, 32, 1), "latent_dim": 4, **DENSE}, "digits", Recipe(1e-4, (), 8, 1), "a test")

MODULES = {path.stem: load_script(path) for path in SCRIPTS}
TABLES = {name: module.TABLE for name, module in MODULES.items() if hasattr(module, "TABLE")}
GALLERIES = {name: module.GALLERY for name, module in MODULES.items() if hasattr(module, "GALLERY")}


def bare(folder):
    """Environment variables under which no data, no weights and no cache of this machine is found."""
    hidden = ("GREEN_VAE_INCEPTION", "GREEN_VAE_INCEPTION_2015", "COLUMNS", "TF_CPP_MIN_LOG_LEVEL")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    data, cache = folder / "no_data", folder / "no_cache"
    data.mkdir(exist_ok=True)
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **kept,
        "GREEN_VAE_DATA": str(data),
        "TFDS_DATA_DIR": str(cache / "tfds"),
        "XDG_CACHE_HOME": str(cache),
        "PYTHONPATH": os.pathsep.join(paths),
    }


def hide_data(patch, folder):
    """The same for this process."""
    for name in ("GREEN_VAE_INCEPTION", "GREEN_VAE_INCEPTION_2015", "COLUMNS"):
        patch.delenv(name, raising=False)
    environment = bare(folder)
    for name in ("GREEN_VAE_DATA", "TFDS_DATA_DIR", "XDG_CACHE_HOME"):
        patch.setenv(name, environment[name])


def first_run_of(main, entry, arguments, folder, typed):
    """(report, stdout) of a script run in a folder on a machine without data.

    As a command where `typed`; else its main is called in this process, which saves the start of TensorFlow.
    """
    stdout, stderr = (_typed if typed else _called)(main, entry, arguments, folder)
    assert "Traceback" not in stderr
    assert f"written: runs/tables/{entry.name}.md and runs/tables/{entry.name}.json" in stderr
    return read_report(folder / "runs/tables" / f"{entry.name}.json"), stdout


def _typed(main, entry, arguments, folder):
    command = python(ROOT / "reproduce" / f"{entry.name}.py", *arguments)
    done = subprocess.run(command, cwd=folder, env=bare(folder), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert not re.search(r"absl::|^[IWEF]\d{4} ", done.stderr, re.MULTILINE), done.stderr  # TensorFlow's own lines
    return done.stdout, done.stderr


def _called(main, entry, arguments, folder):
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        hide_data(patch, folder)
        patch.chdir(folder)
        assert main(entry, arguments) == 0, err.getvalue()
    return out.getvalue(), err.getvalue()


def read_report(path):
    """A report; JSON has no NaN, so it is refused here."""

    def refuse(constant):
        raise ValueError(f"not a number of JSON: {constant}")

    return json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=refuse)


def python(*arguments):
    """A command line; Ctrl-C works in it, even where the parent ignores it."""
    code = "import runpy, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    return [sys.executable, "-c", code, *map(str, arguments)]


def pixels(value):
    """images() of a row: four gray images of one value."""
    return lambda bench: np.full((4, 32, 32, 1), value, "uint8")


class Counted:
    """A column that says what it is told to, and counts how often it was asked."""

    def __init__(self, value=1.0, name="a", tolerance=0.125, live=False, label="", why=""):
        self.value, self.calls, self.version, self.label, self.why = value, 0, 1, label, why
        self.column = Column(
            name, name.upper(), self.measure, identity=None if live else self.identity, tolerance=tolerance
        )

    def identity(self, run):
        return {"row": run.row.name, "version": self.version}

    def measure(self, run):
        self.calls += 1
        value = self.value[run.row.name] if isinstance(self.value, dict) else self.value
        if isinstance(value, BaseException):
            raise value
        count = run.reference_count
        return Measurement(value, self.label, self.why, images=count, reference_images=count)


def small_table(columns, rows=None, n=500):
    """A table of pictures; the reference is the first n of the 500 test digits, which are always there."""
    rows = rows or (Row("first", {"a": 8.0}, images=pixels(1)), Row("second", {"a": 8.0}, images=pixels(2)))
    columns = tuple(getattr(column, "column", column) for column in columns)
    return Table("small", "Small", "nobody", columns, tuple(rows), Reference("digits", n=n))
