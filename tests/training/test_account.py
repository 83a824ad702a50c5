"""The ledger's lines of trainings and tables."""

import dataclasses
import importlib
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from experiment_tables import TABLES, TINY

from green_vae import cost
from green_vae.cost import Energy, total
from green_vae.experiments import main
from green_vae.experiments.bench import Bench
from green_vae.experiments.run import Run
from green_vae.experiments.spec import Cell, Settings
from green_vae.training import account
from green_vae.utils import ledger


def energy(gross, seconds=2.0, idle=1.0):
    return Energy(gross, seconds, "measured", "gpu + dram", "", idle, {"gpu": 0.75 * gross, "dram": 0.25 * gross})


def test_the_sum_of_epochs():
    summed = total([energy(10.0), energy(30.0, 4.0)])
    assert (summed.gross_joules, summed.seconds, summed.parts) == (40.0, 6.0, {"gpu": 30.0, "dram": 10.0})
    assert summed.joules == 40.0 - 6.0
    unknown = total([energy(10.0), Energy(None, 3.0, "unavailable", detail="gone", idle_watts=1.0)])
    assert (unknown.source, unknown.joules, unknown.seconds, unknown.detail) == ("unavailable", None, 5.0, "gone")
    with pytest.raises(ValueError, match="one baseline. Received"):
        total([energy(1.0), energy(1.0, idle=None)])
    with pytest.raises(ValueError, match="Received: 0 blocks"):
        total([])


@pytest.fixture
def trainable(tmp_path, monkeypatch):
    """A run of a tiny network on digits that is allowed to train, and is no smoke test."""
    small = dataclasses.replace(TINY, name="svae/mnist-mini")
    monkeypatch.setattr("green_vae.experiments.trained.presets.preset", lambda name: small)
    monkeypatch.setattr(account, "idle", lambda: (None, ""))

    def make(epochs):
        table = TABLES["svae_table1"]
        row = next(row for row in table.rows if row.name == "SVAE mini")
        settings = Settings(out=tmp_path, train=True, epochs=epochs, limit_train=40)
        bench = Bench(table, settings)
        return Run(bench, row)

    return make, tmp_path / "ledger.jsonl"


def test_a_training_leaves_a_line_that_adds_up(trainable):
    make, path = trainable
    first = make(1)
    first.prepare()
    second = make(3)
    second.prepare()
    third = make(3)  # nothing left to do
    third.prepare()
    lines = ledger.read(path)
    assert [line["kind"] for line in lines] == ["train", "train"]
    per_image = cost.training_flops(first.model, 8).per_image
    for line, epochs, done in zip(lines, (1, 2), (1, 3), strict=True):
        assert line["preset"] == "svae/mnist-mini" and line["data"] == "digits, 40 images"
        assert line["flops"] == pytest.approx(per_image * 40 * epochs)
        assert line["quality"]["epochs"] == done
        assert line["device"] == cost.device_name() and line["seconds"] > 0
        assert line["energy"]["source"] in ("measured", "estimated", "unavailable")
        assert line["energy"]["kwh"] != 0
    history = json.loads((second.folder / "history.json").read_text())
    assert all(epoch["flops"] == pytest.approx(per_image * 40) for epoch in history)
    assert lines[1]["seconds"] == pytest.approx(sum(epoch["seconds"] for epoch in history[1:]), abs=2e-3)
    assert lines[1]["quality"]["loss"] == history[-1]["loss"]


def test_what_an_interrupted_training_has_cost_is_entered(trainable, monkeypatch):
    make, path = trainable
    run = make(5)

    class Stop(account.EnergyLog):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt
            super().on_epoch_begin(epoch, logs)

    module = importlib.import_module("green_vae.presets.train")  # the package's name is the function
    monkeypatch.setattr(module, "energy_log", lambda *args, **kwargs: Stop(cost.EnergyMeter))
    with pytest.raises(KeyboardInterrupt):
        run.prepare()
    (line,) = ledger.read(path)
    assert line["quality"]["epochs"] == 2


def test_a_table_enters_what_it_measured_and_only_that(tmp_path, monkeypatch):
    monkeypatch.setattr(account, "idle", lambda: (None, ""))
    table, settings = TABLES["svae_table1"], Settings(out=tmp_path)
    cells = {
        "a": {"fid": Cell(3.0, identity="x"), "params": Cell(7.0), "mse": Cell(1.0, identity="y", recorded=True)},
        "b": {"params": Cell(8.0)},
    }
    account.enter_table(table, settings, cells, Energy(None, 1.5, "unavailable", detail="none here"))
    (line,) = ledger.read(tmp_path / "ledger.jsonl")
    assert (line["kind"], line["quality"], line["seconds"]) == ("table", {"a": {"fid": 3.0}}, 1.5)
    assert line["energy"]["kwh"] is None and line["energy"]["detail"] == "none here"
    account.enter_table(table, settings, {"b": cells["b"]}, Energy(None, 1.5, "unavailable"))
    assert len(ledger.read(tmp_path / "ledger.jsonl")) == 1


def test_why_there_is_no_idle_power_stands_in_the_lines_of_trainings_and_tables(tmp_path, monkeypatch):
    monkeypatch.setattr(account, "idle", lambda: (None, "others used the GPU"))
    monkeypatch.setattr(cost, "training_flops", lambda *arguments: SimpleNamespace(per_image=6, source="counted"))
    meter = account.energy_log(None, 8).meter_factory()
    assert (meter.idle_watts, meter.remark) == (None, "others used the GPU")
    metered, cells = energy(10.0, idle=None), {"a": {"fid": Cell(3.0, identity="x")}}
    for detail in ("NVML", ""):
        said = dataclasses.replace(metered, detail=detail)
        account.enter_table(TABLES["svae_table1"], Settings(out=tmp_path), cells, said)
    first, second = (line["energy"] for line in ledger.read(tmp_path / "ledger.jsonl"))
    assert (first["joules"], first["detail"]) == (10.0, "NVML; others used the GPU")
    assert second["detail"] == "others used the GPU"


def test_a_smoke_test_enters_nothing(tmp_path):
    arguments = ["--smoke", "--rows", "SVAE mini", "--columns", "fid_gen", "--out", str(tmp_path)]
    assert main(TABLES["svae_table1"], arguments) == 0
    report = json.loads((tmp_path / "svae_table1.json").read_text())
    assert math.isfinite(report["rows"]["SVAE mini"]["fid_gen"]["value"])
    assert not (tmp_path / "ledger.jsonl").exists()
    assert np.isfinite(report["rows"]["SVAE mini"]["fid_gen"]["details"]["seconds"])


def test_fault_6_a_part_that_only_some_epochs_measured():
    without = Energy(6.0, 2.0, "estimated", "gpu", "no dram", 1.0, {"gpu": 6.0})
    summed = total([energy(10.0), without, energy(10.0)])
    assert summed.parts == {"gpu": 7.5 + 6.0 + 7.5, "dram": 5.0} and summed.gross_joules == 26.0
    assert (summed.scope, summed.source) == ("gpu + dram (2 of 3 blocks)", "estimated")
    assert "no dram" in summed.detail and summed.joules == 26.0 - 6.0
    assert total([without, energy(10.0)]).parts == {"gpu": 13.5, "dram": 2.5}
