"""Reports as HTML pages: every recorded number and verdict, hostile texts, the index, the commands."""

import dataclasses
import json
import re

import pytest
from experiment_tables import GALLERIES, ROOT, TABLES, Counted, hide_data, read_report, small_table
from html_pages import Page, check
from hypothesis import given, settings
from hypothesis import strategies as st

from green_vae.experiments import Cell, Column, Reference, Row, Table, html_cells, html_report, main, overview
from green_vae.experiments.gallery import Figure, Gallery
from green_vae.experiments.provenance import BEFORE
from green_vae.plots import page as plots_page

RESULTS = ROOT / "results"
ENTRIES = {name: entry for name, entry in (TABLES | GALLERIES).items() if (RESULTS / f"{name}.json").exists()}


def numbers_in(value):
    """Every number that a value of JSON holds, however deep; what is true or false is none."""
    if isinstance(value, dict):
        return [number for part in value.values() for number in numbers_in(part)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


@pytest.fixture(scope="module")
def pages():
    """Name -> (report, page) of every recorded report, without pictures, which take most of the time."""
    reports = {name: read_report(RESULTS / f"{name}.json") for name in ENTRIES}
    return {
        name: (report, check(Page(html_report.document(ENTRIES[name], report, [])))) for name, report in reports.items()
    }


@pytest.mark.parametrize("name", ENTRIES)
def test_every_number_and_text_of_a_report_stands_on_its_page(pages, name):
    report, page = pages[name]
    told = set(page.text.replace(",", "").split())
    parts = report.get("rows") or {name: figure for name, figure in report["figures"].items() if figure["picture"]}
    assert [number for number in numbers_in(parts) if str(number) not in told] == []
    cells = [cell for row in parts.values() for cell in (row.values() if "rows" in report else [row])]
    for key in ("command", "commit", "weights", "protocol"):
        found = [cell["details"].get(key) for cell in cells]
        # a cell of several seeds has a list, one of each
        texts = {text for known in found for text in (known if isinstance(known, list) else [known]) if text}
        assert all(text in page.text for text in texts)


@pytest.mark.parametrize("name", sorted(ENTRIES.keys() & TABLES.keys()))
def test_every_cell_is_a_cell_and_every_verdict_has_its_filter(pages, name):
    report, page = pages[name]
    cells = page.all("td", **{"class": "cell"})
    assert len(cells) == len({*report["rows"], *(row.name for row in TABLES[name].rows)}) * len(TABLES[name].columns)
    verdicts = {cell["data-verdict"] for cell in cells}
    recorded = {cell["verdict"] for row in report["rows"].values() for cell in row.values()}
    assert recorded <= verdicts == {box["value"] for box in page.all("input", type="checkbox")}
    marks = {verdict: html_cells.SIGNS[verdict] for verdict in verdicts}
    assert len(set(marks.values())) == len(marks)  # not by colour alone
    heads = page.all("th", scope="col")
    assert len(heads) == len(TABLES[name].columns) + 1 and all(head["aria-sort"] == "none" for head in heads)
    assert len(page.all("th", scope="row")) * len(TABLES[name].columns) == len(cells)
    assert page.count("caption") == 1


@pytest.mark.parametrize("name", sorted(ENTRIES.keys() & GALLERIES.keys()))
def test_every_figure_of_a_gallery(pages, name):
    report, page = pages[name]
    states = [figure["data-verdict"] for figure in page.all("figure") if "data-verdict" in figure]
    drawn = [bool(report["figures"][figure.name]["picture"]) for figure in GALLERIES[name].figures]
    assert [state == "drawn" for state in states] == drawn
    assert {box["value"] for box in page.all("input", type="checkbox")} == set(states)
    assert all(f"{figure.label}: {figure.title}" in page.text for figure in GALLERIES[name].figures)


def test_the_curves_of_a_training(pages, tmp_path):
    _, page = pages["survey_table2"]
    told = [curve["aria-label"] for curve in page.all("svg", **{"class": "curve"})]
    history = json.loads((ROOT / "pretrained/survey/resnet-s4-b48-l128/history.json").read_text())
    losses = [epoch["reconstruction"] for epoch in history]
    assert f"reconstruction: training from {losses[0]:.4g} to {losses[-1]:.4g}, least {min(losses):.4g}" in " ".join(
        told
    )
    assert "survey/resnet-s4-b48-l128, 150 epochs" in page.text
    (tmp_path / "histories").symlink_to(RESULTS / "histories")  # of one whose weights do not ship
    report = read_report(RESULTS / "boon_table1.json")
    assert "boon/reslag-light-cifar10, " in html_report.document(TABLES["boon_table1"], report, [tmp_path])


def test_pages_with_pictures_stay_under_the_limit(tmp_path, monkeypatch):
    """Of a table and a gallery; the index leads to them, and counts what is in the reports."""
    entries = [TABLES["survey_codes"], GALLERIES["survey_figure10"], TABLES["svae_table4"]]
    monkeypatch.setattr(overview, "scripts", lambda folder: entries)
    overview.main(["--html", str(tmp_path / "pages")])
    written = {path.name: check(Page(path.read_text())) for path in (tmp_path / "pages").iterdir()}
    assert sorted(written) == ["index.html", "survey_codes.html", "survey_figure10.html", "svae_table4.html"]
    assert all(path.stat().st_size < plots_page.LIMIT for path in (tmp_path / "pages").iterdir())
    assert len(written["survey_figure10.html"].all("img")) == 3 and len(written["survey_codes.html"].all("img")) > 4
    index = written["index.html"]
    assert {link["href"] for link in index.all("a")} == {"#content", *written} - {"index.html"}
    counts = [int(cell["data-ours"]) for cell in index.all("td", **{"class": "number"})]
    cells = [
        cell for e in entries[::2] for row in read_report(RESULTS / f"{e.name}.json")["rows"].values() for cell in row
    ]
    assert sum(counts[:-2]) == len(cells) and counts[-2:] == [2, 2]
    assert f"{len(cells)} cells in 2 tables: " in index.text


@pytest.mark.slow
def test_all_pages_stay_under_the_limit(tmp_path):
    """All pictures are compressed, which takes seconds."""
    overview.main(["--html", str(tmp_path)])
    sizes = {path.stem: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes.keys() == {"index", *ENTRIES} and max(sizes.values()) < plots_page.LIMIT
    for path in tmp_path.iterdir():
        check(Page(path.read_text(encoding="utf-8")))


LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"], exclude_characters="`")  # `code`
WORDS = st.one_of(
    st.text(LETTERS, min_size=1, max_size=20),
    st.sampled_from(
        ["</script><script>x()</script>", "<img/src=x/onerror=x()>", '"onfocus="x()', "'><svg>", "</td>", "&lt;"]
    ),
)


@settings(max_examples=50)
@given(*[WORDS] * 8)
def test_hostile_texts_stay_texts(title, source, row, head, verdict, reason, key, told):
    cell = Cell(1.5, 2.0, verdict, label=told, reason=reason, remark=key, details={key: told, "versions": {told: key}})
    columns = (Column("a", head, None),)
    table = Table("hand", title, source, columns, (Row(row, {"a": 2.0}),), Reference(told), notes=(reason,))
    cells = {row: {"a": {**dataclasses.asdict(cell), "difference": -0.5}}}
    report = {"reference": {"dataset": told, "split": key, "n": 1}, "smoke": False, "rows": cells}
    page = check(Page(html_report.document(table, report, [])))
    plain = Page(html_report.document(*harmless(table, report), []))
    assert [tag for tag, _ in page.elements if tag != "code"] == [tag for tag, _ in plain.elements if tag != "code"]
    for words in (title, row, head, verdict, key, told):
        assert words in page.text
    assert page.all("input")[0]["value"] == verdict == page.all("td", **{"class": "cell"})[0]["data-verdict"]


def harmless(table, report):
    """The same table with letters for words."""
    cell = Cell(1.5, 2.0, "w", label="w", reason="w", remark="w", details={"w": "w", "versions": {"w": "w"}})
    table = dataclasses.replace(table, title="w", rows=(Row("w", {"a": 2.0}),))
    return table, {**report, "rows": {"w": {"a": {**dataclasses.asdict(cell), "difference": -0.5}}}}


@settings(max_examples=50)
@given(*[WORDS] * 4)
def test_hostile_texts_of_a_gallery_stay_texts(title, sentence, reason, told):
    gallery = Gallery("hand", title, told, (Figure("figure01", title, None, note=reason),), notes=(reason,))
    figure = {"picture": "", "sentence": sentence, "reason": reason, "details": {told: told}, "recorded": False}
    report = {"smoke": False, "figures": {"figure01": figure}}
    page = check(Page(html_report.document(gallery, report, [])))
    assert page.count("figure") == 1 and f"Figure 1: {title}" in page.text and told in page.text


def test_a_cell_to_the_letter():
    """Mark, kind of number and number of the note; ours; published and difference; and all of it in a note."""
    table = Table(
        "hand", "T", "S", (Column("a", "A", None, tolerance=0.1),), (Row("r", {"a": 2.0}),), Reference("digits")
    )
    how = {"date": "2024-01-02", "seconds": 2.5, "images": 10000, "seed": 0, "shipped": True, "limit_train": None}
    cell = Cell(2.25, 2.0, "differs", reason="half the data", identity="x", details=how)
    cells = {"r": {"a": {**dataclasses.asdict(cell), "difference": 0.25}}}
    report = {"reference": dataclasses.asdict(table.reference), "smoke": False, "rows": cells}
    text = html_report.document(table, report, [])
    (found,) = re.findall(r"<td .*?</td>", text)
    keys = Page(found).all("td")[0]
    assert [keys[f"data-{name}"] for name in ("ours", "published", "difference")] == ["2.25", "2.0", "0.125"]
    button, note = found.split("</button>")
    assert " ".join(Page(button + "</button></td>").text.split()) == "≠ [1] 2.2 differs published 2.0, +0.2"
    pairs = re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", note)
    assert pairs == [
        ("verdict", "differs (tolerance 10 %)"),
        ("ours", "2.25"),
        ("published", "2.0"),
        ("difference", "0.25 (12.5 %)"),
        ("note", "half the data"),
        ("images", "10,000"),
        ("date", "2024-01-02"),
        ("seconds", "2.5"),
        ("weights ship", "yes"),
        ("seed", "0"),
    ]


def test_an_older_report_lacks_a_column_and_a_row():
    columns = (Column("a", "A", None), Column("b", "B", None))
    rows = (Row("old", {"a": 1.0, "b": 7.0}), Row("new", {"a": 3.0}))
    table = Table("hand", "T", "S", columns, rows, Reference("digits"))
    cells = {"old": {"a": {**dataclasses.asdict(Cell(1.0, 1.0, "exact")), "difference": 0.0}}}
    report = {"reference": dataclasses.asdict(table.reference), "smoke": False, "rows": cells}
    page = check(Page(html_report.document(table, report, [])))
    verdicts = [cell["data-verdict"] for cell in page.all("td", **{"class": "cell"})]
    assert verdicts == ["exact", "not run", "not run", "not run"]
    assert "published 7.0" in page.text and html_report.ABSENT in page.text
    assert html_cells.LIVE in page.text and BEFORE not in page.text
    cells["old"]["a"]["identity"] = "x"  # measured, and not counted
    page = Page(html_report.document(table, report, []))
    assert html_cells.LIVE not in page.text and BEFORE in page.text


def test_a_script_writes_the_page_and_prints_it(tmp_path, monkeypatch, capsys):
    hide_data(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    table = small_table([Counted(7.5)])
    assert main(table, ["--out", "mine", "--rows", "first"]) == 0
    assert " and mine/small.html\n" in capsys.readouterr().err
    page = check(Page((tmp_path / "mine/small.html").read_text()))
    assert (
        len(page.all("td", **{"class": "cell"})) == 2
        and "python reproduce/small.py --out mine --rows first" in page.text
    )
    assert main(table, ["--out", "mine", "--rows", "second", "--format", "html"]) == 0
    printed = check(Page(capsys.readouterr().out))
    assert len(printed.all("td", **{"class": "cell"})) == 1 and printed.all("td")[0]["data-ours"] == "7.5"
    assert main(table, ["--update"]) == 0
    assert (tmp_path / "results/small.md").exists() and not (tmp_path / "results/small.html").exists()
