"""The ResLag study's Table 1 and figures: the printed numbers among themselves, both readings, the eight images."""

import math

import numpy as np
import pytest
from experiment_tables import MODULES, TABLES
from scipy import stats

from green_vae import presets
from green_vae.experiments.papers import boon
from green_vae.experiments.spec import Settings
from green_vae.models import MODELS

TABLE, FIGURES = MODULES["boon_table1"], MODULES["boon_figures"]
SMALL = {"image_shape": (8, 8, 1), "latent_dim": 3, "network": "mlp", "network_options": {"widths": (6,)}, "seed": 0}
F = 312 / 313


def images(n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 8, 8, 1), "uint8")


# the printed numbers


def test_every_row_has_a_preset_and_its_printed_numbers():
    rows = TABLES["boon_table1"].rows
    assert len(rows) == 27 and {row.preset for row in rows} <= set(presets.PRESETS)
    assert sum(value is not None for row in rows for value in row.published.values()) == 27 + 23 + 5 + 23
    by_name = {row.name: row for row in rows}
    assert by_name["FashionMNIST Lagging VAE"].published["total"] == -756.443231
    assert by_name["CelebA light ResLag-VAE"].preset == "boon/reslag-light-celeba"


@pytest.mark.parametrize("dataset", TABLE.PRINTED)
def test_printed_totals_are_the_formulas_of_the_columns(dataset):
    """beta Lat for beta-VAE, 500 MMD for InfoVAE; the presets give the same weights."""
    rec, latent, _, total = TABLE.PRINTED[dataset]["beta-VAE"]
    config = presets.preset(f"boon/beta-{TABLE.DATASETS[dataset]}").config
    assert rec + 2 * config["latent_dim"] * config["beta"] * latent == pytest.approx(total, abs=3e-4)
    rec, _, mmd, total = TABLE.PRINTED[dataset]["MMD InfoVAE"]
    assert rec + 500 * mmd == pytest.approx(total, abs=2e-3)


def test_the_printed_totals_of_the_digits_follow_from_the_variance_of_the_pixels():
    """sigma^2 of MNIST's and Fashion-MNIST's minibatches, as measured on the data."""
    for dataset, variance in (("MNIST", 0.094869), ("FashionMNIST", 0.124129)):
        rec, latent, _, total = TABLE.PRINTED[dataset]["Optimal Sigma VAE"]
        assert F * 392 * math.log(variance) + rec / (2 * variance) + latent == pytest.approx(total, abs=0.01)


# both readings


def test_both_readings_of_a_mean():
    batches = [(32, 1.0), (32, 3.0), (16, 8.0)]
    assert boon.both_readings(batches) == (4 / 3, (32 * 4 + 16 * 8) / 80)
    assert boon.both_readings([(32, 2.0)] * 313)[0] == pytest.approx(2 * F)


class Trained:
    """What the table asks of a row."""

    def __init__(self, kind, n=80, **config):
        self.trained, self.validation_images = MODELS[kind](**{**SMALL, **config}), images(n)
        self.preset = presets.Preset(kind, {}, "digits", None, "")
        self.settings = Settings()


def test_the_quantities_of_a_sigma_vae_against_scipy():
    run = Trained("sigma_vae", sigma="data")
    run.trained.variance.assign(0.09)
    found, x = boon.evaluated(run), run.validation_images / 255.0
    posterior, rng = run.trained.posterior(run.validation_images), np.random.default_rng(0)
    z = posterior["mean"] + np.exp(0.5 * posterior["log_var"]) * rng.standard_normal((80, 3))
    made = run.trained.decode(z)
    likelihood = stats.norm(made, 0.3).logpdf(x).sum(axis=(1, 2, 3)) + 32 * np.log(2 * np.pi)
    variance = np.exp(posterior["log_var"])
    kl = 0.5 * (posterior["mean"] ** 2 + variance - np.log(variance) - 1).sum(axis=1)
    assert found["rec"][1] == pytest.approx(((x - made) ** 2).sum(axis=(1, 2, 3)).mean(), rel=1e-5)
    assert found["latent"][1] == pytest.approx(kl.mean(), rel=1e-5)
    assert found["total"][1] == pytest.approx((kl - likelihood).mean(), rel=1e-5)
    assert found["total"][0] == pytest.approx((kl - likelihood)[:64].reshape(2, 32).mean(axis=1).sum() / 3, rel=1e-5)


def test_a_lagging_model_takes_the_variance_of_each_validation_batch():
    run, rng = Trained("lagging_vae"), np.random.default_rng(0)
    batch = run.validation_images[:32]
    assert boon.trained_variance("lagging_vae", run.trained) is None
    found = boon.batch_quantities("lagging_vae", run.trained, batch, rng)
    variance = (batch / 255.0).var()
    total = 32 * math.log(variance) + found["rec"] / (2 * variance) + found["latent"]
    assert found["total"] == pytest.approx(total, rel=1e-6)


def test_the_latent_loss_is_averaged_for_two_models():
    batch, rng = images(32), np.random.default_rng(0)
    beta = boon.batch_quantities("vae", MODELS["vae"](**SMALL, beta=4 / 6), batch, rng)
    assert beta["total"] == pytest.approx(beta["rec"] + 4 * beta["latent"])
    info = boon.batch_quantities("info_vae", MODELS["info_vae"](**SMALL), batch, rng)
    assert info["total"] == pytest.approx(info["rec"] + 500 * info["mmd"])
    model = MODELS["vae"](**SMALL, beta=1.0)
    summed = float(np.mean(model.kl(model.posterior(batch))))
    assert boon.batch_quantities("vae", model, batch, rng)["latent"] == pytest.approx(summed / 3, rel=1e-5)
    assert set(boon.batch_quantities("autoencoder", MODELS["autoencoder"](**SMALL), batch, rng)) == {"rec"}


# figures


def test_the_eight_images():
    assert FIGURES.chosen_images(10_000).tolist() == [4656, 6336, 7481, 5560, 5567, 6493, 2730, 6726]
    assert FIGURES.chosen_images(19_867).tolist() == [9255, 12591, 14864, 11046, 11065, 12902, 5425, 13365]


def test_figure_4_has_the_levels_of_the_study():
    """The widths of Figure 4 and of section 2.3 of the study, read off the layers."""
    model = presets.load("boon/reslag-light-celeba", weights=None)
    boxes, arrows = FIGURES.levels(model.encoder, model.decoder, 150)
    written = {name: box[2].split("\n")[-1] for name, box in boxes.items()}
    maps = {"block": ("32 x 32 x 64", "16 x 16 x 128", "8 x 8 x 256", "4 x 4 x 256"),
            "side": ("32 x 32 x 1", "16 x 16 x 4", "8 x 8 x 16", "4 x 4 x 64")}  # fmt: skip
    maps |= {"branch": maps["side"], "up": maps["block"]}
    for kind, expected in maps.items():
        assert tuple(written[f"{kind}{level}"] for level in range(4)) == expected
    assert boxes["z"][2].startswith("joined 4,096")
    assert {arrow[0]: arrow[2] for arrow in arrows if len(arrow) == 3} == {
        "branch0": "1/4", "branch1": "1/3", "branch2": "1/2",
    }  # fmt: skip
    assert {name for arrow in arrows for name in arrow[:2]} == set(boxes)


def test_variances_of_whole_batches():
    x = images(70)
    found = FIGURES.batch_variances(x)
    assert found == pytest.approx([np.var(x[:32] / 255.0), np.var(x[32:64] / 255.0)])
    order = np.random.default_rng(1).permutation(70)
    assert FIGURES.batch_variances(x, order)[1] == pytest.approx(np.var(x[order[32:64]] / 255.0))


def test_between_codes():
    corners = np.array([[0.0, 0.0], [1.0, 2.0]])
    np.testing.assert_allclose(FIGURES.mixed(corners, [[0.25, 0.75], [1, 0]]), [[0.75, 1.5], [0, 0]])
