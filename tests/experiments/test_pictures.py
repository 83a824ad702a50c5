"""No picture that is committed is older than what it shows."""

import json

import pytest
from experiment_tables import GALLERIES, ROOT, TABLES
from PIL import Image

from green_vae.cards import cards
from green_vae.experiments.report import chart
from green_vae.plots import source_of

RESULTS = ROOT / "results"


def report_of(name):
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


@pytest.mark.parametrize("name", TABLES)
def test_a_chart_shows_the_numbers_of_its_report(name):
    """`python reproduce/<table>.py --update --columns NAME` draws it anew."""
    report = report_of(name)
    if not report:
        pytest.skip("this table has no recorded report")
    in_all = set.intersection(*(set(cells) for cells in report["rows"].values()))
    for column in TABLES[name].columns:
        path = RESULTS / name / f"{column.name}.png"
        shown = chart(TABLES[name], report, column) if column.name in in_all else None
        if shown is None:
            assert not path.exists(), f"{path} is of no number"
        else:
            assert source_of(path) == shown["source"], f"{path} is older than {name}.json"
            assert path.with_suffix(".svg").exists()


def test_every_chart_has_an_svg_beside_it():
    """What matplotlib drew, as the PNG itself tells; grids of images hold pixels and nothing else."""
    charts = []
    for path in RESULTS.glob("*/*.png"):
        with Image.open(path) as picture:
            charts += [path] if "Matplotlib" in picture.info.get("Software", "") else []
    assert len(charts) > 100 and not [path for path in charts if not path.with_suffix(".svg").exists()]


@pytest.mark.parametrize("name", GALLERIES)
def test_a_figure_is_of_the_weights_that_ship(name):
    known = cards()
    for figure, entry in report_of(name).get("figures", {}).items():
        told = entry["details"]
        if entry["picture"] and told.get("shipped"):
            assert told["weights"] == known[told["preset"]]["trained"]["weights"], f"{figure} is of older weights"
