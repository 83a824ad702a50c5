"""Numbers of how a Split-VAE divides its images, against closed forms; verdicts, from made reports."""

from types import SimpleNamespace

import numpy as np
import pytest

from green_vae import presets
from green_vae.experiments.evidence import Reports
from green_vae.experiments.overview import ROOT
from green_vae.experiments.papers import split_maps, svae_claims
from green_vae.experiments.papers.split_maps import SPLIT, TWIN, edge_correlation, high_share, look


def wave(cycles, side=32):
    """(1, side, side, 1): a cosine along the columns, with so many cycles in the width."""
    row = np.cos(2 * np.pi * cycles * np.arange(side) / side)
    return np.tile(row, (1, side, 1))[..., None]


@pytest.mark.parametrize(("cycles", "share"), [(1, 0), (7, 0), (8, 1), (16, 1)])  # 8 of 32 pixels are 0.25 a pixel
def test_the_share_of_a_wave_is_all_or_nothing(cycles, share):
    assert high_share(wave(cycles) + 3) == pytest.approx(share, abs=1e-12)


def test_the_share_of_a_sum_is_that_of_the_variances():
    assert high_share(2 * wave(2) + wave(12)) == pytest.approx(1 / 5)
    both = np.concatenate([wave(2), wave(12)], axis=-1)  # as two channels
    assert high_share(both) == pytest.approx(1 / 2)


def test_the_share_of_white_noise_and_of_a_constant():
    noise = np.random.default_rng(0).standard_normal((50, 64, 64, 1))
    assert high_share(noise).mean() == pytest.approx(1 - np.pi / 16, abs=0.01)
    assert high_share(np.ones((2, 8, 8, 3))).tolist() == [0, 0]


def test_the_full_width_network_of_cifar10_divides_by_lines():
    """So it says nothing of semantic splits, which one of the paper's claims is about."""
    model = presets.load("svae/cifar10")
    codes = np.random.default_rng(0).standard_normal((20, model.latent_dim), dtype="float32")
    maps, images = (high_share(model.decode(codes, part=part)).mean() for part in ("map", "x"))
    assert look(maps / images) == "syntactic" and maps > 3 * images
    _, ours = svae_claims.lower_parts(Reports(ROOT / "results"))
    assert ours.says is None and "syntactic" in ours.text


def test_edges_that_stand_in_one_place_go_together():
    rng = np.random.default_rng(1)
    images = rng.uniform(size=(3, 16, 16, 3))
    own = images.mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(edge_correlation(1 - 2 * own, images), 1)  # whichever side is the brighter one
    assert abs(edge_correlation(rng.uniform(size=(3, 16, 16, 1)), images)).max() < 0.3
    assert edge_correlation(np.ones_like(own), images).tolist() == [0, 0, 0]


def report(**values):
    """A report of one table: column of the split model, or `twin_` and the column, -> values over the seeds."""
    rows = {SPLIT: {}, TWIN: {}}
    for name, own in values.items():
        row, column = (TWIN, name.removeprefix("twin_")) if name.startswith("twin_") else (SPLIT, name)
        rows[row][column] = {"details": {"values": {str(seed): value for seed, value in enumerate(own)}}}
    return {"smoke": False, "rows": rows}


def test_claims_are_judged_seed_by_seed():
    made = report(
        active_means=(9, 12, 14), twin_active_means=(5, 8, 10),  # always 4 more, though the seeds differ by more
        kid_x=(10, 20, 30), twin_kid_x=(15, 20, 25), kid_x1=(15, 25, 36), map_high_ratio=(2.5, 0.4, 1.2),
    )  # fmt: skip
    told = list(split_maps.conclusions(made))
    assert told == [
        "Split-VAE has more active units than its twin: +4.00 ± 0.00, holds.",
        "Split-VAE generates better than its twin, by KID x 1000: +0.0 ± 12.4, open.",
        "Images of x1 alone are better than those of x, by KID x 1000: +5.33 ± 1.43, does not hold.",
        "The maps of Split-VAE, by their share of high frequencies over that of the images: seed 0 syntactic (2.50), "
        "seed 1 semantic (0.40), seed 2 between the two (1.20).",
    ]
    assert not list(split_maps.conclusions({**made, "smoke": True}))
    assert not list(split_maps.conclusions(report(active_means=(1,), twin_active_means=(2,))))


def test_the_looks_meet_without_a_gap():
    assert [look(ratio) for ratio in (0.99, 1.0, 2.0, 2.01)] == [
        "semantic", "between the two", "between the two", "syntactic",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ratios", "says", "told"),
    [
        (
            (2.5, 0.4, 1.2),
            True,
            "narrow; MNIST, of 3 seeds, 1 syntactic, 1 semantic, 1 between the two: maps have 0.40 to 2.50",
        ),
        ((3.0, 2.5, 1.2), None, "narrow; MNIST, of 3 seeds, 2 syntactic, 1 between the two: maps have 1.20 to 3.00"),
        ((3.0,), None, "not measured"),
    ],
)
def test_the_claim_of_two_looks(ratios, says, told):
    rows = report(map_high_ratio=ratios)["rows"]
    _, ours = svae_claims.looks(SimpleNamespace(rows=lambda table: rows if table == "svae_split" else {}))
    assert ours.says is says and ours.text.startswith(told)
