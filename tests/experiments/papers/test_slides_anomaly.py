"""Anomaly detection: which images are compared, scores against those of the model, the area against pairs by hand."""

import numpy as np
import pytest
from experiment_tables import TABLES
from PIL import Image

from green_vae import presets
from green_vae.experiments.bench import Bench
from green_vae.experiments.papers import slides_anomaly
from green_vae.experiments.run import Run
from green_vae.experiments.spec import Settings

TABLE = TABLES["slides_anomaly"]
ROWS = {row.name: row for row in TABLE.rows}
SHIPPED = [name for name in presets.PRESETS if presets.pretrained_path(name).exists()]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A tiny beta-VAE of digits, which are the anomalies, too."""
    found = Run(Bench(TABLE, Settings(out=tmp_path_factory.mktemp("out"), smoke=True)), ROWS["MNIST beta-VAE"])
    return found.prepare()


def test_all_shipped_models_of_28x28_digits_and_clothes_are_rows():
    of = {name for name in SHIPPED if presets.preset(name).dataset in slides_anomaly.OTHER}
    assert {row.preset for row in TABLE.rows} == of


def test_a_row_has_every_score_that_its_model_can_give():
    for row in TABLE.rows:
        kind = presets.preset(row.preset).model
        bounded = kind not in ("autoencoder", "info_vae")
        assert len(row.published) == (5 if bounded else 2), row.name
        assert row.name.split()[0].lower() == presets.preset(row.preset).dataset.removesuffix("_mnist")


def test_the_area_is_the_share_of_pairs_in_the_right_order():
    """Of 3 x 2 pairs, four in order and one tied, which counts one half."""
    assert slides_anomaly.area(np.array([3.0, 2.0, 0.0]), np.array([1.0, 0.0])) == pytest.approx(4.5 / 6)
    assert slides_anomaly.area(np.array([1.0, 2.0]), np.array([-5.0, 0.5])) == 1.0
    rng = np.random.default_rng(0)
    own, other = rng.normal(0.5, 1, 40), rng.normal(0, 2, 30)
    pairs = (own[:, None] > other[None]).mean()
    assert slides_anomaly.area(own, other) == pytest.approx(pairs)
    assert slides_anomaly.area(other, own) == pytest.approx(1 - pairs)


def test_both_sides_are_test_images_and_as_many():
    settings = Settings(limit_eval=7)
    bench = Bench(TABLE, settings)
    bench.data = lambda name, split: Named(name, split)
    for row, expected in (("MNIST beta-VAE", "mnist fashion_mnist"), ("Fashion beta-VAE", "fashion_mnist mnist")):
        assert [shown.name for shown in slides_anomaly.images_of(Run(bench, ROWS[row]))] == expected.split()


class Named:
    """A data set whose images are told by name, and only the first seven of the test split are asked for."""

    def __init__(self, name, split):
        assert split == "test"
        self.name, self.images = name, self

    def __len__(self):
        return 10_000

    def __getitem__(self, part):
        assert part == slice(None, 7)
        return self


def test_the_scores_are_those_of_the_model(run):
    model, (images, _) = run.trained, slides_anomaly.images_of(run)
    own, other = (slides_anomaly.scores(run, side) for side in (0, 1))
    assert list(own) == list(other) == ["reconstruction", "elbo", "iw"]
    for kind, found in own.items():
        options = {} if kind == "reconstruction" else {"k": slides_anomaly.SMOKE_K, "sigma": np.sqrt(model.beta)}
        np.testing.assert_allclose(found, model.score(images, kind, **options), rtol=1e-6)
        np.testing.assert_array_equal(found, other[kind])  # digits stand for both data sets in a smoke test


def test_the_share_of_own_images_below_a_black_one(run):
    black = run.trained.score(np.zeros((1, 32, 32, 1), "uint8"))[0]
    found = slides_anomaly.below_black("reconstruction").measure(run)
    own = run.trained.score(slides_anomaly.images_of(run)[0])
    assert found.value == pytest.approx(100 * sum(score < black for score in own) / 96)
    assert found.remark == f"score of a black image {black:,.1f}"


def test_the_sigma_that_an_objective_stands_for(run):
    """1/2 SSE + beta KL is sigma^2 times SSE / (2 sigma^2) + KL, the bound of that sigma without its constant."""
    model, (error, kl) = run.trained, (30.0, 7.0)
    weights, sigma = model.term_weights(), slides_anomaly.sigma_of(model)
    loss = weights["reconstruction"] * error + weights["kl"] * kl
    assert loss / sigma**2 == pytest.approx(error / (2 * sigma**2) + kl)
    stated = [name for name in ROWS if "sigma" in name.lower() or "Lagging" in name or "linear" in name]
    assert len(stated) == 8
    for name in stated:  # which state their own
        assert slides_anomaly.sigma_of(presets.preset(ROWS[name].preset).outline(0)) is None


def test_what_is_measured(run):
    found = TABLE.columns[0].measure(run)
    assert found.value == pytest.approx(0.5) and (found.images, found.reference_images) == (96, 96)
    assert found.remark.startswith("mean score -") and found.made == ""
    assert TABLE.columns[2].measure(run).made == "2 draws for each image"
    identities = [column.identity(run) for column in TABLE.columns]
    assert len({one["quantity"] for one in identities}) == 5
    assert ["k" in one for one in identities] == [False, True, True, False, True]
    with Image.open(run.settings.out / "slides_anomaly" / "MNIST-beta-VAE-iw.png") as picture:
        assert picture.size[0] > 300


def test_a_left_out_digit_is_in_no_training_image_and_is_all_anomalies(tmp_path):
    table = TABLES["slides_left_out"]
    bench = Bench(table, Settings(out=tmp_path, smoke=True))
    test = bench.data("digits", "test")[: bench.count]
    for digit, row in enumerate(table.rows):
        run = Run(bench, row)
        assert run.preset.without == digit and str(digit) in row.name
        assert set(run.train_data.labels) == set(range(10)) - {digit}
        own, anomalies = slides_anomaly.images_of(run)
        assert len(own) + len(anomalies) == len(test) and len(anomalies) == (test.labels == digit).sum()
        np.testing.assert_array_equal(anomalies, test.images[test.labels == digit])
        assert slides_anomaly.names(run) == ["the other digits", f"the digit {digit}"]


def test_conclusions_over_the_left_out_digits():
    """The ELBO is better by 0.1 give or take 0.01 in all ten; the other bound is the same in the mean."""
    table, rng = TABLES["slides_left_out"], np.random.default_rng(0)
    rows = {}
    for row in table.rows:
        error, noise = rng.uniform(0.6, 0.8), rng.normal(0, 0.01, 2)
        found = {"reconstruction": error, "elbo": error + 0.1 + noise[0], "iw": error + 0.1 + noise[1]}
        rows[row.name] = {f"auroc_{kind}": {"value": value} for kind, value in found.items()}
    lines = list(slides_anomaly.of_left_out({"rows": rows, "smoke": False}))
    assert len(lines) == 6 and all("mean 0." in line for line in lines[:3])
    assert [line.rsplit("; ", 1)[1] for line in lines[3:]] == ["finds less.", "finds less.", "open."]
    assert not list(slides_anomaly.of_left_out({"rows": rows, "smoke": True}))
    rows["without 3"]["auroc_iw"]["value"] = None
    assert not list(slides_anomaly.of_left_out({"rows": rows, "smoke": False}))


def test_every_score_below_chance_is_told():
    cells = {"auroc_reconstruction": {"value": 0.9, "remark": ""}, "auroc_iw": {"value": 0.25, "remark": "mean 1 of a"}}
    (line,) = slides_anomaly.failures({"rows": {"Fashion VAE": cells}})
    told = "the other data set scores higher than the model's own, AUROC 0.250 (mean 1 of a)."
    assert line == f"Fashion VAE, log p(x), k = 20: {told}"
    cells["auroc_iw"]["value"] = 0.75
    assert len(list(slides_anomaly.failures({"rows": {"Fashion VAE": cells}}))) == 1
    assert list(slides_anomaly.failures({"rows": {"Fashion VAE": {"auroc_iw": {"value": None, "remark": ""}}}})) == []
