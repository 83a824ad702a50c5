"""The scripts of cost: which points they draw, from made reports and ledgers; the frontier; what is measured once."""

import dataclasses
import itertools
import json
import re

import numpy as np
import pytest
from experiment_tables import MODULES, hide_data, read_report
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import stats

from green_vae import plots, presets
from green_vae.cost import Energy, forward_energy
from green_vae.cost.dissect import LayerTime
from green_vae.experiments import timing
from green_vae.experiments.gallery import main
from green_vae.experiments.papers.survey import OURS, TABLE2, TABLE3, TABLE5
from green_vae.experiments.smoke import shrink
from green_vae.experiments.spec import Cell, Settings
from green_vae.utils import ledger

FRONTIER, FIGURE10, DISSECTION = (MODULES[name] for name in ("green_frontier", "survey_figure10", "green_dissection"))
Point, frontier = FRONTIER.Point, FRONTIER.frontier
CNN, RESNET = "CNN-b128-l128", "Resnet-s4-b48-l128"


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch, tmp_path):
    hide_data(monkeypatch, tmp_path)


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def entries(module, out, *options):
    gallery = module.GALLERY
    assert main(gallery, [*options, "--out", str(out)]) == 0
    return read_report(out / f"{gallery.name}.json")["figures"]


def report(out, table, rows):
    """A made report; rows: row -> column -> `Cell`, what is left out was not run."""
    names = {*FRONTIER.QUALITIES, *(name for cells in rows.values() for name in cells)}
    full = {row: {name: dataclasses.asdict(cells.get(name, Cell())) for name in names} for row, cells in rows.items()}
    (out / f"{table}.json").write_text(json.dumps({"smoke": False, "rows": full}))


# the frontier

POINTS = st.lists(st.builds(Point, st.text("abc"), st.integers(1, 9), st.integers(1, 9), st.just("")), max_size=12)


@given(POINTS)
def test_nothing_beats_what_is_on_the_frontier(points):
    best = frontier(points)
    assert set(best) <= set(points) and bool(best) == bool(points)
    for point in best:
        assert not any(other.cost < point.cost and other.quality <= point.quality for other in points)
        assert not any(other.cost <= point.cost and other.quality < point.quality for other in points)


@given(POINTS)
def test_everything_else_is_beaten_by_the_frontier(points):
    best = frontier(points)
    for point in set(points) - set(best):
        assert any(one.cost <= point.cost and one.quality <= point.quality and one[1:3] != point[1:3] for one in best)


@given(POINTS)
def test_the_frontier_falls_and_stays(points):
    best = frontier(points)
    pairs = list(dict.fromkeys(point[1:3] for point in best))
    assert pairs == sorted(pairs) and [quality for _, quality in pairs] == sorted((q for _, q in pairs), reverse=True)
    assert frontier(best) == best
    assert sorted(frontier(points[::-1])) == sorted(best)


def test_frontier_of_hand():
    points = [Point(name, *pair, "") for name, pair in {"a": (2, 5), "b": (1, 9), "c": (2, 6), "d": (5, 1)}.items()]
    assert [point.row for point in frontier(points)] == ["b", "a", "d"]
    twin = [Point("y", 1, 1, ""), Point("x", 1, 1, "")]
    assert [point.row for point in frontier(twin)] == ["x", "y"]


# the published points


def test_every_printed_row_is_a_point():
    for dataset, table in (("cifar10", TABLE2), ("celeba", TABLE3)):
        for quality in FRONTIER.QUALITIES:
            points = list(FRONTIER.published(dataset, "flops", quality))
            printed = {row: (numbers["flops_m"], numbers.get(quality)) for row, numbers in table.items()}
            assert {p.row: (p.cost, p.quality) for p in points} == ({} if quality in OURS else printed)
            assert not list(FRONTIER.published(dataset, "energy", quality))
    forward = {point.row: point.cost for point in FRONTIER.published("cifar10", "forward", "fid_gmm")}
    assert forward == {row: numbers["bs100_s"] for row, numbers in TABLE5.items()}
    assert "NVAE-z10-b100-l4" not in forward


def test_published_frontier_of_flops_and_generated_images(out):
    sentence = entries(FRONTIER, out, "--figures", "cifar10-flops")["cifar10-flops"]["sentence"]
    assert "FID GEN1: HFVAE-s4-z4-l48, HFVAE-s4-z12-l64; " in sentence
    assert "Ours: not run: `python reproduce/survey_table2.py --train --rows CNN-b128-l128`" in sentence


def test_what_nobody_knows_says_how_to_know(out):
    found = entries(FRONTIER, out)
    for name, entry in found.items():
        unknown = name.endswith(("energy", "training"))
        assert bool(entry["picture"]) != unknown
        assert not unknown or "the ledger holds no such training" in entry["reason"]
        assert not unknown or "python reproduce/survey_table" in entry["reason"]


# ours


def details(preset="survey/cnn-b128-l128", epochs=3, images=500):
    return {"preset": preset, "dataset": "cifar10", "epochs": epochs, "recipe_epochs": 150, "train_images": images}


def line(epochs, seconds=10.0, kwh=0.5, **changes):
    """A line of a ledger."""
    fields = {
        "time": "2026-03-02T10:00:00+00:00",
        "kind": "train",
        "preset": "survey/cnn-b128-l128",
        "data": "cifar10, 500 images",
        "device": "a chip",
        "seconds": seconds,
        "energy": {"kwh": kwh, "source": "unavailable" if kwh is None else "measured"},
        "quality": {"epochs": epochs},
    }
    return fields | changes


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], {}),
        ([line(3)], {"training": 10, "energy": 0.5, "source": "measured", "device": "a chip"}),
        (
            [line(1), line(3, 5.0, 0.25)],
            {"training": 15, "energy": 0.75, "source": "measured", "device": "a chip"},
        ),  # resumed
        (
            [line(3), line(3, 7.0)],
            {"training": 7, "energy": 0.5, "source": "measured", "device": "a chip"},
        ),  # begun anew: the newest
        (
            [line(3), line(5)],
            {"training": 10, "energy": 0.5, "source": "measured", "device": "a chip"},
        ),  # went on after the measurement
        ([line(2)], {}),
        ([line(3, preset="another")], {}),
        ([line(3, data="cifar10, 50,000 images")], {}),
        ([line(3, kind="table", quality={})], {}),
        ([line(1, kwh=None), line(3)], {"training": 20, "energy": None, "source": "unavailable", "device": "a chip"}),
        (
            [line(1), line(3, energy={"kwh": 0.25, "source": "estimated"})],
            {"training": 20, "energy": 0.75, "source": "estimated", "device": "a chip"},
        ),
        (
            [line(1, device="b"), line(3)],
            {"training": 20, "energy": 1.0, "source": "measured", "device": "a chip and b"},
        ),
    ],
)
def test_what_a_training_has_cost(lines, expected):
    assert FRONTIER.trained(lines, details()) == expected


@pytest.mark.parametrize(("day", "seconds"), [("2026-03-01", None), ("2026-03-02", 10), ("2026-03-05", 7)])
def test_a_cell_has_the_costs_of_no_later_training(day, seconds):
    lines = [line(3), line(3, 7.0, time="2026-03-05T00:00:01+00:00")]
    assert FRONTIER.trained(lines, {**details(), "date": day}).get("training") == seconds


def made_results(out):
    """Table 2 with a measured row and one that was not run; Table 5; a ledger."""
    measured = {
        "params": Cell(31034755.0),
        "flops_m": Cell(2397.0),
        "mse_train_x1e3": Cell(5.5, details=details()),
        "fid_gmm": Cell(0.7, label="FID@1280", details=details()),
        "fid_rec_train": Cell(99.0, label="FID", details=details(epochs=150)),
    }
    report(out, "survey_table2", {CNN: measured, RESNET: {"params": Cell(1.0)}})
    times = {"bs100_s": Cell(70.0, reason="measured on a chip; the paper prints +- 0.1 s"), "flops_m": Cell(2397.0)}
    times["bs1_s"] = Cell(300.0, reason="measured on a chip")
    report(out, "survey_table5", {CNN: times})
    ledger.append(out / "ledger.jsonl", **line(3))


def test_our_points_stand_where_they_compare(out):
    made_results(out)
    settings = Settings(out=out)

    def ours(cost, quality):
        return [tuple(point) for point in FRONTIER.ours(settings, "cifar10", cost, quality)]

    name = f"{CNN} (3 of 150 epochs)"
    assert ours("flops", "mse_train_x1e3") == [(name, 2397.0, 5.5, "MSE x 1000 (training)")]
    assert ours("parameters", "fid_gmm") == [(name, 31034755.0, 0.7, "FID@1280 GMM")]
    rec = "FID REC (training)"
    assert ours("flops", "fid_rec_train") == [(CNN, 2397.0, 99.0, rec)]  # trained as long as the paper's
    assert ours("energy", "mse_train_x1e3") == [(name, 0.5, 5.5, "MSE x 1000 (training), a chip")]
    assert ours("training", "fid_rec_train") == []  # no training of 150 epochs in the ledger
    assert ours("forward", "mse_train_x1e3") == [(name, 70.0, 5.5, "MSE x 1000 (training), a chip")]
    assert ours("flops", "fid_gen1") == []


def test_an_estimated_energy_is_called_one(out):
    made_results(out)
    ledger.append(out / "ledger.jsonl", **line(3, energy={"kwh": 0.25, "source": "estimated"}))
    (point,) = FRONTIER.ours(Settings(out=out), "cifar10", "energy", "mse_train_x1e3")
    assert (point.cost, point.scale) == (0.25, "MSE x 1000 (training), a chip, estimated")
    (point,) = FRONTIER.ours(Settings(out=out), "cifar10", "training", "mse_train_x1e3")
    assert point.scale == "MSE x 1000 (training), a chip"  # seconds are seconds


def test_an_energy_within_its_noise_is_left_out(out):
    made_results(out)
    ledger.append(out / "ledger.jsonl", **line(3, kwh=-0.001))
    assert list(FRONTIER.ours(Settings(out=out), "cifar10", "energy", "mse_train_x1e3")) == []


def test_each_scale_has_its_own_panel(out, monkeypatch):
    made_results(out)
    seen = {}

    def scatter(path, panels, *options, **more):
        seen.update(panels)
        plots.scatter(path, panels, *options, **more)

    monkeypatch.setattr(FRONTIER, "scatter", scatter)
    entry = entries(FRONTIER, out, "--figures", "cifar10-flops")["cifar10-flops"]
    kinds = {panel: [points.name for points in both] for panel, both in seen.items()}
    assert kinds["MSE x 1000 (training)"] == ["published", "ours"] and kinds["FID GMM"] == ["published"]
    assert kinds["FID@1280 GMM"] == ["ours"]
    assert "Ours are drawn for MSE x 1000 (training); FID REC (training); FID@1280 GMM." in entry["sentence"]
    (published,) = seen["FID GMM"]
    x, y = published.line
    assert published.steps and list(x) == sorted(x) and list(y) == sorted(y, reverse=True)
    seen.clear()
    assert entries(FRONTIER, out, "--figures", "cifar10-energy")["cifar10-energy"]["picture"]
    assert list(seen) == ["MSE x 1000 (training), a chip", "FID@1280 GMM, a chip"]


def test_a_smoke_report_is_no_result(out):
    made_results(out)
    rows = json.loads((out / "survey_table2.json").read_text())["rows"]
    (out / "survey_table2.json").write_text(json.dumps({"smoke": True, "rows": rows}))
    assert list(FRONTIER.ours(Settings(out=out), "cifar10", "flops", "mse_train_x1e3")) == []


# Figure 10


def test_figure_10_of_the_paper_and_ours(out):
    entry = entries(FIGURE10, out)["figure10"]
    assert "published, GTX 1060, i7-7700K: Spearman +0.08 over 8 rows" in entry["sentence"]
    assert "Ours: not run: `python reproduce/survey_table5.py`" in entry["sentence"]
    seconds = {CNN: (2397.0, 30.0), RESNET: (1431.0, 20.0), "Resnet-s4-b64-l64": (2539.0, 10.0)}
    rows = {
        row: {"flops_m": Cell(flops), "bs1_s": Cell(time, reason="measured on a chip; and more")}
        for row, (flops, time) in seconds.items()
    }
    report(out, "survey_table5", rows | {"HFVAE-s4-z4-l48": {}})
    assert FIGURE10.ours(Settings(out=out)) == {"a chip": seconds}
    sentence = entries(FIGURE10, out)["figure10"]["sentence"]
    assert "ours, a chip: Spearman -0.50 over 3 rows" in sentence and "not run" not in sentence


def test_two_rows_have_no_rank_correlation():
    assert FIGURE10.correlation([(1, 2), (3, 4), (1, 3)]) == "too few rows for a rank correlation"


class Meter:
    """A network takes 1 J more than the one before it, the first one 1 J, and all 1 J of idle power beside it."""

    networks = itertools.count(1)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.energy = Energy(1.0 + next(self.networks), 0.1, "estimated", "cpu", "a model", idle_watts=10.0)


def test_energy_of_figure_10(out, monkeypatch):
    """Scaled to 10,000 images, recorded, and called an estimate; nothing is measured unless it is asked for."""
    assert "--figures figure10-energy --fresh` measures it" in entries(FIGURE10, out)["figure10-energy"]["reason"]
    rows = (CNN, RESNET, "HFVAE-s4-z4-l48")
    monkeypatch.setattr(FIGURE10, "TABLE5", {row: TABLE5[row] for row in rows})
    monkeypatch.setattr(FIGURE10.presets, "preset", lambda name, known=presets.preset: shrink(known(name)))
    monkeypatch.setattr(FIGURE10, "forward_energy", lambda *args, **more: forward_energy(*args, seconds=0, meter=Meter))
    sentence = entries(FIGURE10, out, "--figures", "figure10-energy", "--fresh")["figure10-energy"]["sentence"]
    assert "cores, estimated: " in sentence and sentence.endswith("Source: a model.")
    (path,) = (out / "survey_figure10").glob("energy-*.json")
    found = json.loads(path.read_text())["rows"]
    assert {row: values["joules"] for row, values in found.items()} == dict(zip(rows, (200, 400, 600), strict=True))
    monkeypatch.setattr(FIGURE10, "measured_energy", None)
    assert entries(FIGURE10, out, "--figures", "figure10-energy")["figure10-energy"]["sentence"] == sentence


def test_two_costs_that_rank_alike_are_both_the_best():
    ranks = {"params": (1, 2, 3), "traffic_mb": (10, 20, 30), "flops_m": (2, 1, 3), "bs1_s": (4, 5, 6)}
    rows = {
        row: {name: {"published": values[row], "value": None} for name, values in ranks.items()}
        | {f"bs{batch}_s": {"published": None, "value": None} for batch in (100, 10)}
        for row in range(3)
    }
    (line,) = timing.conclusions({"smoke": False, "rows": rows})
    assert line.endswith("Best: parameters and memory traffic.")


def test_processor_seconds_know_the_backend(monkeypatch):
    """What TensorFlow took is not shown for JAX; what was recorded of TensorFlow stays valid."""
    found = {}
    for backend in ("tensorflow", "jax"):
        monkeypatch.setattr(timing.keras.backend, "backend", lambda name=backend: name)
        monkeypatch.setattr(timing, "device_name", lambda: "a chip")
        found[backend] = timing.timed_on()
    assert found == {"tensorflow": {"device": "a chip"}, "jax": {"device": "a chip", "backend": "jax"}}


@given(st.lists(st.tuples(st.integers(0, 99), st.floats(0, 1)), min_size=3, max_size=9, unique_by=lambda pair: pair[0]))
@settings(deadline=None, max_examples=20)
def test_the_interval_of_a_rank_correlation(pairs):
    """Against SciPy's bootstrap of its own correlation, in another order of draws."""
    costs, times = zip(*pairs, strict=True)
    low, high = timing.interval(costs, costs)
    assert low == pytest.approx(1) and high == pytest.approx(1)
    if len(set(times)) > 1:
        low, high = timing.interval(costs, times)
        assert -1 - 1e-9 <= low <= high <= 1 + 1e-9
        mirrored = timing.interval([-cost for cost in costs], times)
        assert mirrored == pytest.approx((-high, -low), abs=1e-9)


def test_the_interval_against_scipy():
    costs, times = np.array([1.0, 2, 3, 4, 5, 6, 7, 8]), np.array([2.0, 1, 4, 3, 7, 6, 8, 5])
    drawn = stats.bootstrap(
        (costs, times), lambda a, b: stats.spearmanr(a, b).statistic, paired=True, vectorized=False,
        method="percentile", n_resamples=1_500, random_state=1,
    )  # fmt: skip
    assert timing.interval(costs, times) == pytest.approx(drawn.confidence_interval, abs=0.06)


# the dissection


@pytest.mark.slow
def test_a_device_is_measured_once(out, monkeypatch):
    calls, measure = [], DISSECTION.measure_layers
    monkeypatch.setattr(DISSECTION, "measure_layers", lambda *args, **more: calls.append(1) or measure(*args, **more))
    first = entries(DISSECTION, out, "--smoke")
    assert len(calls) == 1  # for both figures
    again = entries(DISSECTION, out, "--smoke")
    assert len(calls) == 1 and again["figure02"]["sentence"] == first["figure02"]["sentence"]
    entries(DISSECTION, out, "--smoke", "--fresh")
    assert len(calls) == 2
    monkeypatch.setattr(DISSECTION, "device_name", lambda: "another device")
    entries(DISSECTION, out, "--smoke")
    assert len(calls) == 3 and len(list((out / "green_dissection").glob("*.json"))) == 2


def test_sentences_of_the_dissection_from_made_times(out, monkeypatch):
    """Layers whose small maps take four times as long, and follow FLOPs else."""

    def measure(grid, **options):
        cost = {"float32": 1e-9, "bfloat16": 5e-10}
        times = [LayerTime(*layer, 1, 1.0, dtype) for dtype in options["dtypes"] for layer in grid]
        return [row._replace(seconds=row.flops * cost[row.dtype] * (4 if row.side < 4 else 1)) for row in times]

    monkeypatch.setattr(DISSECTION, "measure_layers", measure)
    monkeypatch.setattr(DISSECTION, "device_name", lambda: "a chip")
    found = entries(DISSECTION, out, "--smoke")
    assert found["figure01"]["sentence"].startswith(
        "a chip: within layers of the same kernel and FLOPs the slowest takes up to 4.0 times as long as the fastest."
    )
    assert all(f"{model} " in found["figure02"]["sentence"] for model in ("plain", "alpha", "roofline", "sum"))
    assert "of 8 layers" in found["figure02"]["sentence"]
    assert "2.00 times faster in bfloat16 in the middle, 2.00 to 2.00 times" in found["figure03"]["sentence"]
    rates = re.search(r"have (\d+) GFLOPs per second in float32 and (\d+) in", found["figure03"]["sentence"]).groups()
    assert int(rates[1]) == pytest.approx(2 * int(rates[0]), abs=1.01)


# the plot


def test_scatter_draws_points_labels_and_lines(tmp_path):
    path = tmp_path / "scatter.png"
    points = plots.Points("kind", (1, 10), (2.0, 1.0), ("a", "b"), "#ff0000", line=((1, 10), (2, 1)), steps=True)
    plots.scatter(path, {"one": [points], "two": [points._replace(labels=(), line=None)]}, "title", "x", log="xy")
    with Image.open(path) as image:
        assert image.format == "PNG" and image.size == (1200, 456)
        red = sum(count for count, colour in image.convert("RGB").getcolors(1 << 24) if colour == (255, 0, 0))
    assert red > 200


@pytest.mark.parametrize(
    ("x", "y", "labels", "log", "words"),
    [
        ((), (), (), "", "no point to draw"),
        ((1,), (1, 2), (), "", r"lengths \[1, 2\] in 'a'"),
        ((1, 2), (1, 2), ("a",), "", r"lengths \[1, 2\]"),
        ((0, 1), (1, 1), (), "x", r"the x axis .*\[0.0, 1.0\]"),
        ((1,), (float("nan"),), (), "", "the y axis .*nan"),
    ],
)
def test_scatter_refuses_what_it_cannot_show(x, y, labels, log, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        plots.scatter(tmp_path / "scatter.png", {"a": [plots.Points("", x, y, labels)]}, log=log)
    assert not list(tmp_path.glob("*.png"))
