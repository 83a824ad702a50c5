"""The tables of the FID itself: which images are compared, and what is concluded from numbers."""

from types import SimpleNamespace

import numpy as np
import pytest
from experiment_tables import TABLES

from green_vae import metrics
from green_vae.experiments.bench import Bench
from green_vae.experiments.papers import fid_protocols, svae_classes
from green_vae.experiments.papers.svae_claims import falls_slowly
from green_vae.experiments.spec import Settings
from green_vae.metrics import frechet_from_features

PROTOCOLS, CLASSES = TABLES["survey_fid"], TABLES["svae_classes"]


@pytest.fixture
def bench(tmp_path):
    return Bench(PROTOCOLS, Settings(out=tmp_path, smoke=True))


def test_as_many_images_of_every_class(bench):
    images, labels = fid_protocols.by_class(bench)
    counts = np.unique(labels, return_counts=True)[1]
    assert len(set(counts)) == 1 and len(images) == counts.sum() and len(counts) == 10
    train = bench.data("cifar10", "train")
    found = {image.tobytes(): label for image, label in zip(train.images, train.labels, strict=True)}
    assert all(found[image.tobytes()] == label for image, label in zip(images, labels, strict=True))
    assert len(set(labels[:10])) > 3  # in random order


def test_a_distance_and_its_halves(bench, monkeypatch):
    asked = []
    kept = {name: np.random.default_rng(i).standard_normal((60, 4)) for i, name in enumerate(("svae", "reference"))}
    monkeypatch.setattr(
        fid_protocols, "features", lambda bench, name, *how: asked.append((name, *how)) or kept[name][: how[1]]
    )
    found = fid_protocols.distances(bench, "svae", "mixed8", "nearest", True, 40)
    assert asked == [(name, "mixed8", 40, "nearest", True) for name in kept] and len(found) == 11
    assert found[0] == pytest.approx(frechet_from_features(*(x[:40] for x in kept.values())))
    assert np.std(found[1:]) > 0 and np.mean(found[1:]) > found[0]  # fewer images, a larger distance


def test_only_generated_images_are_rounded(bench):
    a, b = (fid_protocols.features(bench, "svae", "mixed8", 90, rounded=rounded) for rounded in (False, True))
    same = [fid_protocols.features(bench, "real", "mixed8", 90, rounded=rounded) for rounded in (False, True)]
    np.testing.assert_array_equal(*same)
    assert len(list((bench.settings.out / "cache").glob("*.npz"))) == 3 and a.shape == b.shape


def cell(value, spread=None):
    return {"value": value, "details": {"spread": spread}, "label": "FID~"}


def report():
    def row(mix, svae, resnet, *shifts):
        names = [f"fid_{name}" for name in ("real", "svae", "resnet")] + [
            f"shift_{name}" for name in ("svae", "resnet")
        ]
        return dict(zip(names, map(cell, (mix, svae, resnet, *shifts)), strict=False))

    default = {name: cell(entry["value"], 2.0) for name, entry in row(30.0, 140.0, 120.0).items()}
    return {
        "rows": {
            "1280 features, default": default,
            "1280 features, nearest pixel": row(30.0, 133.0, 134.0, -7.0, 14.0),
            "1280 features, rounded to 8 bit": row(None, 140.5, 120.0, 0.5, 0.0),
        }
    }


def test_what_protocols_move_and_turn():
    lines = list(fid_protocols.conclusions(report()))
    assert "exceeds the noise of a distance of 10,000 images in 2 of 4 cells" in lines[0]  # 2 x sqrt(0.1) = 0.63
    assert lines[1] == "Nearest pixel: distances shift by -5.0 to +11.7 % of the default's."
    assert lines[3].endswith("in 1 of 3 rows: 1280 features, nearest pixel.")
    assert list(fid_protocols.conclusions({"rows": {}})) == []


def test_rows_are_protocols_of_both_layers():
    options = [row.options for row in PROTOCOLS.rows]
    assert len(options) == len({str(own) for own in options}) == 22
    for row in PROTOCOLS.rows:
        assert ("shift_svae" in row.published) == (row.options.keys() & {"resize", "rounded"} != set())


def test_choices_of_classes():
    assert [len({*svae_classes.choices(k, 0)}) for k in (1, 2, 9)] == [10, 10, 10]
    assert svae_classes.choices(10, 0) == [tuple(range(10))] * 10
    assert all(len(set(choice)) == 4 for choice in svae_classes.choices(4, 0))
    labels = np.repeat(np.arange(10), 50)
    for classes, n in (((3,), 30), ((0, 4, 9), 50), (tuple(range(10)), 100)):
        places = svae_classes.drawn(labels, classes, np.random.default_rng(0), n)
        counts = np.bincount(labels[places], minlength=10)[list(classes)]
        assert len(set(places)) == n == counts.sum() and counts.max() - counts.min() <= 1


def test_the_error_of_one_class_is_the_spread_over_other_images():
    """Halves of one set of 450 against 30 sets of 450 images, by FID and by KID."""
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(2_000, 12))
    moments = metrics.Moments(12).update(reference)
    sets = [rng.normal(0.3, 1.2, (450, 12)) for _ in range(30)]
    for measured in (svae_classes.fid, svae_classes.kid):
        spread = np.std(measured(sets, reference, moments, 0), ddof=1)
        errors = [np.std(measured(svae_classes.halves_of(own, 0), reference, moments, 0), ddof=1) for own in sets[:5]]
        assert 0.6 < np.mean(errors) / spread < 1.6
    assert len(svae_classes.halves_of(sets[0], 0)) == 2 * svae_classes.SPLITS


@pytest.mark.parametrize(("left", "verdict"), [((0.7, 0.6), True), ((0.2, 0.4), False), ((0.7, 0.4), None)])
def test_what_a_slow_fall_is(left, verdict):
    rows = {
        name: {"fid": cell(value), "fid_1280": cell(other)}
        for name, value, other in (("1 class", 110.0, 11.0), ("5 classes", 10 + 100 * left[0], 1 + 10 * left[1]))
    }
    rows["10 classes"] = {"fid": cell(10.0), "fid_1280": cell(1.0)}
    published, ours = falls_slowly(SimpleNamespace(rows=lambda table: rows))
    assert (published.says, ours.says) == (None, verdict) and f"{left[0]:.0%} by FID~" in ours.text
    assert falls_slowly(SimpleNamespace(rows=lambda table: {}))[1].text == "not measured"
