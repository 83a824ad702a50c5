"""Reports from hand-made cells: the Markdown page and the terminal to the letter, CSV, JSON and LaTeX."""

import csv
import dataclasses
import json
from importlib.metadata import version

import pytest
from experiment_tables import ROOT, read_report

from green_vae.experiments import Cell, Column, Reference, Row, Table
from green_vae.experiments import report as report_module
from green_vae.experiments.cli import FORMATS
from green_vae.experiments.columns import NO_ERROR
from green_vae.experiments.report import draw, markdown, remarks, write_markdown
from green_vae.experiments.terminal import show

OLDER_RICH = int(version("rich").partition(".")[0]) < 15
COLUMNS = (
    Column("params", "params", None, format="{:,.0f}"),
    Column("fid", "FID GEN", None, tolerance=0.1),
)
ROWS = (*(Row(name, {"params": 1, "fid": 1}) for name in ("CNN", "a|b")), Row("third", {"fid": 1}))
TABLE = Table("hand", "By hand", "Nobody, Table 1", COLUMNS, ROWS, Reference("cifar10"), notes=("A note.",))
HOW = {
    "command": "python reproduce/hand.py",
    "date": "2024-01-02",
    "commit": "0123456789abcdef0123456789abcdef01234567-dirty",
    "versions": {"green_vae": "0.1", "keras": "3"},
    "seed": 0,
    "images": 10000,
    "reference_images": None,
}
CELLS = {
    "CNN": (
        Cell(31034755.0, 31034755, "exact"),
        Cell(
            123.456,
            96.2,
            "not comparable",
            "FID@1280",
            "another scale",
            "KID@1280 x 1000 = 5.0 +- 0.1",
            "y",
            {**HOW, "seed": 1},
            True,
        ),
    ),
    "a|b": (
        Cell(28.0, 30, "differs", reason="two\nlines"),
        Cell(None, 90.0, reason="another scale"),
    ),
    "third": (
        Cell(None, None, reason="nothing printed"),
        Cell(99.04, 96.2, "reproduced", "FID", identity="x", details=HOW),
    ),
}
REPORT = {
    "reference": {"dataset": "cifar10", "split": "test", "n": 10000},
    "smoke": False,
    "rows": {
        row: {
            column.name: {**dataclasses.asdict(cell), "difference": cell.difference}
            for column, cell in zip(COLUMNS, cells, strict=True)
        }
        for row, cells in CELLS.items()
    },
}
PAGE = """\
# By hand

Source of the published numbers: Nobody, Table 1.
Reference images: the first 10,000 of cifar10, test split.

|  |  | params | FID GEN |
| --- | --- | ---: | ---: |
| **CNN** | published | 31,034,755 | 96.2 |
|  | ours | 31,034,755 | 123.5 FID@1280 (recorded) |
|  | difference | 0 | - |
|  | verdict | exact | not comparable [1] |
| **a\\|b** | published | 30 | 90.0 |
|  | ours | 28 | - |
|  | difference | -2 | - |
|  | verdict | differs [2] | not run [1] |
| **third** | published | - | 96.2 |
|  | ours | - | 99.0 |
|  | difference | - | +2.8 |
|  | verdict | not run [3] | reproduced |

[1] another scale\x20\x20
[2] two
lines\x20\x20
[3] nothing printed\x20\x20

## Notes

* A note.

## Details of single numbers

* CNN: FID GEN: KID@1280 x 1000 = 5.0 +- 0.1

## How these numbers were measured

* FID GEN of CNN: 2024-01-02, `python reproduce/hand.py`, commit 0123456789-dirty, seed 1, 10,000 images, versions 1.
* FID GEN of third: 2024-01-02, `python reproduce/hand.py`, commit 0123456789-dirty, seed 0, 10,000 images, versions 1.
* Versions 1: green_vae 0.1, keras 3.
"""


def test_the_markdown_page(tmp_path):
    assert markdown(TABLE, REPORT) == PAGE
    assert write_markdown(TABLE, REPORT, tmp_path) == tmp_path / "hand.md"
    assert (tmp_path / "hand.md").read_text(encoding="utf-8") == PAGE


def test_a_smoke_test_is_called_one():
    page = markdown(TABLE, {**REPORT, "smoke": True})
    assert "**Smoke test: tiny networks on embedded digits; the numbers mean nothing.**" in page
    assert "Smoke test" not in PAGE


def shown(capsys, *arguments, **options):
    show(TABLE, REPORT, *arguments, **options)
    return capsys.readouterr().out


@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_terminal_has_one_line_for_a_row(width, capsys):
    lines = [line.rstrip() for line in shown(capsys, width=width).splitlines()]
    if OLDER_RICH:  # leaves wider gaps
        assert lines[4].split() == "CNN 31,034,755 = 96.2 → 123.5 FID@1280 ?r [2]".split()
        return
    assert lines[:8] == [
        "By hand",
        "Nobody, Table 1",
        "",
        "                   params                       FID GEN",
        "CNN          31,034,755 =  96.2 → 123.5 FID@1280 ?r [2]",
        "a|b    30 → 28 (-2) ≠ [1]                  90.0 → - [2]",
        "third                   -          96.2 → 99.0 (+2.8) ≈",
        "",
    ]
    text = " ".join(lines[8:])
    assert "= equal, ≈ within the tolerance, ≠ outside of it, ? not comparable; r recorded earlier" in text
    assert "[1] two lines [2] another scale" in text and "nothing printed" not in text  # nothing is missing there
    assert "A note" not in text


def test_columns_that_do_not_fit_come_below(capsys):
    lines = [line.rstrip() for line in shown(capsys, width=40).splitlines()]
    first, second = (next(i for i, line in enumerate(lines) if line.endswith(name)) for name in ("params", "FID GEN"))
    assert lines[first + 1].split() == ["CNN", "31,034,755", "="] and second == first + 5
    assert lines[second + 1].split() == "CNN 96.2 → 123.5 FID@1280 ?r [2]".split()
    assert all(len(line) <= 40 for line in lines)


def test_no_cell_is_cut_however_long_the_titles(capsys):
    titles = ("params", "MFLOPs", "MSE x 1000 (training)", "MSE x 1000 (test)", "FID REC (training)", "FID GEN1")
    cells = (
        Cell(16179363.0, 16179363, "exact"),
        Cell(1431.0, 1431, "exact"),
        Cell(None, 1.5, reason="none"),
        Cell(None, None, reason="none"),
        Cell(None, 37.2, reason="none"),
        Cell(None, 110.0, reason="none"),
    )
    columns = tuple(Column(f"c{i}", title, None, format="{:,.1f}") for i, title in enumerate(titles))
    row = {f"c{i}": {**dataclasses.asdict(cell), "difference": None} for i, cell in enumerate(cells)}
    rows = (Row("Resnet-s4-b48-l128", {name: 1 for name in row}),)
    table = Table("hand", "By hand", "Nobody", columns, rows, TABLE.reference)
    for width in range(44, 140, 4):
        show(table, {**REPORT, "rows": {rows[0].name: row}}, width=width)
        text = capsys.readouterr().out
        for whole in ("16,179,363.0 =", "1,431.0 =", "1.5 → - [1]", "37.2 → - [1]", "110.0 → - [1]", "(test)", "GEN1"):
            assert whole in text, width
        assert text.count("(training)") == 2 and all(len(line.rstrip()) <= width for line in text.splitlines())


def test_the_long_form_shows_every_cell(capsys):
    text = shown(capsys, form="long")
    for part in ("By hand", "Nobody, Table 1", "CNN", "a|b", "third", "31,034,755", "exact", "reproduced", "+2.8"):
        assert part in text
    assert "123.5 FID@1280 (recorded)" in text and "not comparable [1]" in text
    assert "[1] another scale" in text and "[3] nothing printed" in text
    assert "* CNN: FID GEN: KID@1280 x 1000 = 5.0 +- 0.1" in text and "* A note." in text


@pytest.mark.parametrize("label", ["FID~", "FID~@2048", "FID(ttur)", "FID@tiny"])
def test_a_label_stands_beside_its_number(label, capsys):
    cell = {**REPORT["rows"]["third"]["fid"], "label": label}
    report = {**REPORT, "rows": {"third": {**REPORT["rows"]["third"], "fid": cell}}}
    for form in ("table", "long"):
        show(TABLE, report, form=form)
        assert f"99.0 {label}" in capsys.readouterr().out
    assert f"| 99.0 {label} |" in markdown(TABLE, report)


def test_rows_and_columns_restrict_every_form(capsys):
    for form in FORMATS:
        text = shown(capsys, ["third"], ["fid"], form)
        assert "99.0" in text and "CNN" not in text and "params" not in text and "KID" not in text
        assert "another scale" not in text


def test_csv_has_a_line_for_every_cell(capsys):
    lines = list(csv.DictReader(shown(capsys, form="csv").splitlines()))
    assert len(lines) == 6
    assert lines[1] == {
        **{"row": "CNN", "column": "fid", "published": "96.2", "ours": "123.456", "label": "FID@1280"},
        **{"difference": "", "verdict": "not comparable", "recorded": "True", "reason": "another scale"},
    }


def test_json_is_the_cells_of_the_report(capsys):
    assert json.loads(shown(capsys, form="json")) == REPORT["rows"]


def test_latex_escapes_what_it_must(capsys):
    report = {**REPORT, "rows": {"50 % of a_b": REPORT["rows"]["CNN"]}}
    show(TABLE, report, form="latex")
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == r"\begin{tabular}{llrr}" and lines[-1] == r"\end{tabular}"
    assert r"50 \% of a\_b & published & 31,034,755 & 96.2 \\" in lines
    assert r" & ours & 31,034,755 & 123.5 FID@1280 \\" in lines


@pytest.mark.parametrize("width", [40, 60, 80])
def test_counts_stay_whole_on_a_narrow_terminal(width, capsys):
    assert "31,034,755" in shown(capsys, width=width)
    assert "31,034,755" in shown(capsys, width=width, form="long")


@pytest.mark.parametrize(
    ("cell", "difference"),
    [
        (Cell(3.0, 2.0, "differs"), 1.0),
        (Cell(3.0, 2.0, "not comparable", "FID"), 1.0),
        (Cell(3.0, 2.0, "not comparable", "FID~"), None),
        (Cell(3.0, 2.0, "not comparable", "FID(ttur)"), None),
        (Cell(3.0, 2.0, "not comparable", "KID"), None),
        (Cell(3.0, 2.0, "not comparable", "FID@768"), None),
        (Cell(3.0, 2.0, "smoke"), None),
        (Cell(None, 2.0), None),
        (Cell(3.0, None, "measured"), None),
    ],
)
def test_difference_of_what_is_on_one_scale(cell, difference):
    assert cell.difference == difference


def drawable(label):
    """A report of one measured column with two values of the kind `label`."""
    cells = {"a": Cell(5.0, 4.0, label=label, details={"protocol": "P"}), "b": Cell(6.0, None, label=label)}
    rows = {name: {"fid": {**dataclasses.asdict(cell), "difference": cell.difference}} for name, cell in cells.items()}
    column = Column("fid", "FID", None, identity=lambda run: {})
    return Table("t", "T", "S", (column,), (Row("a"), Row("b")), Reference("cifar10")), {"rows": rows}


@pytest.mark.parametrize(
    ("label", "published"), [("FID", [4.0, None]), ("FID~", [None, None]), ("FID@1280", [None, None])]
)
def test_dots_stand_beside_published_ones_on_one_scale_only(label, published, tmp_path, monkeypatch):
    table, report = drawable(label)
    drawn = []
    monkeypatch.setattr(report_module, "dots", lambda path, **shown: drawn.append((path, shown)))
    draw(table, report, tmp_path)
    ((path, shown),) = drawn
    assert path == tmp_path / "t" / "fid.png" and len(shown.pop("source")) == 64
    assert shown == {
        "labels": ["a", "b"],
        "published": published,
        "ours": [5.0, 6.0],
        "spread": [None, None],
        "title": "T: FID",
        "x_label": label,
    }


def test_dots_leave_out_rows_with_neither_number():
    table, report = drawable("FID")
    report["rows"] |= {name: {"fid": {**dataclasses.asdict(cell), "difference": None}} for name, cell in
                       {"printed": Cell(None, 7.0), "nothing": Cell()}.items()}  # fmt: skip
    shown = report_module.chart(table, report, table.columns[0])
    assert shown["labels"] == ["a", "b", "printed"]
    assert (shown["published"], shown["ours"]) == ([4.0, None, 7.0], [5.0, 6.0, None])
    report["rows"]["a"]["fid"]["value"] = 5.1
    assert report_module.chart(table, report, table.columns[0])["source"] != shown["source"]


def test_published_numbers_of_another_scale_make_no_row():
    table, report = drawable("FID~")
    report["rows"]["published"] = {"fid": {**dataclasses.asdict(Cell(None, 7.0)), "difference": None}}
    assert report_module.chart(table, report, table.columns[0])["labels"] == ["a", "b"]


def test_one_value_is_no_picture(tmp_path):
    table, report = drawable("FID~")
    report["rows"]["b"]["fid"]["value"] = None
    draw(table, report, tmp_path)
    assert not list(tmp_path.rglob("*.png"))


def test_protocols_are_named_once():
    table, report = drawable("FID~")
    report["rows"]["b"]["fid"]["details"] = {"protocol": "P"}
    assert list(remarks(report, table.columns)) == ["P"]
    assert list(remarks(report, table.columns, ["none"])) == []


def test_numbers_with_and_without_a_standard_error_are_explained():
    table, report = drawable("FID~")
    column = dataclasses.replace(table.columns[0], spread="is known", no_spread="It is not known.")
    for name in "ab":
        report["rows"][name]["fid"]["details"] = {}
    assert list(remarks(report, [column])) == ["It is not known."]
    report["rows"]["b"]["fid"]["details"] = {"spread": 0.1}
    assert list(remarks(report, [column])) == ["± is known", "It is not known."]
    report["rows"]["a"]["fid"]["details"] = {"values": {"0": 5.0}}  # of seeds, which have a note of their own
    assert list(remarks(report, [column])) == ["± is known"]
    report["rows"]["b"]["fid"] |= {"value": None, "details": {}}
    assert list(remarks(report, [column])) == []


def test_typical_standard_errors_are_those_that_are_recorded():
    """0.7 to 1.6 % of distances of 1,000 and 2,000 generated images, 0.3 to 0.9 % of those of 10,000 images."""

    def shares(name, columns, images):
        report = read_report(ROOT / f"results/{name}.json")
        cells = [(row, cells[column]) for row, cells in report["rows"].items() for column in columns]
        return [
            cell["details"]["spread"] / cell["value"]
            for row, cell in cells
            if cell["details"].get("spread") and cell["details"]["images"] in images and "input of" not in row
        ]

    few = shares("survey_fid", ("fid_svae", "fid_resnet"), (1_000, 2_000))
    many = shares("svae_table2", ("fid", "fid_1280", "fid_768"), (10_000,))
    many += shares("svae_table3", ("fid_gen_x2", "fid_gen_mix", "fid_gmm"), (10_000,))
    assert len(few) >= 24 and len(many) >= 21
    assert [f"{100 * bound:.1f}" for own in (few, many) for bound in (min(own), max(own))] == "0.7 1.6 0.3 0.9".split()
    assert "0.7 to 1.6 %" in NO_ERROR and "0.3 to 0.9 %" in NO_ERROR


def test_a_way_that_all_rows_share_is_told_once_for_all_columns():
    def cell(made):
        return {**dataclasses.asdict(Cell(1.0, details={"made": made} if made else {})), "difference": None}

    columns = [Column(name, name.upper(), None) for name in ("a", "b", "c")]
    rows = {"one": ("x", "x", "x"), "two": ("x", "x", "y"), "three": ("", "x", "")}
    report = {
        "rows": {row: {name: cell(made) for name, made in zip("abc", ways, strict=True)} for row, ways in rows.items()}
    }
    assert list(remarks(report, columns)) == ["A; B: x", "C (one): x", "C (two): y"]
    assert list(remarks(report, columns, ["one"])) == ["A; B; C: x"]
