"""The page of claims and errata: it is that of the reports, and its verdicts follow from the numbers."""

import ast
import json
import re
import shlex

import pytest
from experiment_tables import GALLERIES, ROOT, TABLES

from green_vae.experiments import claims, overview
from green_vae.experiments.cli import chosen
from green_vae.experiments.evidence import FAILS, HOLDS, OPEN, Reports, Side, every, lower, lowest, usually, verdict
from green_vae.presets import PRESETS

COMMANDS = sorted({claim.command for claim in claims.CLAIMS})
TESTS = {erratum.test for erratum in claims.ERRATA}
FOLDER = ROOT / "results"


def cell(published=None, value=None, label=""):
    return {"published": published, "value": value, "label": label}


def reports(folder, rows):
    (folder / "t.json").write_text(json.dumps({"rows": rows}))
    return Reports(folder)


@pytest.fixture(scope="module")
def text():
    return (FOLDER / "claims.md").read_text(encoding="utf-8")


def test_the_page_is_that_of_the_reports(text):
    """`python -m green_vae.experiments.claims` writes it anew."""
    assert text == claims.page(FOLDER)


def test_every_claim_and_every_erratum_is_of_a_paper_and_told_once():
    for entries, words in ((claims.CLAIMS, lambda e: e.claim), (claims.ERRATA, lambda e: (e.where, e.printed))):
        assert {entry.paper for entry in entries} == {"survey", "svae", "boon", "review", "slides"}
        assert len({(entry.paper, words(entry)) for entry in entries}) == len(entries)
        assert set(overview.PAPERS) >= {entry.paper for entry in entries}


def functions(path):
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def test_every_erratum_names_a_test_that_exists():
    missing = [test for test in TESTS if test.split("::")[1] not in functions(ROOT / test.split("::")[0])]
    assert not missing


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_exists(command):
    words = shlex.split(command)
    if words[:3] == ["python", "-m", "pytest"]:
        path, _, name = words[3].partition("::")
        assert name in functions(ROOT / path)
    elif words[0] == "green-vae":
        assert words[1] in ("train", "cost") and words[2] in PRESETS
    else:
        assert (ROOT / words[1]).exists()
        name, options = words[1].split("/")[-1].removesuffix(".py"), words[2:]
        if options[:1] == ["--rows"]:
            assert chosen(TABLES[name].rows, options[1:], "row")
        if options[:1] == ["--figures"]:
            assert chosen(GALLERIES[name].figures, options[1:], "figure")


def test_every_link_of_the_page_leads_somewhere(text):
    targets = set(re.findall(r"\]\(([^)]+)\)", text))
    assert len(targets) > 20 and not [target for target in targets if not (FOLDER / target).exists()]


def test_every_open_claim_says_what_would_decide_it():
    known = Reports(FOLDER)
    undecided = [claim for claim in claims.CLAIMS if verdict(*claim.sides(known)) == OPEN]
    assert undecided and all(claim.missing for claim in undecided)


@pytest.mark.parametrize(
    ("published", "ours", "word"),
    [
        (None, None, OPEN),
        (True, None, OPEN),
        (None, True, HOLDS),
        (True, True, HOLDS),
        (False, True, FAILS),
        (True, False, FAILS),
        (False, None, FAILS),
    ],
)
def test_verdicts(published, ours, word):
    assert verdict(Side(says=published), Side(says=ours)) == word


def test_numbers_of_a_row_are_compared_on_one_scale(tmp_path):
    rows = {
        "A": {"low": cell(1.0, 1.0, "FID"), "high": cell(2.0, 2.0, "FID")},
        "B": {"low": cell(3.0, 1.0, "FID"), "high": cell(2.0, 9.0, "FID~")},  # ours on two scales
        "B (seed 8x8)": {"low": cell(3.0), "high": cell(2.0)},  # printed once
        "mini C": {"low": cell(None, 4.0, "FID~"), "high": cell(None, 3.0, "FID~")},
        "D": {"low": cell(5.0)},
    }
    known = reports(tmp_path, rows)
    published, ours = lower(usually, ("t", "x", "low", "high"))(known)
    assert (published.text, published.says) == ("in 1 of 2 rows, not in B, x (3, 2)", False)
    assert ours.text == "full width: in 1 of 1 row; narrow: in 0 of 1 row, not in mini C, x (4, 3)"
    assert ours.says is False
    assert lower(every, ("t", "x", "low", "high"), narrow=False)(known)[1].says is True


def test_usually_is_two_rows_of_three():
    assert [usually(hits, 9) for hits in (5, 6, 9)] == [False, True, True]


def test_the_lowest_of_the_printed_rows(tmp_path):
    """Ours denies it by one lower row on the same scale, and shows it only when all are measured."""

    def ours(**measured):
        rows = {name: {"a": cell(n, *measured.get(name, ()))} for n, name in enumerate(("HFVAE", "CNN", "RAE"), 2)}
        rows |= {"mini CNN": {"a": cell(None, 0.1)}, "PCA, 3 components": {"a": cell(None, 0.2)}}
        published, found = lowest("t", "a", "HFVAE")(reports(tmp_path, rows))
        assert published.says is True and "HFVAE (2) of 3 rows" in published.text
        return found.says

    assert ours(HFVAE=(5.0,)) is None
    assert ours(HFVAE=(5.0,), CNN=(6.0,)) is None
    assert ours(HFVAE=(5.0,), CNN=(4.0,)) is False
    assert ours(HFVAE=(5.0, "FID"), CNN=(4.0, "FID~")) is None
    assert ours(HFVAE=(5.0,), CNN=(6.0,), RAE=(7.0,)) is True


def test_a_lower_row_denies_nothing_while_one_of_the_family_is_not_measured(tmp_path):
    """The other HFVAE may be lower still; by the printed numbers it is."""
    rows = {"HFVAE-a": {"a": cell(3.0, 5.0)}, "HFVAE-b": {"a": cell(2.0)}, "CNN": {"a": cell(4.0, 4.0)}}
    assert [side.says for side in lowest("t", "a", "HFVAE")(reports(tmp_path, rows))] == [True, None]
    rows["HFVAE-b"]["a"] = cell(2.0, 6.0)
    assert lowest("t", "a", "HFVAE")(reports(tmp_path, rows))[1].says is False


@pytest.mark.parametrize(
    ("train", "test", "word"), [(1.6, 5.0, FAILS), (1.6, 1.7, HOLDS), (4.0, 5.0, OPEN), (3.0, 1.6, HOLDS)]
)
def test_of_which_images_the_printed_error_is(tmp_path, train, test, word):
    row = {"mse_train_x1e3": cell(1.5, train), "mse_test_x1e3": cell(None, test)}
    (tmp_path / "survey_table2.json").write_text(json.dumps({"rows": {"A": row}}))
    claim = next(claim for claim in claims.CLAIMS if claim.claim.startswith("The MSE tells"))
    assert verdict(*claim.sides(Reports(tmp_path))) == word


def test_a_page_without_reports_and_histories_proves_nothing_by_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "Reports", lambda folder: Reports(folder, trained=tmp_path))
    page = claims.page(tmp_path)
    assert page.count("**") > 80 and "not measured" in page


def test_a_measured_cell_changes_the_verdict(tmp_path):
    """Both errors of the CNN at full width are what the claim on overfitting waits for."""
    rows = json.loads((FOLDER / "survey_table2.json").read_text(encoding="utf-8"))
    claim = next(claim for claim in claims.CLAIMS if "overfitting" in claim.claim)
    found = {}
    for test_error in (2.0, 9.0):
        rows["rows"]["CNN-b128-l128"] |= {
            "mse_train_x1e3": cell(2.8, 2.0),
            "mse_test_x1e3": cell(None, test_error),
        }
        (tmp_path / "survey_table2.json").write_text(json.dumps(rows))
        found[test_error] = verdict(*claim.sides(Reports(tmp_path)))
    assert found == {2.0: FAILS, 9.0: HOLDS}
