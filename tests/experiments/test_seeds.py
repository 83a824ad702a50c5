"""Rows of several seeds: which models are taken, what is trained, mean and spread, and what a report says of them."""

import shutil
import statistics

import numpy as np
import pytest
from experiment_tables import hide_data, read_report

from green_vae import data, metrics, presets
from green_vae.experiments import Column, Reference, Row, Table, columns, main
from green_vae.experiments.seeds import over_seeds, trained_folder
from green_vae.experiments.spec import Measurement
from green_vae.presets import store
from green_vae.training import Recipe
from green_vae.utils import digests

CONFIG = {"image_shape": (32, 32, 1), "latent_dim": 2, "network": "mlp", "network_options": {"widths": (4,)}}
ERROR = over_seeds(columns.mse("test"))
NAME = "mse_test_x1e3"


@pytest.fixture(autouse=True)
def tiny(monkeypatch, tmp_path):
    """A preset of a tiny model, no data but the digits, and no model that ships."""
    hide_data(monkeypatch, tmp_path)
    monkeypatch.setattr("green_vae.experiments.plan.device_rate", lambda: 1e12)
    preset = presets.Preset("vae", CONFIG, "digits", Recipe(1e-3, (), 500, epochs=1), "nobody", name="tiny")
    monkeypatch.setitem(presets.PRESETS, "tiny", preset)
    monkeypatch.setattr(presets, "pretrained_path", lambda name: tmp_path / "ships" / store.WEIGHTS)
    return preset


@pytest.fixture
def runs(tiny, tmp_path):
    """A folder of trainings with seeds 0 and 1, the second of them for half of the recipe."""
    for seed, length in ((0, "1 of 1 epochs"), (1, "0 of 1 epochs")):
        about = {"preset": "tiny", "seed": seed, "length": length, "dtype_policy": "mixed_bfloat16"}
        store.save_preset(tiny.build(seed), tmp_path / "runs" / f"any{seed}" / "model", **about)
    return tmp_path / "runs"


def table_of(*chosen, seeds=(0, 1)):
    row = Row("a row", {column.name: None for column in chosen}, preset="tiny")
    return Table("tiny", "Tiny", "nobody", chosen, (row,), Reference("digits", n=200), seeds=seeds)


def cell_of(out, *options, column=ERROR):
    assert main(table_of(column), [*map(str, options), "--out", str(out)]) == 0
    return read_report(out / "tiny.json")["rows"]["a row"][column.name]


class Part:
    """A run of one seed, as far as a column asks."""

    def __init__(self, seed, value):
        self.settings, self.value = type("Settings", (), {"seed": seed}), value


def test_mean_and_spread_over_the_seeds():
    own = Column("a", "A", lambda part: Measurement(part.value, "FID~", remark="so", images=7), lambda part: part.value)
    column, run = over_seeds(own), type("Run", (), {"parts": [Part(4, 1.0), Part(2, 4.0), Part(9, 2.0)]})
    found = column.measure(run)
    assert found.value == statistics.mean([1, 4, 2]) and found.spread == pytest.approx(statistics.stdev([1, 4, 2]))
    assert found.values == {"4": 1.0, "2": 4.0, "9": 2.0}
    assert found.remark == "seed 4: 1.0 (so), seed 2: 4.0 (so), seed 9: 2.0 (so)"
    assert (found.label, found.images, column.identity(run)) == ("FID~", 7, [1.0, 4.0, 2.0])
    alone = column.measure(type("Run", (), {"parts": [Part(4, 1.0)]}))
    assert (alone.value, alone.spread, alone.values) == (1.0, None, {"4": 1.0})


def test_a_spread_of_nothing_is_shown(runs, tmp_path):
    same = over_seeds(Column("a", "A", lambda part: Measurement(2.0), lambda part: part.identity()))
    assert cell_of(tmp_path / "out", "--runs", runs, column=same)["details"]["spread"] == 0
    assert "| 2.0 ± 0.0 |" in (tmp_path / "out" / "tiny.md").read_text(encoding="utf-8")


def test_a_model_is_found_by_preset_and_seed(runs, tmp_path):
    assert [trained_folder("tiny", seed, runs) for seed in (0, 1, 2)] == [
        runs / "any0" / "model", runs / "any1" / "model", None,
    ]  # fmt: skip
    assert trained_folder("other", 0, runs) is None and trained_folder("tiny", 0) is None
    shutil.copytree(runs / "any1" / "model", tmp_path / "ships")
    assert trained_folder("tiny", 1) == tmp_path / "ships" and trained_folder("tiny", 0) is None
    assert trained_folder("tiny", 1, runs) == runs / "any1" / "model"  # which goes first
    shutil.copytree(runs / "any0", runs / "twice")
    with pytest.raises(ValueError, match="two runs of one preset and seed.*any0.*twice"):
        trained_folder("tiny", 0, runs)


def test_a_cell_is_of_all_seeds_and_says_so(runs, tiny, tmp_path):
    cell, said = cell_of(tmp_path / "out", "--runs", runs), {}
    images, values = data.load("digits", "test").images[:200], {}
    for seed in (0, 1):
        model = store.load_preset(runs / f"any{seed}" / "model")
        made = model.reconstruct(images, seed=seed)
        values[str(seed)] = 1000 * metrics.mse(images, made)
        said[seed] = digests.of_arrays(model.get_weights())[:16]
    assert cell["details"]["values"] == pytest.approx(values, rel=2e-2)  # noise of batches of 100
    assert cell["value"] == pytest.approx(np.mean([*cell["details"]["values"].values()]))
    assert cell["details"]["spread"] == pytest.approx(np.std([*cell["details"]["values"].values()], ddof=1))
    assert (cell["details"]["seeds"], cell["details"]["weights"]) == ([0, 1], [*said.values()])
    page = (tmp_path / "out" / "tiny.md").read_text(encoding="utf-8")
    assert f"| {cell['value']:.2f} ± {cell['details']['spread']:.2f} |" in page
    assert "seeds 0, 1, 1 of 1 epochs in mixed_bfloat16 and 0 of 1 epochs in mixed_bfloat16, 200 images" in page


def test_a_training_on_fewer_images_does_not_take_weights_that_saw_more(tiny, tmp_path):
    """Else the mean over the seeds would be one of two lengths of data, and the report would tell the shorter one."""
    about = {"preset": "tiny", "seed": 0, "length": "1 of 1 epochs", "train_images": 1_000}
    store.save_preset(tiny.build(0), tmp_path / "ships", **about)
    weights = {}
    for limit in (None, 1_000, 500):
        asked = ["--train", "--seeds", 0, *(["--limit-train", limit] if limit else [])]
        (weights[limit],) = cell_of(tmp_path / f"out{limit}", *asked)["details"]["weights"]
    assert weights[None] == weights[1_000] != weights[500]


def test_a_seed_that_is_missing_leaves_the_recorded_cell(runs, tmp_path):
    out, (reason,) = tmp_path / "out", {cell_of(tmp_path / "bare")["reason"]}
    assert reason.startswith("no trained weights of seed 0; `python reproduce/tiny.py --train --rows 'a row'` trains")
    before = cell_of(out, "--runs", runs)
    shutil.rmtree(runs / "any1")
    assert cell_of(out, "--runs", runs) == {**before, "recorded": True}
    alone = cell_of(out, "--runs", runs, "--seeds", 0)
    assert alone["details"]["values"] == {"0": before["details"]["values"]["0"]} and "spread" not in alone["details"]
    assert not alone["recorded"] and alone["value"] != before["value"]


def test_only_what_is_missing_is_trained(runs, tmp_path, capsys):
    shutil.rmtree(runs / "any1")
    out = tmp_path / "out"
    cell = cell_of(out, "--runs", runs, "--train")
    assert "  a row, seed 1: train" in capsys.readouterr().err
    assert [path.name for path in (out / "runs").iterdir() if (path / "run.json").exists()] == ["tiny-seed1"]
    assert list(cell["details"]["values"]) == ["0", "1"] and cell["details"]["epochs"] == [1, 1]


@pytest.mark.parametrize("options", [("--runs", "nowhere"), ("--seeds",), ("--seeds", "one")])
def test_wrong_options_are_a_wrong_command_line(options, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(table_of(ERROR), list(options))
    assert stopped.value.code == 2 and "usage" in capsys.readouterr().err


def test_a_table_of_one_training_has_no_seeds(capsys):
    with pytest.raises(SystemExit):
        main(table_of(ERROR, seeds=()), ["--help"])
    out = capsys.readouterr().out
    assert "--seed S" in out and "--seeds" not in out and "--runs" not in out
