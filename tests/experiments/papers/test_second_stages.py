"""Second stages by beta and epochs: variances along directions, the linear theory against an optimiser, verdicts."""

import dataclasses

import numpy as np
import pytest
from experiment_tables import TABLES
from scipy import optimize

from green_vae.experiments.papers import survey_second_stages as stages
from green_vae.experiments.spec import NotRun

ROWS = {row.name: row for row in TABLES["survey_second_stages"].rows}


def codes(variances, n=4_000, seed=0):
    """Codes (n, d) whose sample covariance has exactly these variances, along turned directions."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, len(variances)))
    z = (z - z.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(z.T))).T  # white, exactly
    turn, _ = np.linalg.qr(rng.normal(size=(len(variances),) * 2))
    return (z * np.sqrt(variances)) @ turn


def test_variance_is_compared_along_the_directions_of_the_codes():
    variances = np.arange(20, 0, -1.0)
    z = codes(variances)
    found, vectors = stages.directions(z)
    np.testing.assert_allclose(found, variances)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(20), atol=1e-12)
    assert stages.kept(z, z) == pytest.approx((1, 1))
    assert stages.kept(z + 7.0, z) == pytest.approx((1, 1)), "where codes lie does not matter"
    stretched = z + (z @ vectors[:, :2]) @ vectors[:, :2].T  # twice as long along the two largest of twenty
    assert stages.kept(stretched, z) == pytest.approx((4, 1))
    assert stages.ends(np.array([3.0])) == (3, 3)


def test_the_linear_theory_is_the_optimum_of_a_linear_vae():
    """With the best encoder its bound is log N(z | 0, W W' + noise I), of which an optimiser finds the best W."""
    variances, beta = np.array([3.0, 1.2, 0.9, 0.2]), 0.1
    dim, noise = len(variances), len(variances) * beta

    def loss(flat):
        w = flat.reshape(dim, dim)
        covariance = w @ w.T + noise * np.eye(dim)
        return np.linalg.slogdet(covariance)[1] + np.trace(np.linalg.solve(covariance, np.diag(variances)))

    start = np.random.default_rng(0).normal(size=dim * dim)
    w = optimize.minimize(loss, start, options={"gtol": 1e-8}).x.reshape(dim, dim)
    drawn = np.diag(w @ w.T)  # of W u, u ~ N(0, I), without the noise
    np.testing.assert_allclose(drawn, np.clip(variances - noise, 0, None), atol=1e-4)
    expected = drawn * variances.sum() / drawn.sum() / variances
    assert stages.linear_theory(codes(variances), beta) == pytest.approx((expected[0], 0), abs=1e-3)


def test_the_linear_theory_keeps_all_without_a_beta_and_nothing_under_a_large_one():
    z = codes(np.array([2.0, 1.0]))
    assert stages.linear_theory(z, 0.0) == pytest.approx((1, 1))
    with pytest.raises(NotRun, match="its noise of 4 is above all variances"):
        stages.linear_theory(z, 2.0)


def test_rows_over_seeds_differ_by_beta_and_epochs_alone():
    narrow = [row for name, row in ROWS.items() if name.startswith("narrow")]
    assert len(narrow) == len(ROWS) - 4 == 7
    settings = [row.samplers[seed].settings for row in narrow for seed in stages.SEEDS]
    same = {tuple(sorted((k, v) for k, v in own.items() if k not in ("beta", "epochs", "seed"))) for own in settings}
    assert same == {(("reconstruction", "cosine"), ("widths", (512, 512)))}
    assert sorted({(own["beta"], own["epochs"]) for own in settings}) == sorted(
        [*((0.005, epochs) for epochs in (1, 3, 10, 30)), *((beta, 30) for beta in (0.0005, 0.001))]
    )


def test_noise_is_drawn_by_what_is_fitted_anyway():
    noisy = [name for name, row in ROWS.items() if any(own.noise for own in row.samplers.values())]
    assert len(noisy) == 3
    for name in noisy:
        with_noise, without = ROWS[name].samplers, ROWS[name.removesuffix(", with noise")].samplers
        assert {seed: dataclasses.replace(own, noise=False) for seed, own in with_noise.items()} == without


def report_of(distances):
    """A report of row -> distances by seed."""
    cells = {
        row: {stages.DISTANCE: {"value": 1.0, "details": {"values": dict(zip(stages.SEEDS, own, strict=True))}}}
        for row, own in distances.items()
    }
    return {"rows": cells, "smoke": False}


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ((1.0, 1.1, 1.2), "nearer to those"),
        ((3.0, 3.1, 3.2), "farther from those"),
        ((1.0, 2.1, 3.2), "no nearer to, and no farther from, those"),
    ],
)
def test_a_row_is_nearer_farther_or_neither(own, said):
    base, row = stages.name_of(0.005, 30), stages.name_of(0.001, 30)
    report = report_of({base: (2.0, 2.11, 2.19), row: own})
    (line,) = stages.conclusions(report)
    assert line.startswith(f"{row}: its codes lie {said} of images than with beta 0.005 after 30 epochs (")
    assert not list(stages.conclusions({**report, "smoke": True}))
    assert not list(stages.conclusions(report_of({row: own})))
