"""Every table in reproduce/: what its script says, its smoke test, the printed numbers, its first run without data."""

import functools
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from core_models import only
from experiment_tables import GALLERIES, SCRIPTS, TABLES, first_run_of, hide_data, read_report
from PIL import Image

from green_vae.experiments import main
from green_vae.experiments.cli import parser_for
from green_vae.experiments.option_rows import OptionsRun
from green_vae.experiments.pca import PcaRun
from green_vae.experiments.smoke import shrink
from green_vae.presets import PRESETS

# rows of params, MFLOPs, MSE x 1000, FID of reconstructions, of samples, with the second stage, with the mixture
SURVEY_TABLE2 = {
    "CNN-b128-l128": (31034755, 2397, 2.8, 27.6, 96.2, 96.8, 89.0),
    "L2-RAE-b128-l128": (30510339, 2395, 1.2, 9.9, 108.1, 88.4, 78.2),
    "GP-RAE-b128-l128": (30510339, 2395, 1.2, 10.6, 118.0, 97.6, 76.4),
    "Resnet-s4-b48-l128": (16179363, 1431, 1.5, 37.2, 110.0, 93.9, 96.3),
    "Resnet-s4-b48-l100": (16064619, 1430, 1.6, 37.5, 102.9, 88.4, 91.4),
    "Resnet-s4-b64-l64": (27766275, 2539, 1.7, 36.5, 94.2, 78.8, 85.1),
    "HFVAE-s4-z4-l48": (27139755, 1163, 1.8, 45.9, 93.3, 90.8, 90.0),
    "HFVAE-s4-z12-l64": (48113051, 2085, 1.3, 33.3, 89.0, 85.7, 86.4),
    "NVAE-z10-b100-l4": (8305521, 4478, 3.2, 62.6, 96.1, 87.4, 91.4),
}
SURVEY_TABLE3 = {
    "CNN-b128-l64": (40668419, 4104, 3.2, 48.4, 66.9, 56.2, 55.2),
    "L2-RAE-b128-l64": (27359043, 4102, 3.3, 39.8, 230.2, 61.7, 45.1),
    "GP-RAE-b128-l64": (27359043, 4102, 3.2, 41.2, 230.6, 65.3, 47.0),
    "Resnet-s4-b32-l64": (19330627, 2924, 2.8, 51.4, 66.0, 54.9, 57.4),
    "Resnet-s4-b48-l64": (38996003, 6452, 2.5, 46.8, 61.7, 50.8, 54.5),
    "Resnet-s3-b64-l64": (21370179, 5949, 2.6, 39.2, 59.3, 44.9, 45.8),
}
ORDER = ("params", "flops_m", "mse_train_x1e3", "fid_rec_train", "fid_gen1", "fid_gen2", "fid_gmm")
NEW_IMAGES = {"mse_test_x1e3": 3, "fid_rec_test": 5}  # columns in which nothing is printed, and their places
# the columns of Split-VAE's tables: FID of samples, of their parts, with the mixture
SVAE_TABLE1 = {
    "RAE-GP": (22386449, 22.2, 11.5),
    "RAE-L2": (22386449, 22.2, 8.7),
    "RAE-SN": (22386449, 19.7, 11.7),
    "2S-VAE (Dai, Wipf)": (9032769, 21.9, 12.6),
    "2S-VAE (Asperti, Trentin)": (9032769, 21.8, 11.8),
}
SVAE_TABLE3 = {
    "RAE-GP": (30510339, 83.0, 74.2),
    "RAE-L2": (30510339, 80.8, 74.2),
    "RAE-SN": (30510339, 84.2, 74.2),
    "2S-VAE (Dai, Wipf)": (27766275, 76.7, 72.9),
    "2S-VAE (Asperti, Trentin)": (27766275, 80.2, 69.8),
    "SVAE": (13061143, 81.9, 69.5),
}
SVAE_TABLE4 = {
    "RAE-GP": (30510339, 116.3, 45.3),
    "RAE-L2": (30510339, 51.1, 47.9),
    "RAE-SN": (30510339, 44.7, 40.9),
    "2S-VAE (Dai, Wipf)": (27766275, 60.5, 44.4),
    "2S-VAE (Asperti, Trentin)": (27766275, 43.6, 38.6),
    "SVAE": (28989363, 54.8, None),  # its 35.1 is of another column
}
# parameters, MFLOPs, seconds at batches of 100, 10, 1
SURVEY_TABLE5 = {
    "CNN-b128-l128": (31034755, 2397, 5.8, 9.0, 54.1),
    "L2-RAE-b128-l128": (30510339, 2395, 11.6, 13.9, 57.3),
    "GP-RAE-b128-l128": (30510339, 2395, 12.5, 14.1, 56.3),
    "Resnet-s4-b48-l128": (16179363, 1431, 4.9, 8.8, 49.5),
    "Resnet-s4-b48-l100": (16064619, 1430, 4.8, 8.7, 49.1),
    "Resnet-s4-b64-l64": (27766275, 2539, 7.2, 13.5, 78.6),
    "HFVAE-s4-z4-l48": (27139755, 1163, 13.1, 29.2, 207.0),
    "HFVAE-s4-z12-l64": (48113051, 2085, 21.3, 48.7, 325.2),
}
SURVEY_TABLE4 = {
    "Resnet-s4-b48-l128, laptop": (3.0, 6.0, 33.3),
    "Resnet-s4-b48-l128, workstation": (4.9, 8.8, 49.5),
    "Resnet-s4-b48-l100, laptop": (2.86, 5.9, 32.9),
    "Resnet-s4-b48-l100, workstation": (4.8, 8.7, 49.1),
    "Resnet-s3-b64-l64, laptop": (4.4, 9.0, 47.8),
    "Resnet-s3-b64-l64, workstation": (7.2, 13.5, 78.6),
}
# what is to be downloaded
DATA = {
    "cifar10": ("CIFAR-10", "170 MB"),
    "celeba": ("CelebA", "1.5 GB"),
    "mnist32": ("MNIST", "12 MB"),
    "mnist_binary": ("MNIST in two values", "12 MB"),
}
PICTURES = {
    "fid_rec_train": "reconstructions",
    "fid_rec_test": "reconstructions_test",
    "fid_gen1": "prior",
    "fid_gen2": "second_stage",
    "fid_gmm": "gmm",
    "fid_gen": "prior",
    "fid_gen_x1": "prior-x1",
    "fid_gen_x2": "prior-x2",
    "fid_gmm_test": "gmm_test",
    "fid_gen_mix": "prior-mix",
    **{f"fid_gmm_{part}": f"gmm-{part}" for part in ("x1", "x2", "mix")},
    "fid_gmm_test_mix": "gmm_test-mix",
}
CONFIGURED = ("epochs", "batch", "flows", "scales", "groups", "channels", "base", "cells")  # NVAE, the survey's Table 1
LIVE = ("params", "params_trainable", "stage_params", "flops_m", "traffic_mb", "calls", "train_gflops", "outputs", "mb",
        *CONFIGURED, "gflops", "weights_mb", "activations_mb")  # counted # fmt: skip
SECONDS = ("bs100_s", "bs10_s", "bs1_s")
# tables of seconds: two images, not thousands
TIMED = ("survey_table4", "survey_table5", "green_training", "survey_rae")
# large networks: some of them in a quick run, all of them in a slow one
ONE = {
    "survey_table1": ("MNIST",),
    "survey_table4": ("Resnet-s4-b48-l128, laptop",),
    "survey_table5": ("Resnet-s4-b48-l128",),
    "green_training": ("Resnet-s4-b48-l128",),
    "boon_table1": ("MNIST AutoEncoder", "CIFAR10 light ResLag-VAE"),
    "boon_ablation": ("CIFAR10 mini trunk",),
    "survey_rae": ("mini AE",),
    "survey_samplers": ("mini CNN, second stage, cosine",),
    "slides_anomaly": ("MNIST InfoVAE",),
    "slides_left_out": ("without 3",),
    "survey_balancing": ("ControlVAE",),
    "survey_posteriors": ("mini CNN",),
}
ELSEWHERE = (  # what other tables count, too; and tables with seeds, whose first run differs by names alone
    "green_training",
    "survey_table3",
    "svae_table1",
    "svae_table3",
    "svae_table4",
    "svae_baselines",
    "slides_denoising",
    "slides_sigma",
    "survey_balancing",
    "survey_rae",
    "survey_latent_sizes",
    "survey_second_stages",
    "svae_split_cifar10",
    "boon_objectives",
    "boon_spread",
    "review_sweep",
)
FIRST_RUNS = [
    *only(TABLES, *TABLES.keys() - set(ELSEWHERE)),
    *(pytest.param(f"{name}-all", marks=pytest.mark.slow) for name in ONE),
]
# one row of each kind where rows differ by a width or their data alone, which a smoke test replaces anyway
SMOKED = {
    "survey_table2": (
        *("CNN-b128-l128", "GP-RAE-b128-l128", "Resnet-s4-b48-l128", "HFVAE-s4-z4-l48", "NVAE-z10-b100-l4"),
        "PCA, 128 components",
    ),
    "survey_table3": ("CNN-b128-l64", "L2-RAE-b128-l64", "Resnet-s3-b64-l64"),
    "survey_codes": ("Resnet-s4-b48-l128", "mini L2-RAE"),
    "survey_samplers": (
        *(f"mini CNN, second stage, {loss}" for loss in ("cosine", "squared error", "Gaussian")),
        "mini CNN, mixture of 10, draws",
        "Resnet-s4-b48-l128, mixture of 10, means",
    ),
    "survey_second_stages": ("the survey's last code", "the survey's earlier code", "narrow, beta 0.005, 1 epoch"),
    "survey_posteriors": ("HFVAE-s4-z4-l48", "mini CNN", "mini L2-RAE", "MNIST mini Split-VAE", "MNIST Lagging VAE"),
    "svae_table1": ("RAE-SN", "2S-VAE (Dai, Wipf)", "SVAE"),
    "svae_table3": ("RAE-L2", "2S-VAE (Asperti, Trentin)", "SVAE"),
    "svae_table4": ("RAE-GP", "2S-VAE (Dai, Wipf)", "SVAE"),
    "svae_baselines": (
        *(f"mini 2S-VAE ({who})" for who in ("Dai, Wipf", "Asperti, Trentin")),
        *(f"mini RAE-{penalty} (Ghosh)" for penalty in ("L2", "SN")),
    ),
    "boon_table1": (
        *(f"MNIST {model}" for model in ("AutoEncoder", "beta-VAE", "MMD InfoVAE", "Optimal Sigma VAE", "Lagging VAE")),
        *(f"CIFAR10 {model}" for model in ("ResLag-VAE", "light ResLag-VAE")),
        "CelebA PCA, 150 components",
    ),
    "slides_anomaly": (
        *(f"MNIST {model}" for model in ("AutoEncoder", "beta-VAE", "InfoVAE", "Optimal Sigma VAE", "Lagging VAE")),
        *(f"MNIST {model}, 8 latents" for model in ("linear VAE", "convolutional VAE", "sigma-VAE")),
    ),
    "slides_left_out": ("without 3",),
    "survey_latent_sizes": ("factor 1, 64 units", "PCA, 64 components"),
    "boon_spread": ("FashionMNIST AutoEncoder", "FashionMNIST Optimal Sigma VAE"),
}
# of these, what no other table smokes: in a quick run; the others in a slow one
FEW = {
    "survey_table2": ("GP-RAE-b128-l128", "PCA, 128 components"),
    "survey_table3": ("CNN-b128-l64",),
    "survey_table4": ("Resnet-s4-b48-l128, laptop",),
    "survey_table5": ("HFVAE-s4-z4-l48",),
    "green_training": ("GP-RAE-b128-l128",),
    "svae_activity": ("mini split (MNIST)",),
    "svae_table1": ("RAE-SN",),
    "svae_table3": ("2S-VAE (Asperti, Trentin)",),
    "svae_table4": ("SVAE",),
    "svae_baselines": ("mini 2S-VAE (Asperti, Trentin)",),
    "boon_table1": ("MNIST AutoEncoder", "CelebA PCA, 150 components"),
    "boon_ablation": ("CIFAR10 mini trunk",),
    "boon_objectives": ("MNIST capacity", "MNIST PCA, 5 components"),
    "boon_spread": ("FashionMNIST Optimal Sigma VAE",),
    "slides_likelihood": ("IAF, free bits",),
    "slides_anomaly": ("MNIST beta-VAE",),
    "slides_disentanglement": ("capacity of 25 nats",),
    "slides_denoising": ("autoencoder, trained with noise 0.25",),
    "slides_sigma": ("learned, for every pixel",),
    "survey_balancing": ("ControlVAE",),
    "review_sweep": ("KL weight 1", "linear autoencoder"),
    "survey_codes": ("mini L2-RAE",),
    "survey_rae": ("mini AE",),
    "survey_samplers": ("mini CNN, mixture of 10, draws",),
    "survey_second_stages": ("the survey's earlier code",),
    "survey_posteriors": ("mini CNN",),
    "survey_fid": ("1280 features, default", "2048 features, rounded to 8 bit"),
    "svae_classes": ("3 classes", "frog"),
    "svae_split": ("Split-VAE",),
}
ALL = {name: SMOKED.get(name, [row.name for row in table.rows]) for name, table in TABLES.items()}
# smoked in a slow run alone: others do what they do
LATER = (
    *("survey_table3", "survey_samplers", "survey_latent_sizes", "survey_second_stages"),
    *("svae_table4", "svae_split_cifar10", "boon_spread"),
)
SMOKES = [
    *(
        pytest.param((name, FEW.get(name, rows)), id=name, marks=[pytest.mark.slow] * (name in LATER))
        for name, rows in ALL.items()
    ),
    *(
        pytest.param((name, rest), id=f"{name}-rest", marks=pytest.mark.slow)
        for name, few in FEW.items()
        if (rest := [row for row in ALL[name] if row not in few])
    ),
]


@pytest.fixture(params=list(TABLES))
def table(request):
    return TABLES[request.param]


def test_there_are_scripts():
    assert {"survey_table2", "survey_table3", "svae_table2"} <= set(TABLES)
    assert {*TABLES, *GALLERIES} == {path.stem for path in SCRIPTS}  # those of galleries: test_gallery.py
    assert not set(TABLES) & set(GALLERIES)


@pytest.mark.parametrize("name", list(TABLES))
def test_table_is_whole(name):
    table = TABLES[name]
    assert table.name == name
    for entries in (table.rows, table.columns):
        names = [entry.name.lower() for entry in entries]
        assert names and len(set(names)) == len(names)
    for row in table.rows:
        assert row.preset in PRESETS or row.images or row.pca or row.options or row.missing, row.name
        assert not row.preset or row.preset in PRESETS
        assert set(row.published) <= {column.name for column in table.columns}
        assert set(row.notes) <= {column.name for column in table.columns}
    assert all(row.published or row.images for row in table.rows)


def test_help_names_everything(table, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as stopped:
        main(table, ["--help"])
    assert stopped.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for entry in (*table.rows, *table.columns):
        assert entry.name in text
    assert f"python reproduce/{table.name}.py --smoke" in text and "exit codes" in text
    assert parser_for(table).prog == f"reproduce/{table.name}.py"


# the smoke test


@pytest.fixture(scope="module", params=SMOKES)
def smoked(request, tmp_path_factory):
    """(table, folder, exit code, names of its rows) of one smoke test."""
    (name, rows), out = request.param, tmp_path_factory.mktemp("smoke")
    with pytest.MonkeyPatch.context() as patch:
        hide_data(patch, tmp_path_factory.mktemp("bare"))
        chosen = ["--rows", *rows] if len(rows) < len(TABLES[name].rows) else []
        code = main(TABLES[name], ["--smoke", "--out", str(out), *chosen])
    return TABLES[name], out, code, rows


NARROW = {
    "cnn": "cnn-b128-l128", "l2-rae": "l2-rae-b128-l128", "gp-rae": "gp-rae-b128-l128",
    "resnet": "resnet-s4-b64-l64", "hfvae": "hfvae-s4-z4-l48", "nvae": "nvae-z10-b100-l4-code",
}  # fmt: skip


@pytest.mark.parametrize("family", list(NARROW))
def test_a_narrow_row_smokes_as_its_full_one(family):
    full, narrow = (shrink(PRESETS[f"survey/{name}"]) for name in (NARROW[family], f"{family}-mini"))
    assert (narrow.model, narrow.config) == (full.model, full.config)
    same = {"note": "", "halve_at": ()}  # which an only epoch does not see
    assert replace(narrow.recipe, **same) == replace(full.recipe, **same)


def headless(row, column):
    """Whether a column is of a part of the images of a Split-VAE, or of its map, and the row is of another model."""
    of_parts = column.endswith(("_x1", "_x2", "_mix")) or column.startswith(("map_", "parts_"))
    return of_parts and not row.pca and not row.name.startswith(("SVAE", "Split-VAE"))


def test_smoke_fills_every_cell(smoked):
    table, out, code, rows = smoked
    assert code == 0
    report = read_report(out / f"{table.name}.json")
    assert report["smoke"] is True
    assert list(report["rows"]) == [row.name for row in table.rows]
    for row in table.rows:
        cells = report["rows"][row.name]
        assert list(cells) == [column.name for column in table.columns]
        for name, cell in cells.items():
            printed = name in row.published or row.images
            filled = printed and row.name in rows and not row.missing and not headless(row, name)
            assert cell["verdict"] == ("smoke" if filled else "not run"), (row.name, name, cell)
            assert cell["published"] == row.published.get(name)
            assert cell["difference"] is None  # of what would it be one
            if cell["verdict"] == "smoke":
                assert math.isfinite(cell["value"])
            else:
                assert cell["value"] is None and cell["reason"]
                assert cell["reason"].startswith("no split head") == (headless(row, name) and row.name in rows)


def test_smoke_writes_markdown(smoked):
    table, out, *_ = smoked
    lines = (out / f"{table.name}.md").read_text(encoding="utf-8").splitlines()
    assert "**Smoke test: tiny networks on embedded digits; the numbers mean nothing.**" in lines
    head = next(line for line in lines if line.startswith("| "))
    for column in table.columns:
        assert f" {column.title} |" in head
    for row in table.rows:
        (first,) = [index for index, line in enumerate(lines) if line.startswith(f"| **{row.name}** | published |")]
        assert [line.split(" | ")[1] for line in lines[first + 1 : first + 4]] == ["ours", "difference", "verdict"]
        assert all(line.count(" | ") == len(table.columns) + 1 for line in lines[first : first + 4])
        assert "nan" not in lines[first + 1]


def test_smoke_draws_what_it_measures(smoked):
    table, out, _, rows = smoked
    pictures = {path.name for path in (out / table.name).glob("*.png")}
    expected = set()
    for row in table.rows:
        if row.images:
            expected.add(f"{row.name.replace(' ', '-')}.png")
        elif not row.missing and row.name in rows:
            seed = f", seed {table.seeds[0]}" if table.seeds else ""
            expected |= {
                f"{row.name}{seed}-{kind}.png"
                for name, kind in PICTURES.items()
                if name in row.published and not headless(row, name)
            }
    assert expected <= pictures and (expected or not any(column.name in PICTURES for column in table.columns))
    for name in pictures:
        image = np.asarray(Image.open(out / table.name / name))
        assert image.min() < image.max(), name


def test_smoke_leaves_nothing_half_written(smoked):
    _, out, *_ = smoked
    assert not [path for path in out.rglob("*") if path.name.startswith(".")]


# the printed numbers


@pytest.mark.parametrize(
    ("name", "printed"), [("survey_table2", SURVEY_TABLE2), ("survey_table3", SURVEY_TABLE3)], ids=lambda x: str(x)[:13]
)
def test_printed_numbers_of_the_survey(name, printed):
    rows = {row.name: row for row in TABLES[name].rows if "mini" not in row.name and not row.pca}
    second_reading = rows.pop("CNN-b128-l64 (seed 8x8)", None)
    assert list(rows) == list(printed)  # in the printed order
    columns = [column.name for column in TABLES[name].columns]
    assert {column: columns.index(column) for column in NEW_IMAGES} == NEW_IMAGES
    assert tuple(column for column in columns if column not in NEW_IMAGES) == ORDER
    for row, numbers in printed.items():
        assert rows[row].published == {**dict(zip(ORDER, numbers, strict=True)), **dict.fromkeys(NEW_IMAGES)}
    assert (second_reading is None) == (name == "survey_table2")
    assert second_reading is None or second_reading.published == rows["CNN-b128-l64"].published


@pytest.mark.parametrize(
    ("name", "printed"), [("svae_table1", SVAE_TABLE1), ("svae_table3", SVAE_TABLE3), ("svae_table4", SVAE_TABLE4)]
)
def test_printed_numbers_of_split_vae(name, printed):
    rows = {row.name: row for row in TABLES[name].rows}
    assert list(rows)[:5] == list(printed)[:5]
    for row, numbers in printed.items():
        published = rows[row].published
        assert tuple(published[column] for column in ("params", "fid_gen", "fid_gmm")) == numbers


def test_printed_numbers_of_the_split_rows():
    table1, table3, table4 = (
        {row.name: row.published for row in TABLES[name].rows} for name in ("svae_table1", "svae_table3", "svae_table4")
    )
    digits, numbers = table1["SVAE"], ("params_trainable", "fid_gen", "fid_gmm", "fid_gmm_test")
    assert tuple(digits[name] for name in numbers) == (12793667, 20.4, 7.47, 7.47) and digits["params"] is None
    assert table3["SVAE"]["fid_gmm_test"] == 69.5
    faces = table4["SVAE"]
    published = {name: value for name, value in faces.items() if value is not None}
    assert published == {
        "params": 28989363, "fid_gen": 54.8, "fid_gen_x1": 49.0, "fid_gen_x2": 45.7, "fid_gmm_test_mix": 35.1,
    }  # fmt: skip
    for rows in (table1, table3, {row.name: row.published for row in TABLES["survey_table2"].rows}):
        minis = [numbers for name, numbers in rows.items() if "mini" in name]
        assert minis and all(set(numbers.values()) == {None} for numbers in minis)  # not in the papers


@pytest.mark.parametrize(
    ("name", "printed", "order"),
    [
        ("survey_table4", SURVEY_TABLE4, SECONDS),
        ("survey_table5", SURVEY_TABLE5, ("params", "flops_m", *SECONDS)),
    ],
)
def test_printed_seconds_of_the_survey(name, printed, order):
    rows = {row.name: row for row in TABLES[name].rows}
    assert list(rows) == list(printed)
    for row, numbers in printed.items():
        assert tuple(rows[row].published[column] for column in order) == numbers


def test_table_4_has_the_workstation_of_table_5():
    table5 = {row.name: row.published for row in TABLES["survey_table5"].rows}
    for row in TABLES["survey_table4"].rows:
        name, machine = row.name.replace("s3", "s4").split(", ")
        if machine == "workstation":
            assert row.published.items() <= table5[name].items()


def test_printed_number_of_split_vae():
    table = TABLES["svae_table2"]
    assert {row.name: row.published for row in table.rows if row.published} == {"random mix": {"fid": 5.3}}
    assert [row.name for row in table.rows][1:] == [
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ]  # fmt: skip
    assert (table.reference.dataset, table.reference.split, table.reference.n) == ("cifar10", "test", 10_000)


# without data

TYPED = "survey_table2"


@pytest.fixture(scope="module")
def first_run(tmp_path_factory):
    """first_run(name) -> (table, names of rows, report, stdout) of the command that one types first, without data."""

    @functools.cache
    def run(asked):
        name = asked.removesuffix("-all")
        rows = ONE.get(asked, ())
        options = ["--limit-eval", "2"] if name in TIMED else []
        options += ["--rows", *rows] if rows else []
        folder = tmp_path_factory.mktemp("first")
        found = first_run_of(main, TABLES[name], options, folder, typed=name == TYPED)
        return TABLES[name], rows or [row.name for row in TABLES[name].rows], *found

    return run


@pytest.mark.parametrize("name", FIRST_RUNS)
def test_first_run_counts_to_the_digit_and_says_why_not_the_rest(name, first_run):
    table, rows, report, _ = first_run(name)
    exact, optional = 0, {column.name: column.optional for column in table.columns}
    for row in (row for row in table.rows if row.name in rows):
        own = PRESETS[row.preset].dataset if row.preset else table.reference.dataset
        dataset, size = DATA.get(own, ("", ""))
        for column, cell in report["rows"][row.name].items():
            if optional[column]:
                assert (cell["verdict"], cell["reason"]) == ("not run", optional[column])
            elif row.pca and column not in row.published:
                assert (cell["verdict"], cell["reason"]) == ("not run", PcaRun.unprinted)
            elif row.missing:
                assert (cell["verdict"], cell["reason"]) == ("not run", row.missing)
            elif row.options and column not in row.published:
                assert (cell["verdict"], cell["reason"]) == ("not run", OptionsRun.unprinted)
            elif column not in row.published and not row.images:
                assert (cell["verdict"], cell["reason"]) == ("not run", "the paper prints nothing here")
            elif column in LIVE and row.published[column] is None:
                assert cell["verdict"] == "measured" and cell["value"] > 0
            elif column in LIVE and (column not in row.notes or row.name == "SVAE"):
                assert cell["verdict"] == "exact" and cell["value"] == cell["published"] == row.published[column]
                exact += 1
            elif column == "alpha_mflops":  # of a device whose layers are measured
                known = cell["verdict"] == "measured" and 0 < cell["value"] < row.published["flops_m"]
                assert known or "green_dissection.py` measures them" in cell["reason"]
            elif column == "step_s":
                assert cell["verdict"] == "measured" and cell["value"] > 0 and "steps of 2 on" in cell["remark"]
            elif column in SECONDS:
                assert cell["verdict"] == "not comparable" and cell["value"] > 0 and "measured on" in cell["reason"]
            elif headless(row, column):
                assert cell["verdict"] == "not run" and cell["reason"].startswith("no split head")
            elif column not in LIVE:
                assert cell["verdict"] == "not run" and cell["value"] is None
                words = ("no trained weights",) if own == "sprites" else (dataset, size, "--download")
                assert all(part in cell["reason"] for part in words), cell["reason"]
    known = {
        "survey_table2": 13,
        "survey_table3": 12,
        "svae_table1": 6,
        "svae_table3": 6,
        "svae_table4": 1,
    }
    known |= {"survey_table5": 2, "survey_table5-all": 12, "review_table1": 21}
    known |= {"survey_table1": 8, "survey_table1-all": 24}
    assert exact == known.get(name, 0)


@pytest.mark.parametrize("name", FIRST_RUNS)
def test_first_run_prints_the_table(name, first_run):
    table, rows, _, printed = first_run(name)
    for row in rows:
        assert row in printed
    if table.name not in (*TIMED, "review_table1", "survey_table1", "slides_disentanglement"):  # these need no files
        assert "GREEN_VAE_DATA" in printed and re.search(r"- \[\d+\]", printed)


@pytest.mark.parametrize("name", ["survey_table2"])
def test_counts_are_printed_whole(name, first_run):
    *_, printed = first_run(name)
    for row, (parameters, mflops, *_) in SURVEY_TABLE2.items():
        assert f"{parameters:,}" in printed and f"{mflops:,}" in printed, row


@pytest.mark.parametrize(
    ("row", "counts", "verdict"),
    [
        ("HFVAE-s4-z4-l48", (23575615, 655), "differs"),
        ("HFVAE-s4-z12-l64", (41805257, 1163), "differs"),
        ("NVAE-z10-b100-l4", (8305521, 4478), "exact"),
    ],
)
@pytest.mark.parametrize("name", ["survey_table2"])
def test_counts_of_the_hierarchical_rows(name, row, counts, verdict, first_run):
    *_, report, printed = first_run(name)
    cells = [report["rows"][row][column] for column in ("params", "flops_m")]
    assert tuple(cell["value"] for cell in cells) == counts
    assert {cell["verdict"] for cell in cells} == {verdict}
    assert "no regular network was found" in " ".join(printed.split())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["survey_table1-all"])
def test_configurations_of_nvae(name, first_run):
    *_, report, printed = first_run(name)
    assert [report["rows"][row]["params"]["value"] for row in ("MNIST", "CIFAR-10", "CelebA")] == [
        18930085, 131174099 + (9 * 128 + 1) * 97, 153661647 + (9 * 64 + 1) * 97,
    ]  # fmt: skip  # 100 parameters of a mixture per pixel instead of 3 channels
    text = " ".join(printed.split())
    for line in ("5;10 groups per scale, z of 4x4;8x8, as printed", "z of 8x8;16x16;32x32, as printed",
                 "A forward pass has 66.2, fewer than that"):  # fmt: skip
        assert line in text


@pytest.mark.parametrize(
    ("row", "right", "wrong", "value"),
    [
        ("CNN-b128-l64", "params", "flops_m", 9550),
        ("CNN-b128-l64 (seed 8x8)", "flops_m", "params", 28_407_683),
    ],
)
@pytest.mark.parametrize("name", ["survey_table3"])
def test_the_contradiction_of_table_3_is_told(name, row, right, wrong, value, first_run):
    *_, report, printed = first_run(name)
    cells = report["rows"][row]
    assert cells[right]["verdict"] == "exact" and cells[right]["reason"] == ""
    assert cells[wrong]["verdict"] == "differs" and cells[wrong]["value"] == value
    assert cells[wrong]["difference"] == value - cells[wrong]["published"]
    assert "the paper contradicts itself" in cells[wrong]["reason"] and "the paper contradicts itself" in printed
