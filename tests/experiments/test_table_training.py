"""Tables that train: stopped in the middle and started again, and the real data's way in a few images."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from experiment_tables import ROOT, TABLES, bare, hide_data, python, read_report

from green_vae.experiments import Reference, Row, Table, columns, main
from green_vae.experiments.smoke import IMAGES
from green_vae.metrics.inception import InceptionExtractor

pytestmark = pytest.mark.usefixtures("graph_optimizer")
REAL = os.environ.get("GREEN_VAE_DATA")  # read before it is hidden
ROW, EPOCHS = "CNN-b128-l128", 12
TRAIN = ["--smoke", "--train", "--save-every", "1", "--rows", ROW, "--columns", "mse_test_x1e3", "fid_gmm", "--out"]


def train(out, bare_folder, epochs=EPOCHS):
    """The cells of the row, trained in this process."""
    with pytest.MonkeyPatch.context() as patch:
        hide_data(patch, bare_folder)
        assert main(TABLES["survey_table2"], [*TRAIN, str(out), "--epochs", str(epochs)]) == 0
    cells = read_report(out / "survey_table2.json")["rows"][ROW]
    for cell in cells.values():
        cell["details"].pop("seconds", None)
        cell["details"].pop("command", None)  # names the folder
    return cells


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """(folder, cells) of a run that nobody stopped."""
    out = tmp_path_factory.mktemp("straight")
    return out, train(out, tmp_path_factory.mktemp("bare"))


def history(out):
    """What is known of the epochs done; [] before the first."""
    (path,) = list((out / "runs").glob("*/history.json")) or [None]
    return json.loads(path.read_text()) if path else []


def listens_to_ctrl_c():
    """As in a terminal: a process started from a background job inherits that it ignores SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(params=[signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def stopped(request, tmp_path):
    """(signal, folder, exit code, stderr) of a run that was stopped in the middle of training."""
    out = tmp_path / "out"
    command = python(ROOT / "reproduce/survey_table2.py", *TRAIN, out, "--epochs", EPOCHS)
    options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "preexec_fn": listens_to_ctrl_c}
    with subprocess.Popen(command, env=bare(tmp_path), **options) as process:
        try:
            while process.poll() is None and len(history(out)) < 2:
                time.sleep(0.02)
            process.send_signal(request.param)
            error = process.communicate(timeout=300)[1].decode()
        finally:
            process.kill()
    return request.param, out, process.returncode, error


@pytest.mark.slow
def test_stopped_training_goes_on_to_the_same_numbers(stopped, uninterrupted, tmp_path):
    kind, out, code, error = stopped
    done = len(history(out))
    assert 2 <= done < EPOCHS, "the run was to be stopped in the middle"
    if kind == signal.SIGINT:
        assert code == 130, error
        assert "interrupted; the same command goes on from here" in error and "Traceback" not in error
        assert not [path for path in out.rglob("*") if path.name.startswith(".")]
    else:
        assert code == -signal.SIGKILL
    assert not (out / "survey_table2.json").exists()
    for path in out.rglob("epoch-*.weights.h5"):
        if not path.name.startswith("."):
            with h5py.File(path):  # whole
                pass
    cells = train(out, tmp_path)
    assert cells == uninterrupted[1]
    assert cells["mse_test_x1e3"]["details"]["weights"] == uninterrupted[1]["fid_gmm"]["details"]["weights"]
    assert cells["mse_test_x1e3"]["details"]["epochs"] == len(history(out)) == EPOCHS
    details = {name: cells[name]["details"] for name in ("mse_test_x1e3", "fid_gmm")}
    sides = {name: (said["images"], said["reference_images"]) for name, said in details.items()}
    assert sides == {"mse_test_x1e3": (IMAGES, None), "fid_gmm": (IMAGES, IMAGES)}
    assert not [path for path in (out / "runs").rglob("*") if path.name.startswith(".")]


def test_training_does_not_go_back(uninterrupted, tmp_path, capsys):
    """Weights of 12 epochs are never called weights of 3."""
    out = tmp_path / "out"
    shutil.copytree(uninterrupted[0] / "runs", out / "runs")
    cell = train(out, tmp_path, epochs=3)["mse_test_x1e3"]
    assert cell["verdict"] == "not run"
    assert "the folder holds 12 epochs already, more than the 3 asked for; --epochs 12 takes them" in cell["reason"]


# real data


@pytest.fixture
def real(monkeypatch):
    """The folder with CIFAR-10 and Inception weights."""
    folder = Path(REAL) if REAL else None
    if not folder or not any(folder.glob("cifar-10*")) or not any((folder / "inception").glob("*")):
        pytest.skip("GREEN_VAE_DATA names no folder with CIFAR-10 and inception/: the real data's way is checked there")
    monkeypatch.delenv("GREEN_VAE_INCEPTION", raising=False)
    monkeypatch.setattr("green_vae.experiments.plan.device_rate", lambda: 1e12)
    return ["--data-dir", str(folder)]


@pytest.mark.slow
def test_pictures_against_the_real_test_set(real, tmp_path, monkeypatch):
    table = Table(
        "pictures",
        "Pictures",
        "nobody",
        (columns.fid("fid_1280", "row", "FID@1280", layer="mixed8"),),
        (Row("some", {"fid_1280": 5.0}, images=lambda bench: bench.data("cifar10", "train").images[:64]),),
        Reference("cifar10", n=64),
    )
    options = [*real, "--out", str(tmp_path)]
    assert main(table, options) == 0
    cell = read_report(tmp_path / "pictures.json")["rows"]["some"]["fid_1280"]
    assert cell["label"] == "FID@1280" and cell["verdict"] == "not comparable" and cell["difference"] is None
    assert np.isfinite(cell["value"]) and cell["value"] > 0
    assert "not on the scale of the published FID" in cell["reason"] and cell["remark"].startswith("KID@1280 x 1000 = ")
    assert cell["details"]["images"] == cell["details"]["reference_images"] == 64
    assert (tmp_path / "pictures" / "some.png").exists()

    calls, compute = [], InceptionExtractor.__call__
    monkeypatch.setattr(InceptionExtractor, "__call__", lambda *args: calls.append(args) or compute(*args))
    assert main(table, options) == 0
    again = read_report(tmp_path / "pictures.json")["rows"]["some"]["fid_1280"]
    assert again == {**cell, "recorded": True} and not calls
    assert main(table, [*options, "--fresh"]) == 0
    fresh = read_report(tmp_path / "pictures.json")["rows"]["some"]["fid_1280"]
    assert fresh["value"] == pytest.approx(cell["value"], rel=1e-5) and not fresh["recorded"] and calls


@pytest.mark.slow
def test_one_step_of_a_survey_row_on_real_images(real, tmp_path, capsys):
    row = "Resnet-s4-b48-l100"
    options = ["--rows", row, "--columns", "mse_train_x1e3", "--train", "--epochs", "1", "--limit-train", "100"]
    try:
        assert main(TABLES["survey_table2"], [*options, "--limit-eval", "32", *real, "--out", str(tmp_path)]) == 0
    finally:
        shutil.rmtree(tmp_path / "runs", ignore_errors=True)  # 200 MB
    cell = read_report(tmp_path / "survey_table2.json")["rows"][row]["mse_train_x1e3"]
    assert np.isfinite(cell["value"]) and 0 < cell["value"] < 1000
    assert cell["verdict"] == "differs"
    for part in ("trained 1 of 150 epochs", "on the first 100 training images", "measured on 32 instead of 10,000"):
        assert part in cell["reason"]
    assert cell["details"]["train_images"] == 100 and cell["details"]["images"] == 32
    error = capsys.readouterr().err
    assert "plan (estimates for this machine" in error and f"{row}: train" in error
