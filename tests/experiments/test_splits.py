"""Errors of training and of test images in two columns, the published number beside its own, and PCA beside both."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
from experiment_tables import MODULES, TABLES, TINY, hide_data, read_report

from green_vae import data, metrics, plots, presets
from green_vae.experiments import Reference, Row, Table, columns, main
from green_vae.experiments.gallery import main as main_of_gallery
from green_vae.experiments.papers import boon
from green_vae.experiments.pca import LinearAutoencoder, fitted
from green_vae.experiments.run import Run
from green_vae.experiments.spec import pca
from green_vae.presets import store
from green_vae.training.checkpoint import read_history

FIGURES = MODULES["survey_errors"]
TRAIN, TEST = "mse_train_x1e3", "mse_test_x1e3"
# column of training images, of test images, and which of the two the paper's numbers are of
PAIRS = {
    "survey_table2": ((TRAIN, TEST, TRAIN), ("fid_rec_train", "fid_rec_test", "fid_rec_train")),
    "survey_table3": ((TRAIN, TEST, TRAIN), ("fid_rec_train", "fid_rec_test", "fid_rec_train")),
    "survey_rae": ((TRAIN, TEST, ""),),
    "survey_balancing": ((TRAIN, TEST, ""),),
    "review_sweep": ((TRAIN, TEST, ""),),
    "svae_activity": ((TRAIN, TEST, ""),),
    "svae_split": ((TRAIN, TEST, ""),),
    "survey_latent_sizes": ((TRAIN, TEST, ""),),
    "svae_split_cifar10": ((TRAIN, TEST, ""),),
    "svae_baselines": ((TRAIN, TEST, ""),),
    **{f"svae_table{n}": ((TRAIN, TEST, ""),) for n in (1, 3, 4)},
    "boon_table1": (("rec_train", "rec_mean", ""), ("rec_train", "rec", "rec")),
    "boon_ablation": (("rec_train", "rec_mean", ""), ("rec_train", "rec", "")),
    "boon_spread": (("rec_train", "rec_mean", ""), ("rec_train", "rec", "rec")),
    "boon_objectives": (("rec_train", "rec_mean", ""), ("rec_train", "rec", "")),
}
ONE_PIXEL = 32 * 32  # values in one of the digits
SHIPPED = dataclasses.replace(TINY, model="autoencoder")  # whose reconstructions draw no noise


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch, tmp_path):
    hide_data(monkeypatch, tmp_path)
    monkeypatch.setattr("green_vae.experiments.plan.device_rate", lambda: 1e12)


@pytest.fixture(scope="module")
def digits():
    """Training and test images, (1297, 1024) and (500, 1024), in [0, 1]."""
    return [data.load("digits", split).images.reshape(-1, ONE_PIXEL) / 255.0 for split in ("train", "test")]


def table_of(*rows, n=200, chosen=None):
    both = chosen or (columns.mse("train"), columns.mse("test"))
    return Table("both", "Both", "nobody", tuple(both), rows, Reference("digits", n=n))


def measure(table, out, *options):
    assert main(table, [*options, "--out", str(out)]) == 0
    return read_report(out / f"{table.name}.json")["rows"]


# which number stands beside which


@pytest.mark.parametrize("name", list(PAIRS))
def test_a_published_number_stands_beside_its_own_split_alone(name):
    names = [column.name for column in TABLES[name].columns]
    for seen, new, printed in PAIRS[name]:
        assert {seen, new} <= set(names)
        rows = [row.published for row in TABLES[name].rows]
        beside = {column for row in rows for column in (seen, new) if row.get(column) is not None}
        assert beside == ({printed} if printed else set())
    titles = {column.title for column in TABLES[name].columns}
    assert all("(" in title for title in titles if title.startswith(("MSE", "FID REC", "Rec")))


def test_no_other_table_has_an_error_in_one_column():
    names = {name: [column.name for column in table.columns] for name, table in TABLES.items()}
    errors = ("mse", "rec", "fid_rec")
    found = {name for name, columns in names.items() if any(column.startswith(errors) for column in columns)}
    of_test_images = {"survey_posteriors", "slides_disentanglement"}  # as their notes say
    assert found - of_test_images == set(PAIRS)


@pytest.fixture
def shipped(monkeypatch, tmp_path):
    """A model of 400 training images, and the row of it, of which 7 is printed."""
    path = tmp_path / "model.weights.h5"
    monkeypatch.setitem(presets.PRESETS, "tiny", SHIPPED)
    monkeypatch.setattr(presets, "pretrained_path", lambda name: path)
    model = SHIPPED.build(1)
    store.save_preset(model, path.parent, train_images=400)
    return model, Row("network", {TRAIN: 7.0, TEST: None}, "tiny")


def test_each_column_measures_its_own_images_and_the_printed_number_is_of_one(shipped, tmp_path):
    model, row = shipped
    cells = measure(table_of(row), tmp_path / "out")["network"]
    for column, split, said in ((TRAIN, "train", "training"), (TEST, "test", "test")):
        images, details = data.load("digits", split).images[:200], cells[column]["details"]
        assert cells[column]["value"] == pytest.approx(1000 * metrics.mse(images, model.reconstruct(images)), rel=1e-3)
        assert details["images"] == 200 and details["made"] == f"reconstructions of the first 200 {said} images"
    assert cells[TRAIN]["value"] != cells[TEST]["value"] and cells[TRAIN]["identity"] != cells[TEST]["identity"]
    assert cells[TRAIN]["difference"] == cells[TRAIN]["value"] - 7.0 and cells[TRAIN]["verdict"] == "differs"
    assert (cells[TEST]["published"], cells[TEST]["difference"], cells[TEST]["verdict"]) == (None, None, "measured")


def test_there_are_no_more_training_images_than_the_weights_have_seen(shipped, tmp_path):
    cells = measure(table_of(shipped[1], n=450), tmp_path / "out")["network"]
    assert (cells[TRAIN]["details"]["images"], cells[TEST]["details"]["images"]) == (400, 450)


def test_a_recorded_error_of_test_images_never_becomes_one_of_training_images(shipped, tmp_path):
    """Also where a report has it in the other column."""
    out, table = tmp_path / "out", table_of(shipped[1])
    cells = measure(table, out, "--columns", TEST)["network"]
    path = out / "both.json"
    path.write_text(path.read_text().replace(f'"{TRAIN}"', '"held"').replace(f'"{TEST}"', f'"{TRAIN}"'))
    again = measure(table, out)["network"]
    assert not again[TRAIN]["recorded"] and again[TRAIN]["value"] != cells[TEST]["value"]
    assert again[TEST]["value"] == cells[TEST]["value"]


def test_an_optional_column_is_measured_if_it_is_named(shipped, tmp_path):
    chosen = (columns.parameters(), columns.fid_rec("test", "it takes long"))
    row = Row("network", {"params": None, "fid_rec_test": None}, "tiny")
    cells = measure(table_of(row, chosen=chosen), tmp_path / "out")["network"]
    assert cells["params"]["verdict"] == "measured"
    assert (cells["fid_rec_test"]["verdict"], cells["fid_rec_test"]["reason"]) == ("not run", "it takes long")
    cells = measure(table_of(row, chosen=chosen), tmp_path / "out", "--columns", "fid_rec")["network"]
    assert "Inception" in cells["fid_rec_test"]["reason"]  # it was tried, without weights


# principal components


def test_the_error_of_training_images_is_the_sum_of_the_eigenvalues_that_are_left_out(digits, tmp_path):
    """In closed form, over all images that it is fitted on; of test images by NumPy's singular vectors."""
    train, test = digits[0][:300], digits[1][:200]
    mean, out = train.mean(axis=0), tmp_path / "out"
    spectrum = np.linalg.eigvalsh(np.cov(train.T, bias=True))[::-1]
    vectors = np.linalg.svd(train - mean, full_matrices=False)[2]
    cells = measure(table_of(pca(5, (TRAIN, TEST)), n=200), out, "--limit-train", "300")["PCA, 5 components"]
    assert cells[TEST]["details"]["images"] == 200 and cells[TEST]["details"]["train_images"] == 300
    kept = (test - mean) @ vectors[:5].T
    left = ((test - mean) ** 2).sum(axis=1) - (kept**2).sum(axis=1)
    assert cells[TEST]["value"] == pytest.approx(1000 * left.mean() / ONE_PIXEL, rel=1e-9)
    images = data.load("digits", "train").images[:300]
    made = LinearAutoencoder(fitted(images), 5, (32, 32, 1))
    assert metrics.mse(images, made.reconstruct(images)) == pytest.approx(spectrum[5:].sum() / ONE_PIXEL, rel=1e-9)
    part = 1000 * metrics.mse(images[:200], made.reconstruct(images[:200]))
    assert cells[TRAIN]["value"] == pytest.approx(part, rel=1e-9)  # as many as there are test images
    assert not [path for path in out.rglob("*") if path.suffix == ".npz"]


def test_a_recorded_pca_is_not_fitted_again(tmp_path, monkeypatch):
    table, fewer = table_of(pca(5, (TRAIN, TEST))), ("--limit-train", "300")
    first = measure(table, tmp_path, *fewer)["PCA, 5 components"]
    monkeypatch.setattr("green_vae.experiments.pca.fitted", None)
    again = measure(table, tmp_path, *fewer)["PCA, 5 components"]
    assert again == {name: {**cell, "recorded": True} for name, cell in first.items()}


def test_a_pca_of_fewer_images_says_so_and_is_another_one(tmp_path):
    table = table_of(pca(5, (TRAIN, TEST)))
    whole = measure(table, tmp_path, "--limit-train", "300")["PCA, 5 components"]
    cells = measure(table, tmp_path, "--limit-train", "100")["PCA, 5 components"]
    assert cells[TEST]["reason"] == "on the first 100 training images"
    assert cells[TRAIN]["value"] < whole[TRAIN]["value"] and cells[TEST]["value"] > whole[TEST]["value"]


def test_what_a_pca_keeps_is_counted_without_data(tmp_path):
    cells = measure(TABLES["survey_table2"], tmp_path, "--rows", "PCA")
    assert cells["PCA, 128 components"]["params"]["value"] == 128 * 3072 + 3072
    assert "no network" in cells["PCA, 64 components"]["flops_m"]["reason"]
    assert "CIFAR-10" in cells["PCA, 64 components"][TRAIN]["reason"]


def test_the_errors_of_the_study_are_those_of_the_survey_times_the_values_of_an_image(tmp_path):
    rec = next(column for column in boon.columns() if column.name == "rec_mean")
    seen = next(column for column in boon.columns() if column.name == "rec_train")
    row = pca(5, (TRAIN, TEST, "rec_mean", "rec_train"), "MNIST ", "digits")
    cells = measure(table_of(row, n=500, chosen=(columns.mse("train"), columns.mse("test"), rec, seen)), tmp_path)
    cells = cells["MNIST PCA, 5 components"]
    assert cells["rec_mean"]["value"] == pytest.approx(cells[TEST]["value"] * ONE_PIXEL / 1000, rel=1e-6)
    assert cells["rec_train"]["value"] == pytest.approx(cells[TRAIN]["value"] * ONE_PIXEL / 1000, rel=1e-6)


def test_a_pca_may_leave_the_range_of_images():
    """As it does on MNIST, by more than a half."""
    run = SimpleNamespace(originals=lambda kind: np.zeros((2, 8, 8, 1), "uint8"))
    run.images = lambda kind: iter([np.full((2, 8, 8, 1), 1.75, "float32")])
    assert Run.mse(run, "reconstructions") == 1.75**2


def units(name):
    """Latent numbers of a preset's network; None where its groups add to them."""
    return presets.preset(name).config.get("latent_dim")


@pytest.mark.parametrize("name", list(PAIRS))
def test_every_latent_size_has_its_pca(name):
    table = TABLES[name]
    there = {(row.dataset or table.reference.dataset, row.pca) for row in table.rows if row.pca}
    errors = {column for pair in PAIRS[name] for column in pair if column}
    measured = [row.preset for row in table.rows if row.preset and errors & set(row.published)]  # others are counted
    wanted = {(presets.preset(preset).dataset, units(preset)) for preset in measured}
    hierarchies = {"survey_table2": {76, 100}}.get(name, set())  # see the note of the table
    assert there == {pair for pair in wanted if pair[1]} | {(table.reference.dataset, size) for size in hierarchies}


def test_latent_numbers_of_the_hierarchies():
    """Of those that are quickly built: the note of Table 2 adds up in the same way for the others."""
    for name, expected in (("survey/hfvae-mini", 64 + 3 * 12), ("survey/nvae-mini", 4096)):
        model = presets.preset(name).blueprint()
        assert model.latent_dim + sum(int(np.prod(shape)) for shape in model.shapes.values()) == expected


# the figures


def test_sizes_of_the_figures_are_those_of_the_presets():
    rows = {row.name: row.preset for row in TABLES["survey_table2"].rows}
    assert set(rows) - set(FIGURES.MODELS) == {
        "NVAE-z10-b100-l4",
        "mini NVAE",
        *map(FIGURES.linear, (64, 76, 100, 128)),
    }
    for row, size in FIGURES.MODELS.items():
        config = presets.preset(rows[row]).config
        assert size == (config["network_options"].get("base", 128), config.get("latent_dim", size[1])), row
    assert {name: rows.get(row, name) for name, (row, _) in FIGURES.TRAINED.items()} == {n: n for n in FIGURES.TRAINED}


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """drawn(figure) -> (panels, sentence), from a made report of two networks and of PCA."""
    errors = {"Resnet-s4-b48-l128": (2, 6), "mini Resnet": (8, 8.5), "PCA, 128 components": (5, 5.5)}
    errors |= {"PCA, 64 components": (9, 9.5), "CNN-b128-l128": (None, None)}
    rows = {row: {TRAIN: {"value": seen}, TEST: {"value": new}} for row, (seen, new) in errors.items()}
    (tmp_path / "survey_table2.json").write_text(json.dumps({"smoke": False, "rows": rows}))
    found = {}

    def scatter(path, panels, *how, **more):
        found.update(panels)
        plots.scatter(path, panels, *how, **more)

    monkeypatch.setattr(FIGURES, "scatter", scatter)

    def figure(name):
        found.clear()
        assert main_of_gallery(FIGURES.GALLERY, ["--figures", name, "--out", str(tmp_path)]) == 0
        return dict(found), read_report(tmp_path / "survey_errors.json")["figures"][name]["sentence"]

    return figure


def test_the_printed_error_is_drawn_beside_that_of_training_images_alone(drawn):
    for name in ("latent", "width"):
        panels, sentence = drawn(name)
        seen, new = (panels[f"MSE x 1000 of {split} images"] for split in ("training", "test"))
        assert [points.name for points in seen][:2] == ["published", "ours"] and new[0].name == "ours"
        assert "published" not in [points.name for points in new]
        assert list(seen[1].y) == [2, 8] and list(new[0].y) == [6, 8.5]
        assert "Resnet-s4-b48-l128: 2.00 and 6.00, PCA with 128 components 5.00 and 5.50" in sentence
    assert [points.line for points in seen[2:]] == [((16, 128), (9, 9)), ((16, 128), (5, 5))]
    panels, _ = drawn("latent")
    assert panels["MSE x 1000 of test images"][-1].line == ((64, 128), (9.5, 5.5))


def test_errors_by_epoch_are_those_of_the_history(drawn):
    panels, sentence = drawn("epochs")
    history = read_history(presets.pretrained_path("boon/optimal-sigma-multi-level-cifar10").parent)
    seen, new = panels["MSE x 1000, ResLag study, multi-level"][:2]
    assert seen.line[1] == [1000 * epoch["reconstruction"] / 3072 for epoch in history]
    assert new.line[1] == [1000 * epoch["val_reconstruction"] / 3072 for epoch in history]
    ends = {points.name: tuple(points.y) for points in panels["MSE x 1000, Resnet-s4-b48-l128"] if points.name}
    assert ends == {"training images": (2,), "test images": (6,), "PCA, 128 components, test images": (5.5,)}
    assert "Resnet-s4-b48-l128, first to last epoch: training images 34.51 to 1.89;" in sentence
