"""Faults 17 and 18, and what is in the way of a training: other runs, a user's files, a cut-off history, no place."""

import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
from core_models import child_env
from PIL import Image

from green_vae import cli, data, presets, training
from green_vae.presets import Preset, store
from green_vae.samplers.second_stage import SecondStage
from green_vae.training import Recipe
from green_vae.training.checkpoint import checkpoints, newest, read_history
from green_vae.training.run_folder import LOCK, FolderInUseError, alone, read_run
from green_vae.utils import ledger

NETWORK = {"network": "mlp", "network_options": {"widths": (4,)}}
RECIPE = Recipe(1e-3, (), 20, 1)
TINY = Preset("vae", {"image_shape": (32, 32, 1), "latent_dim": 2, **NETWORK}, "digits", RECIPE, "us", samplers={})


@pytest.fixture(autouse=True)
def known(monkeypatch, tmp_path):
    monkeypatch.setitem(presets.PRESETS, "test/tiny", TINY)
    monkeypatch.setattr("green_vae.training.account.idle", lambda: (None, ""))
    monkeypatch.chdir(tmp_path)


def command(*options):
    """(exit code) of `train`, without pictures after the first epoch."""
    return cli.main(["train", "test/tiny", "--pictures-every", "9", *options])


def files(out):
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_fault_17_other_images_and_another_seed_are_refused_with_the_difference(tmp_path, capsys):
    assert command("--limit-train", "200", "--seed", "0", "--out", "R") == 0
    first = files(tmp_path / "R")
    assert command("--limit-train", "300", "--seed", "1", "--out", "R") == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert "seed 0 there, 1 now" in said and "images 200 there, 300 now" in said and "--fresh" in said
    assert files(tmp_path / "R") == first
    metadata = store.metadata_of(tmp_path / "R" / "model")
    assert (metadata["seed"], metadata["train_images"], metadata["flops_source"] is None) == (0, 200, False)


def test_fault_17_three_seeds_into_the_default_folder_are_one_training_and_two_refusals(tmp_path):
    assert [command("--limit-train", "40", "--seed", seed) for seed in "012"] == [0, 1, 1]
    out = tmp_path / "runs" / "test" / "tiny"
    assert read_run(out)["seed"] == store.metadata_of(out / "model")["seed"] == 0
    assert len(ledger.read(out / "ledger.jsonl")) == 1


def test_fault_12_there_is_no_option_to_refuse_going_on(capsys):
    with pytest.raises(SystemExit) as stopped:
        command("--no-resume")
    assert stopped.value.code == 2 and "--no-resume" in capsys.readouterr().err


# a user's files


MINE = ("epoch-best.weights.h5", "epoch-6-backup.weights.h5", "epoch-6_x.weights.h5", "my-epoch-6.weights.h5")


def train(out, **options):
    return presets.train("test/tiny", out, limit_train=40, ships=False, ledger=None, **options)


def test_fault_18_files_of_other_names_are_neither_loaded_nor_deleted(tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    for name in MINE:
        (out / name).write_bytes(b"somebody's")
    assert checkpoints(out) == [] and newest(out) == (0, None)
    train(out, epochs=1)
    (out / "history.json").write_text(json.dumps(read_history(out) * 6))  # six epochs, as the names say
    assert newest(out) == (1, out / "epoch-1.weights.h5")
    train(out, epochs=2)
    assert {name: (out / name).read_bytes() for name in MINE} == dict.fromkeys(MINE, b"somebody's")
    assert [epoch for epoch, _ in checkpoints(out)] == [2]


# what is in the way


def test_a_history_that_is_cut_off_is_named_with_what_to_do(tmp_path, capsys):
    train(tmp_path / "run", epochs=1)
    path = tmp_path / "run" / "history.json"
    path.write_text(path.read_text()[:20])
    assert command("--limit-train", "40", "--epochs", "2", "--out", "run") == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert "history.json" in said and "cut off or damaged" in said and "--fresh" in said
    train(tmp_path / "run", epochs=1, fresh=True)
    assert len(read_history(tmp_path / "run")) == 1


class Steps(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = 0

    def on_train_batch_begin(self, batch, logs=None):
        self.seen += 1


OWNER = """import sys
from green_vae.training.run_folder import alone
with alone(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")
def test_a_second_process_in_a_folder_is_refused_until_the_first_one_ends_even_by_kill_9(tmp_path, capsys):
    train(tmp_path / "run", epochs=1)
    before = files(tmp_path / "run")
    process = [sys.executable, "-c", OWNER, str(tmp_path / "run")]
    with subprocess.Popen(process, env=child_env(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdout.readline() == "held\n"
            assert command("--limit-train", "40", "--epochs", "2", "--out", "run", "--fresh") == 1
            said = capsys.readouterr().err.splitlines()[-1]
            expected = (
                rf"error: another process trains there \(pid {owner.pid} since [-\dT:+]+\); wait for its end, stop it, "
            )
            assert re.fullmatch(expected + "or choose another --out. Received: run", said)
            assert files(tmp_path / "run") == before | {LOCK: (tmp_path / "run" / LOCK).read_bytes()}
            named = dataclasses.replace(TINY, name="test/tiny")
            assert len(presets.load_run(named, tmp_path / "run", data.load, limit_train=40)[1]) == 1  # reading is free
        finally:
            owner.kill()
    train(tmp_path / "run", epochs=2)
    assert len(read_history(tmp_path / "run")) == 2 and (tmp_path / "run" / LOCK).read_bytes() == b""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")
def test_a_training_holds_its_folder_to_its_end_and_a_fitted_sampler_its_own(tmp_path):
    held = []

    class Try(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            with pytest.raises(FolderInUseError, match=f"pid {os.getpid()} since") as refused:
                train(tmp_path / "run", epochs=9)
            held.append(refused.value.reason)

    presets.train("test/tiny", tmp_path / "run", limit_train=40, ships=False, ledger=None, callbacks=[Try()])
    assert len(held) == 1 and "--out" in held[0] and "Received" not in held[0]  # no folder: reports show it
    with alone(tmp_path / "codes"), pytest.raises(FolderInUseError):
        SecondStage(widths=(2,), epochs=1, batch_size=4).fit(np.zeros((4, 2)), tmp_path / "codes")


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path):
    (tmp_path / "mine").write_text("kept")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / LOCK).symlink_to(tmp_path / "mine")
    train(tmp_path / "run", epochs=1)
    assert (tmp_path / "mine").read_text() == "kept"


def test_a_folder_that_cannot_be_written_is_found_before_the_first_step(tmp_path):
    """Under a file no folder can be made, even by root, who may write into what is read-only."""
    (tmp_path / "file").write_text("")
    steps = Steps()
    with pytest.raises(OSError, match="could not write .*file/run/run.json .*choose another place"):
        train(tmp_path / "file" / "run", callbacks=[steps])
    model, x = TINY.build(0), np.zeros((20, 32, 32, 1), "uint8")
    with pytest.raises(OSError, match="could not write .*file/run/history.json .*choose another place"):
        training.train(model, x, RECIPE, tmp_path / "file" / "run", callbacks=[steps])
    assert steps.seen == 0


FULL = """import resource, sys
from green_vae import cli, presets
from green_vae.presets import Preset
from green_vae.training import Recipe
presets.PRESETS["test/tiny"] = Preset(samplers={}, **eval(sys.argv[2]), recipe=Recipe(1e-3, (), 20, 1))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
sys.exit(cli.main(["train", "test/tiny", "--limit-train", "40", "--epochs", "2", "--out", "run"]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of a file's size")
def test_a_full_disk_is_one_clear_error_and_costs_no_epoch_that_was_saved(tmp_path):
    """In a process of its own, which HDF5 would crash if it were the one to find the disk full."""
    out = tmp_path / "run"
    train(out, epochs=1)
    before = files(out)
    size, same = len(before["epoch-1.weights.h5"]) // 2, {"model": "vae", "config": TINY.config, "dataset": "digits"}
    process = [sys.executable, "-c", FULL, str(size), repr({**same, "source": "us", "name": "test/tiny"})]
    done = subprocess.run(process, env=child_env(), capture_output=True, text=True, cwd=tmp_path)
    (said,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert "could not write run/epoch-2.weights.h5 (File too large); free some space" in said
    assert done.returncode == (1 if hasattr(os, "posix_fallocate") else -signal.SIGSEGV)
    left = files(out)
    own = {name for name in left if name not in ("run.json", "ledger.jsonl") and not name.startswith("pictures/")}
    assert own == set(before) - {"run.json"}  # nothing half-written
    assert {name: left[name] for name in own} == {name: before[name] for name in own}
    train(out, epochs=2)
    assert len(read_history(out)) == 2 and newest(out)[0] == 2


def test_fault_6_a_ledger_that_cannot_be_written_costs_no_model(tmp_path):
    (tmp_path / "run" / "ledger.jsonl").mkdir(parents=True)
    with pytest.warns(UserWarning, match="the ledger has no line of this training: .*ledger.jsonl"):
        presets.train("test/tiny", tmp_path / "run", limit_train=40, pictures_every=9)
    assert store.metadata_of(tmp_path / "run" / "model")["epochs"] == 1


def test_a_clock_that_jumps_back_changes_nothing(tmp_path, monkeypatch):
    """Every duration is told by clocks that never go back."""
    hours = iter(range(10**9, 0, -3600))
    monkeypatch.setattr("time.time", lambda: float(next(hours)))
    presets.train("test/tiny", tmp_path / "run", limit_train=40, budget="1m", save_every=1, pictures_every=9)
    history = read_history(tmp_path / "run")
    assert len(history) == 1 and 0 < history[0]["seconds"] < 60
    assert 0 < store.metadata_of(tmp_path / "run" / "model")["cost"]["seconds"] < 60


def test_pictures_that_vanish_during_a_training_cost_nothing(tmp_path):
    """What was read stays; going on without them is one error that names them, and leaves the run as it is."""
    pictures, out = tmp_path / "pictures", tmp_path / "run"
    pictures.mkdir()
    for number in range(40):
        Image.new("L", (32, 32), 6 * number).save(pictures / f"{number}.png")
    own = dataclasses.replace(TINY, dataset=f"folder:{pictures}", recipe=Recipe(1e-3, (), 20, 2))

    class Thief(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            shutil.rmtree(pictures)

    presets.train(own, out, epochs=1, callbacks=[Thief()], pictures_every=9)
    before = files(out)
    assert len(read_history(out)) == 1 and store.metadata_of(out / "model")["epochs"] == 1
    with pytest.raises(data.DataNotFoundError, match=re.escape(str(pictures))):
        presets.train(own, out, pictures_every=9)
    assert files(out) == before


def test_fault_5_a_training_that_its_recipe_stopped_is_told_with_the_epochs_that_it_had(tmp_path):
    """The validation loss never falls after the first epoch: halved after the second, below the lowest rate."""

    class Worse(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"] = 1.0 + epoch

    stops = Recipe(1e-3, (), 20, 9, validation="test", plateau=1, stop_below=9e-4)
    watched = dataclasses.replace(TINY, recipe=stops, name="test/watched")
    out = tmp_path / "run"
    presets.train(watched, out, limit_train=40, ledger=None, callbacks=[Worse()], pictures_every=9)
    about = store.metadata_of(out / "model")
    assert (about["epochs"], about["length"], about["recipe"]["epochs"]) == (2, "2 of 9 epochs", 9)
    assert len(read_history(out)) == 2 and stops.stopped(read_history(out))
