"""Ways to weigh error and KL in the ResLag study: presets that differ by their loss alone, a bound, and verdicts."""

import os
from types import SimpleNamespace

import numpy as np
import pytest
from experiment_tables import TABLES
from scipy import optimize, stats

from green_vae import presets
from green_vae.data import load
from green_vae.experiments.papers import boon_objectives
from green_vae.presets.boon import MNIST_VARIANCE

REAL = os.environ.get("GREEN_VAE_DATA")


def test_the_arms_differ_by_their_loss_alone():
    rows = {row.name: presets.preset(row.preset) for row in TABLES["boon_objectives"].rows if row.preset}
    assert list(rows) == list(boon_objectives.ARMS)
    shared = ("image_shape", "latent_dim", "network", "network_options")
    assert len({str([chosen.config[name] for name in shared]) for chosen in rows.values()}) == 1
    assert len({chosen.recipe for chosen in rows.values()}) == 1
    full = presets.preset("boon/optimal-sigma-mnist").config
    assert all(chosen.config["network_options"] == full["network_options"] for chosen in rows.values())


@pytest.mark.skipif(not REAL, reason="GREEN_VAE_DATA not set")
def test_the_weight_of_the_beta_vae_is_the_variance_of_the_pixels():
    """The mean over batches, which the sigma-VAE has, is hardly smaller."""
    images = load("mnist", "train", data_dir=REAL).images / 255
    assert images.var() == pytest.approx(MNIST_VARIANCE, rel=0.002)
    assert np.mean([batch.var() for batch in np.split(images, 60_000 // 32)]) == pytest.approx(
        MNIST_VARIANCE, rel=0.002
    )


def test_the_best_sigma_is_that_of_the_least_bound(monkeypatch):
    """A search over sigma with SciPy's normal density finds the same bound."""
    residuals, kl = np.random.default_rng(0).normal(0, 0.3, (50, 12)), 7.0
    rec = np.square(residuals).sum(axis=1).mean()
    monkeypatch.setattr(boon_objectives, "evaluated", lambda run: {"rec": (0, rec), "kl": (0, kl)})
    monkeypatch.setattr(boon_objectives, "images_of", lambda run: residuals)
    run = SimpleNamespace(trained=SimpleNamespace(image_shape=(3, 4, 1)))

    def bound(log_sigma):
        return kl - stats.norm.logpdf(residuals, scale=np.exp(log_sigma)).sum(axis=1).mean()

    least = optimize.minimize_scalar(bound, bounds=(-4, 1), method="bounded", options={"xatol": 1e-8}).fun
    assert boon_objectives.best_bound().measure(run).value == pytest.approx(least, rel=1e-9)


def report(**rows):
    """A row, with "_" for what no name of an argument can have, -> column -> values of the seeds."""
    names = {"ran": boon_objectives.RAN, "fixed": boon_objectives.FIXED, "cited": boon_objectives.CITED,
             "lagging": boon_objectives.LAGGING, "he": boon_objectives.HE}  # fmt: skip
    cells = {
        names[row]: {
            column: {"value": np.mean(own), "details": {"values": {str(seed): v for seed, v in enumerate(own)}}}
            for column, own in columns.items()
        }
        for row, columns in rows.items()
    }
    return {"smoke": False, "rows": cells}


def test_claims_are_judged_seed_by_seed():
    made = report(
        ran={"rec_mean": (20, 21, 22), "kl": (14, 14, 14), "neg_elbo_best": (5, 6, 7), "neg_elbo": (9, 9, 9)},
        fixed={"rec_mean": (20.1, 21.1, 22.1), "kl": (15, 15, 15)},
        cited={"neg_elbo_best": (1, 2, 3)},
        lagging={"neg_elbo": (10, 10, 10)},
        he={"neg_elbo": (8, 9, 10)},
    )
    told = list(boon_objectives.conclusions(made))
    words = [line.rsplit(", ", 1)[1] for line in told]
    assert words == ["holds.", "does not hold.", "holds.", "does not hold.", "open."]
    assert told[0] == "A beta-VAE with beta = 2 sigma^2 has the Rec of the sigma-VAE: +0.10 ± 0.00, holds."
    assert told[4].startswith("Lagging by He's criterion lowers -ELBO on the sigma of the pixels: ")
    assert not list(boon_objectives.conclusions({**made, "smoke": True}))
    assert not list(boon_objectives.conclusions(report(ran={"kl": (1,)}, fixed={"kl": (1,)})))


def test_the_claim_of_beta_and_sigma():
    made = report(ran={"rec_mean": (20, 21), "kl": (14, 14)}, fixed={"rec_mean": (20.1, 21.1), "kl": (14, 14)})
    _, ours = boon_objectives.beta_of_sigma(SimpleNamespace(rows=lambda table: made["rows"]))
    assert ours.says is True and ours.text.startswith("MNIST: A beta-VAE with beta = 2 sigma^2 has the Rec of")
    _, ours = boon_objectives.beta_of_sigma(SimpleNamespace(rows=lambda table: {}))
    assert ours.says is None and ours.text == "not measured"
