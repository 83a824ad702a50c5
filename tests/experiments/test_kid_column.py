"""The columns of the kernel and the Frechet distance: their standard errors, and what a report says of them."""

from types import SimpleNamespace

import numpy as np
import pytest

from green_vae.experiments import Reference, Row, Table, columns
from green_vae.experiments.bench import Bench
from green_vae.experiments.report import remarks
from green_vae.experiments.run import Run
from green_vae.experiments.spec import Settings
from green_vae.metrics import Moments, fid_of_moments
from green_vae.metrics.kid import squared_mmd

N = 200


def features(rng, of):
    return rng.standard_normal((N, 4)) + 0.8 * (of == "ours")


def test_the_deviation_over_halves_is_the_standard_error():
    """Of the same distance over other draws of both sides, 200 of them."""
    rng = np.random.default_rng(0)
    again = np.std([squared_mmd(features(rng, "ours"), features(rng, "theirs")) for _ in range(200)])
    told = []
    for seed in range(8):
        ours, theirs = ({"f": SimpleNamespace(features=features(rng, of))} for of in ("ours", "theirs"))
        bench = SimpleNamespace(
            layer_name=str, reference_moments=theirs, protocol=lambda layer: SimpleNamespace(label="FID~")
        )
        run = SimpleNamespace(bench=bench, moments={"prior": ours}.get, settings=Settings(seed=seed))
        label, mean, deviation = columns.kid_x1e3(run, "prior", "f")
        assert label == "KID~" and mean == pytest.approx(
            1000 * squared_mmd(ours["f"].features, theirs["f"].features), rel=0.05
        )
        told.append(deviation / 1000)
    assert np.mean(told) == pytest.approx(again, rel=0.25)


@pytest.mark.parametrize(("n", "error"), [(500, 0.2), (501, 0.2), (2_000, 0.2), (5_000, 0.1)])
def test_smaller_subsets_than_halves_vary_more_than_the_distance(n, error, monkeypatch):
    """By the delete-d jackknife, whose factor is m / (n - m) for subsets of m."""
    monkeypatch.setattr(columns.metrics, "kid_from_features", lambda *sides, subset_size, seed: (1.0, 0.2))
    side = {"f": SimpleNamespace(features=np.zeros((n, 4)))}
    bench = SimpleNamespace(layer_name=str, reference_moments=side, protocol=lambda layer: SimpleNamespace(label="FID"))
    run = SimpleNamespace(bench=bench, moments=lambda kind: side, settings=Settings())
    assert columns.kid_x1e3(run, "prior", "f") == ("KID", 1_000, pytest.approx(1_000 * error, rel=0.01))


def test_the_cell_of_generated_images(tmp_path):
    column = columns.kid("kid_x1e3", "prior", "KID x 1000")
    row = Row("only", {"kid_x1e3": None}, preset="review/mlp-cifar10")
    table = Table("few", "Few", "nobody", (column,), (row,), Reference("digits", n=24))
    run = Run(Bench(table, Settings(out=tmp_path, smoke=True)), row)
    run.prepared = True
    found = column.measure(run)
    assert (found.images, found.reference_images, found.label) == (24, 24, "KID@tiny")
    assert found.made == "samples from N(0, I)" and found.remark.startswith("standard error ")
    assert column.identity(run)["quantity"] == "kid" and column.identity(run)["n"] == 24


def test_a_frechet_distance_of_more_images_than_features_has_its_standard_error(tmp_path):
    column = columns.fid("fid", "prior", "FID")
    table = Table("few", "Few", "nobody", (column,), (), Reference("digits", n=24))
    run = Run(Bench(table, Settings(out=tmp_path, smoke=True)), Row("only", {}, preset="review/mlp-cifar10"))
    run.prepared = True
    rng, protocol = np.random.default_rng(0), run.bench.protocol("tiny")
    ours, theirs = (Moments(64, protocol, keep=100).update(rng.standard_normal((100, 64)) + mean) for mean in (0, 2))
    run.moments, run.bench.reference_moments = {"prior": {"tiny": ours}}.get, {"tiny": theirs}
    found = column.measure(run)
    assert found.value == pytest.approx(4 * 64, rel=0.2) and found.spread == fid_of_moments(ours, theirs).error
    # 2 |m1 - m2| / sqrt(n), in standard deviations along the shift, is the larger part of it
    assert found.spread == pytest.approx(2 * 2 * 8 / 10, rel=0.5)
    cell = {"value": found.value, "remark": "", "details": {"spread": found.spread}}
    assert [*remarks({"rows": {"only": {"fid": cell}}}, [column])] == [f"± {column.spread}"]
    several = {**cell, "details": {**cell["details"], "values": {"0": 1.0}}}
    assert not [*remarks({"rows": {"only": {"fid": several}}}, [column])]
