"""The sweep of the review's KL weight: what its columns measure, and its verdicts from made reports."""

import numpy as np
import pytest
from experiment_tables import TABLES

from green_vae import metrics, presets
from green_vae.data import Dataset
from green_vae.experiments.papers import review_sweep as made
from green_vae.presets.review import WEIGHTS

TABLE = TABLES["review_sweep"]


class Made:
    """A run of a made data set, whose model shifts pixels, and whose codes are the class and noise."""

    def __init__(self, variational=True):
        rng = np.random.default_rng(0)
        images = rng.integers(0, 200, (40, 8, 8, 3), dtype="uint8")
        images[:, 0, 0, 0] = labels = np.arange(40) % 2
        sets = {"train": Dataset("made", "train", images, labels, ("even", "odd"))}
        sets["test"] = Dataset("made", "test", images[::-1].copy(), labels[::-1].copy(), ("even", "odd"))
        self.bench = type("Bench", (), {"data": staticmethod(lambda name, split: sets[split])})
        self.preset = type("Preset", (), {"dataset": "made"})
        self.settings = type("Settings", (), {"seed": 0})
        self.reference_count, self.trained, self.variational = 12, self, variational

    def reconstruct(self, images, seed=0):
        return images / np.float32(255) * np.float32(0.8)

    def posterior(self, images):
        codes = np.random.default_rng(1).normal(size=(len(images), 3)).astype("float32")
        codes[:, 2] = 100.0 * images[:, 0, 0, 0]
        return {"mean" if self.variational else "z": codes}


@pytest.mark.parametrize("split", ["train", "test"])
def test_similarity_of_a_split_in_both_ranges(split):
    run = Made()
    images = run.bench.data("made", split).images[:12]
    for data_range in (1, 2):
        found = made.similarity(split, data_range).measure(run)
        assert found.value == pytest.approx(
            metrics.ssim(images, images / np.float32(255) * np.float32(0.8), data_range)
        )
        assert found.images == 12 and found.made.endswith(f"{'training' if split == 'train' else 'test'} images")


@pytest.mark.parametrize("variational", [True, False])
def test_classes_that_the_third_unit_tells_mix_in_the_first_two(variational):
    run = Made(variational)
    assert made.mixing(None, "knn", "").measure(run).value == 100.0
    two = made.mixing(2, "knn_two", "").measure(run)
    assert two.value < 90 and two.images == 40


def report(**cells):
    """Row -> column -> values of three seeds, or one number."""
    rows = {row: {} for row in made.ROWS}
    for name, found in cells.items():
        column, _, row = name.partition("__")
        row = {"first": made.PAPER, "second": made.row_of(WEIGHTS[1]), "linear": made.LINEAR, "pca": made.PCA}[row]
        several = found if isinstance(found, tuple) else ()
        details = {"values": {str(seed): value for seed, value in enumerate(several)}} if several else {}
        rows[row][column] = {"value": np.mean(found), "details": details}
    return {"smoke": False, "rows": rows}


@pytest.mark.parametrize(
    ("found", "word"),
    [
        ((0.815, 0.82, 0.825), "holds"),
        ((0.70, 0.75, 0.72), "does not hold"),
        ((0.79, 0.81, 0.805), "open"),
        (0.9, "holds"),
        (0.79, "does not hold"),
    ],
)
def test_whether_a_row_reaches_the_ssim(found, word):
    assert made.reaches(report(ssim_test__first=found), "ssim_test", made.PAPER)[0] == word
    assert made.reaches(report(), "ssim_test", made.PAPER) is None


def test_all_conclusions_of_a_made_report():
    cells = {"ssim_test__first": (0.3, 0.31, 0.32), "ssim_test__second": (0.5, 0.52, 0.51), "ssim_test__pca": 0.91}
    cells |= {"kid_neighbours__first": (90.0, 91.0, 92.0), "kid_prior__first": (120.0, 122.0, 121.0)}
    cells |= {"mse_train_x1e3__linear": (2.84, 2.86, 2.85), "mse_train_x1e3__pca": 2.5}
    lines = list(made.conclusions(report(**cells)))
    assert len(lines) == 4
    assert "KL weight 1 0.310 ± 0.025: does not hold" in lines[0] and "PCA, 256 components 0.910: holds" in lines[0]
    assert "KL weight 0.1 has a higher SSIM" in lines[1] and ": holds; +0.2" in lines[1]
    assert "KID x 1000: holds; -30.0" in lines[2]
    assert "within 0.25 of the PCA's" in lines[3] and ": does not hold; +0.35" in lines[3]
    assert not list(made.conclusions({**report(**cells), "smoke": True})) and not list(made.conclusions(report()))


def test_rows_are_the_presets_that_they_name():
    rows = {row.name: row for row in TABLE.rows}
    assert tuple(rows) == made.ROWS
    for weight in WEIGHTS:
        config = presets.preset(rows[made.row_of(weight)].preset).config
        assert (config["beta"], config["kl"]) == (weight, "exact")
    linear = presets.preset(rows[made.LINEAR].preset).outline(0)
    for network in linear.networks().values():
        assert sum(bool(layer.weights) for layer in network.layers) == 1
