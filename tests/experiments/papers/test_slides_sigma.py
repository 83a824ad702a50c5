"""The table of sigmas: the arms, bounds by another way, and verdicts from made reports."""

from types import SimpleNamespace

import numpy as np
import pytest
from core_models import blobs, build
from experiment_tables import TABLES

from green_vae import presets
from green_vae.experiments.papers import slides_claims
from green_vae.experiments.papers import slides_sigma as made
from green_vae.presets.slides import SIGMA_ARMS

TABLE = TABLES["slides_sigma"]


def test_the_arms_differ_by_their_loss_alone():
    rows = {row.name: presets.preset(row.preset) for row in TABLE.rows}
    assert list(rows) == list(made.ARMS) and set(made.ARMS.values()) == set(SIGMA_ARMS)
    shared = ("image_shape", "latent_dim", "network", "network_options")
    assert len({str([chosen.config[name] for name in shared]) for chosen in rows.values()}) == 1
    assert len({chosen.recipe for chosen in rows.values()}) == 1


@pytest.mark.parametrize("variant", ["sigma_vae_learned", "sigma_vae_pixels"])
def test_bounds_of_a_row(variant):
    """-log p(x|z) and KL against the terms of the loss, whose mean is minus the bound of one draw."""
    model, x = build(variant), blobs(8)
    model.log_sigma.assign(np.linspace(-1, 0.5, 1024) if variant == "sigma_vae_pixels" else -0.5)
    settings = SimpleNamespace(smoke=False, seed=0)
    run = SimpleNamespace(trained=model, bench=SimpleNamespace(reference_images=x), settings=settings)
    found = made.bounds.__wrapped__(run)
    many = np.repeat(x, 50, axis=0)
    terms = model.terms(many.astype("float32") / 255, model(many))
    assert found["nll"] == pytest.approx(float(np.mean(terms["nll"])), rel=2e-3)
    assert found["kl"] == pytest.approx(float(np.mean(terms["kl"])), rel=1e-4)
    assert -found["nll"] - found["kl"] < found["iw"]


def report(**gains):
    """Bounds of three seeds; optimal sigma is better than an arm by its gain, give or take 0.1."""
    rows = {made.OPTIMAL: (10.0, 11.0, 12.0)}
    for row, arm in made.ARMS.items():
        if arm in gains:
            rows[row] = tuple(10.0 + seed - gains[arm] - 0.1 * (seed - 1) for seed in range(3))
    values = {row: {str(seed): value for seed, value in enumerate(of)} for row, of in rows.items()}
    return {"smoke": False, "rows": {row: {"iw": {"details": {"values": of}}} for row, of in values.items()}}


def test_verdicts():
    words = {row: word for row, word, *_ in made.judged(report(unit=3, learned=0, data=-2))}
    assert words == {"unit variance": "holds", "learned, one number": "open", "spread of the pixels": "does not hold"}
    lines = list(made.conclusions(report(unit=3)))
    assert len(lines) == 1 and lines[0].startswith(
        "Optimal sigma has a higher bound of log p(x) than unit variance: ho"
    )
    assert not list(made.conclusions({**report(unit=3), "smoke": True}))


@pytest.mark.parametrize(
    ("gains", "says"),
    [({"unit": 3, "data": 2}, True), ({"unit": 3, "learned": 0}, None), ({"unit": 3, "data": -2}, False)],
)
def test_the_claim_is_of_single_sigmas(gains, says):
    rows = report(pixels=-5, **gains)["rows"]  # that of every pixel decides nothing
    _, ours = slides_claims.no_better_sigma(SimpleNamespace(rows=lambda table: rows))
    assert ours.says is says and ours.text.startswith("nats more than unit variance +3.000 ± ")
