"""The page with all results: every script on it, the short form of a cell, and that it is up to date."""

import dataclasses
import json

import pytest
from experiment_tables import GALLERIES, ROOT, TABLES

from green_vae.experiments import overview
from green_vae.experiments.spec import Column


@pytest.fixture(scope="module")
def entries():
    return overview.scripts(ROOT / "reproduce")


def test_every_script_by_paper(entries):
    names = [entry.name for entry in entries]
    assert sorted(names) == sorted([*TABLES, *GALLERIES])
    papers = [name.split("_")[0] for name in names]
    assert list(dict.fromkeys(papers)) == ["survey", "svae", "boon", "review", "slides", "green"]
    assert papers == sorted(papers, key=list(overview.PAPERS).index)


def test_the_page_is_that_of_the_reports(entries):
    """`python -m green_vae.experiments.overview` writes it anew."""
    assert (ROOT / "RESULTS.md").read_text(encoding="utf-8") == overview.page(entries, ROOT / "results")


def test_numbers_in_words_are_those_of_the_reports():
    """Some that a later measurement, or rounding twice, had left behind."""

    def rows(table):
        return json.loads((ROOT / f"results/{table}.json").read_text(encoding="utf-8"))["rows"]

    def cell(table, row, column):
        return rows(table)[row][column]

    def value(*place):
        return cell(*place)["value"]

    gap = f"{value('slides_disentanglement', 'beta = 1', 'mig'):.2f} at beta = 1"
    kid = cell("slides_sigma", "optimal sigma", "kid_x1e3")
    seeds = cell("slides_sigma", "beta = 0.01 by hand", "iw")["details"]["values"].values()
    hfvae = [value("survey_table2", "HFVAE-s4-z4-l48", column) for column in ("fid_gen1", "fid_gmm")]
    errors = [value("survey_latent_sizes", f"factor 1, {units} units", "mse_test_x1e3") for units in (32, 256)]
    cnn = [
        value("survey_samplers", f"mini CNN, mixture of {n}, means", "kid")
        - value("survey_samplers", f"mini CNN, mixture of {n}, draws", "kid")
        for n in (1, 5, 10, 20, 50, 100)
    ]
    black = [
        one["value"]
        for name, cells in rows("slides_anomaly").items()
        for column, one in cells.items()
        if name.startswith("MNIST") and column.startswith("below_black") and one["value"] is not None
    ]
    last, earlier = "the survey's last code", "the survey's earlier code"
    codes = [value("survey_second_stages", row, "distance") for row in (last, f"{last}, with noise", earlier)]
    fids = [
        value("survey_table2", "Resnet-s4-b48-l128", "fid_gen2"),
        *(value("survey_second_stages", row, "fid") for row in (f"{last}, with noise", earlier)),
    ]
    by_epochs = [
        value("survey_second_stages", f"narrow, beta 0.005, {n}", "distance") for n in ("3 epochs", "30 epochs")
    ]
    single = [cells["fid"]["value"] for cells in rows("svae_table2").values()][1:]
    learnt = " ".join((ROOT / "results/learnt.md").read_text(encoding="utf-8").split())
    for words in (
        gap,
        f"has {kid['value']:.0f} ± {kid['details']['spread']:.0f} (standard deviations over the seeds)",
        f"its seeds lie up to {max(seeds) - min(seeds):.0f} nats apart",
        f"gains little from a mixture: {hfvae[0] - hfvae[1]:.1f} here",
        f"from {errors[0]:.1f} to {errors[1]:.1f} with one factor for all",
        f"than those on draws, by {min(cnn):.1f} to {max(cnn):.1f}.",
        f"that ships come from {codes[0]:.4f} to {codes[1]:.4f}, and FID~ from {fids[0]:.1f} to {fids[1]:.1f}.",
        f"Its codes lie at {codes[2]:.3f}, which is farther than N(0, I). Its samples have an FID~ of {fids[2]:.1f}",
        f"at {by_epochs[0]:.3f} after three, at 0.037 after ten and at {by_epochs[1]:.3f} after thirty",
        f"of MNIST above {min(black):.0f} to {max(black):.0f} %",
    ):
        assert words in learnt
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"FID~ falls to {fids[1]:.0f}" in readme
    assert gap in readme and f"single classes at {min(single):.0f} to {max(single):.0f}" in readme


def test_every_link_of_the_page_leads_somewhere():
    text = (ROOT / "RESULTS.md").read_text(encoding="utf-8")
    targets = [part.split(")")[0] for part in text.split("](")[1:]]
    assert len(targets) > 20 and not [target for target in targets if not (ROOT / target).exists()]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ({"published": 5.0, "value": 5.0, "verdict": "exact"}, "= 5.0"),
        ({"published": 5.0, "value": 5.1, "verdict": "reproduced"}, "5.0 / 5.1"),
        ({"published": 5.0, "value": 5.1, "verdict": "not comparable", "label": "FID~"}, "5.0 / 5.1 FID~"),
        ({"published": 5.0, "value": None, "verdict": "not run"}, "5.0 / -"),
        ({"published": None, "value": 5.1, "verdict": "measured", "label": "FID"}, "5.1"),
        ({"published": None, "value": None, "verdict": "not run"}, ""),
    ],
)
def test_a_cell_in_short(cell, text):
    assert overview.short(Column("a", "A", None), {"label": "", **cell}) == text


def test_what_is_empty_is_left_out_and_what_was_not_run_is_said(tmp_path):
    table, gallery = TABLES["svae_table3"], GALLERIES["survey_figure10"]
    empty = {"published": None, "value": None, "verdict": "not run", "label": ""}
    counted = {"published": 3.0, "value": 3.0, "verdict": "exact", "label": ""}
    rows = {"SVAE": {"params": counted, "fid_gen": empty}, "SVAE mini": {"params": empty, "fid_gen": empty}}
    (tmp_path / "svae_table3.json").write_text(json.dumps({"smoke": False, "rows": rows}))
    (tmp_path / "learnt.md").write_text("Much.\n")
    page = overview.page([table, gallery], tmp_path)
    assert "| Split-VAE, Table 3 | params (total) |\n| --- | ---: |\n| SVAE | = 3 |\n" in page
    assert "SVAE mini" not in page and "\nMuch.\n" in page
    assert "Not run yet: `python reproduce/survey_figure10.py`." in page
    assert "| [Split-VAE, Table 3: CIFAR-10](results/svae_table3.md) | 1 |  |  |  |  | 3 |" in page


def test_fault_12_a_paper_that_is_not_known_comes_last_under_its_prefix(tmp_path):
    for name in ("survey_table2", "another_table9", "green_training"):
        (tmp_path / f"{name}.py").write_text(
            f"from types import SimpleNamespace\nTABLE = SimpleNamespace(name={name!r})"
        )
    assert [entry.name for entry in overview.scripts(tmp_path)] == ["survey_table2", "green_training", "another_table9"]
    (tmp_path / "learnt.md").write_text("Much.\n")
    another = dataclasses.replace(TABLES["svae_table3"], name="another_table9")
    assert "\n## another\n" in overview.page([another], tmp_path)
