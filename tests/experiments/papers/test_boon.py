"""The ResLag study's Table 1 and figures: the published numbers among themselves, both readings, the eight images."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from experiment_tables import MODULES, TABLES
from scipy import stats
from scipy.optimize import brentq

from green_vae import presets
from green_vae.experiments.papers import boon, boon_rows
from green_vae.experiments.spec import Row, Settings
from green_vae.models import MODELS

TABLE, FIGURES = MODULES["boon_table1"], MODULES["boon_figures"]
SMALL = {"image_shape": (8, 8, 1), "latent_dim": 3, "network": "mlp", "network_options": {"widths": (6,)}, "seed": 0}
F = 312 / 313


def images(n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 8, 8, 1), "uint8")


# the published numbers


def test_every_row_has_a_preset_and_its_published_numbers():
    rows = [row for row in TABLES["boon_table1"].rows if not row.pca]
    assert {row.preset for row in rows} <= set(presets.PRESETS)
    twice, rows = [row for row in rows if "multi-level" in row.name], [r for r in rows if "multi-level" not in r.name]
    assert len(rows) == 27
    # rec, latent, mmd, total; kl, total minus constant and weight where there is a latent loss
    assert sum(value is not None for row in rows for value in row.published.values()) == 27 + 23 + 5 + 23 + 3 * 23
    by_name = {row.name: row for row in rows}
    assert by_name["FashionMNIST Lagging VAE"].published["total"] == -756.443231
    assert by_name["CelebA light ResLag-VAE"].preset == "boon/reslag-light-celeba"
    for row in twice:  # the published numbers of one row, beside either network that it may have had
        assert row.published == by_name[row.name.replace("multi-level ", "")].published
        assert row.preset.startswith("boon/optimal-sigma-multi-level-")
    assert len(twice) == 3


@pytest.mark.parametrize("dataset", boon_rows.PUBLISHED)
def test_published_totals_are_the_formulas_of_the_columns(dataset):
    """beta Lat for beta-VAE, 500 MMD for InfoVAE; the presets give the same weights."""
    rec, latent, _, total = boon_rows.PUBLISHED[dataset]["beta-VAE"]
    name, units, beta = boon_rows.DATASETS[dataset]
    config = presets.preset(f"boon/beta-{name}").config
    assert rec + beta * latent == pytest.approx(total, abs=3e-4)
    assert (config["latent_dim"], 2 * units * config["beta"]) == (units, pytest.approx(beta))
    rec, _, mmd, total = boon_rows.PUBLISHED[dataset]["MMD InfoVAE"]
    assert rec + 500 * mmd == pytest.approx(total, abs=2e-3)


def test_the_published_totals_of_the_digits_follow_from_the_variance_of_the_pixels():
    """sigma^2 of MNIST's and Fashion-MNIST's minibatches, as measured on the data."""
    for dataset, variance in (("MNIST", 0.094869), ("FashionMNIST", 0.124129)):
        rec, latent, _, total = boon_rows.PUBLISHED[dataset]["Optimal Sigma VAE"]
        assert F * 392 * math.log(variance) + rec / (2 * variance) + latent == pytest.approx(total, abs=0.01)


def test_the_stated_sigma_solves_the_published_optimal_sigma_row():
    """f D/2 log(sigma^2) + Rec / (2 sigma^2) + Lat = Total, with f of the last batch of 32 lost."""
    for dataset, pixels, f in (
        ("MNIST", 784, F), ("FashionMNIST", 784, F), ("CIFAR10", 3072, F), ("CIFAR100", 3072, F),
        ("CelebA", 12288, 620 / 621),
    ):  # fmt: skip
        rec, latent, _, total = boon_rows.PUBLISHED[dataset]["Optimal Sigma VAE"]
        solved = brentq(lambda s: f * pixels / 2 * math.log(s) + rec / (2 * s) + latent - total, 0.03, 0.3)  # noqa: B023
        assert boon.SIGMA2[dataset] == pytest.approx(solved, abs=6e-7)


@pytest.mark.parametrize(
    ("row", "kl", "weight", "reduced"),
    [  # by hand from Rec and Lat: for the first, 16.718534 / 0.189736 + 14.588510 = 88.1147 + 14.5885
        ("MNIST Optimal Sigma VAE", 14.588510, 0.189736, 102.7032),
        ("MNIST Lagging VAE", 14.3803, 0.189736, 105.5227),
        ("FashionMNIST Optimal Sigma VAE", 14.1663, 0.248254, 63.2765),
        ("FashionMNIST Lagging VAE", 15.73822, 0.248254, 60.9366),
        ("CelebA light ResLag-VAE", 194.1816, 0.178722, 670.8594),
        ("MNIST beta-VAE", 9.6785, 0.8, 26.9521),
        ("CelebA beta-VAE", 295.2498, 4 / 150, 117.5209),
        ("CIFAR100 MMD InfoVAE", 1161.55, 0.0, 23.1012),
    ],
)
def test_what_follows_from_the_published_numbers(row, kl, weight, reduced):
    found = {entry.name: entry.published for entry in TABLES["boon_table1"].rows}[row]
    assert found["kl"] == pytest.approx(kl) and found["kl_weight"] == pytest.approx(weight)
    assert found["reduced"] == pytest.approx(reduced, abs=1e-4)


def test_the_report_tells_the_shift_of_lagging_on_one_sigma():
    """From Rec and Lat as published, and as an earlier run measured them: 17.1477 and 14.1496, 17.3177 and 14.4867."""
    cells = {row.name: {"reduced": {"published": row.published.get("reduced"), "value": None}}
             for row in TABLES["boon_table1"].rows}  # fmt: skip
    assert not list(boon.shifts({"rows": cells}))
    for model, rec, latent in (("Optimal Sigma", 17.1477, 14.1496), ("Lagging", 17.3177, 14.4867)):
        cells[f"MNIST {model} VAE"]["reduced"]["value"] = rec / 0.189736 + latent
    (line,) = boon.shifts({"rows": cells})
    assert line.startswith("MNIST, Lagging VAE less Optimal") and line.endswith(": +2.82 published, +1.23 ours.")


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
        self.settings, self.row = Settings(), Row("MNIST of some kind")


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
    assert found["kl"] == found["latent"]
    squared = ((x - made) ** 2).sum(axis=(1, 2, 3))
    assert found["reduced"][1] == pytest.approx((squared / (2 * 0.094868) + kl).mean(), rel=1e-5)
    assert boon.kl_weight("sigma_vae", run.trained) == pytest.approx(0.18)
    assert found["total"][0] == pytest.approx((kl - likelihood)[:64].reshape(2, 32).mean(axis=1).sum() / 3, rel=1e-5)


def test_a_lagging_model_takes_the_variance_of_each_validation_batch():
    run, rng = Trained("lagging_vae"), np.random.default_rng(0)
    batch = run.validation_images[:32]
    assert boon.trained_variance("lagging_vae", run.trained) is None
    found = boon.batch_quantities("lagging_vae", run.trained, batch, rng, 0.25)
    variance = (batch / 255.0).var()
    total = 32 * math.log(variance) + found["rec"] / (2 * variance) + found["latent"]
    assert found["total"] == pytest.approx(total, rel=1e-6)
    assert found["reduced"] == pytest.approx(2 * found["rec"] + found["latent"], rel=1e-6)


def test_the_latent_loss_is_averaged_for_two_models():
    batch, rng = images(32), np.random.default_rng(0)
    beta = boon.batch_quantities("vae", MODELS["vae"](**SMALL, beta=4 / 6), batch, rng, 1)
    assert beta["total"] == beta["reduced"] == pytest.approx(beta["rec"] + 4 * beta["latent"])
    assert beta["kl"] == pytest.approx(3 * beta["latent"])
    info = boon.batch_quantities("info_vae", MODELS["info_vae"](**SMALL), batch, rng, 1)
    assert info["total"] == pytest.approx(info["rec"] + 500 * info["mmd"])
    model = MODELS["vae"](**SMALL, beta=1.0)
    summed = float(np.mean(model.kl(model.posterior(batch))))
    found = boon.batch_quantities("vae", model, batch, rng, 1)
    assert (found["latent"], found["kl"]) == pytest.approx((summed / 3, summed), rel=1e-5)
    # equal weights w of SSE + w KL: beta 1 beside 1/2 SSE, 2 for InfoVAE's 1 - alpha of 6 over 3 units
    assert boon.kl_weight("vae", model) == boon.kl_weight("info_vae", MODELS["info_vae"](**SMALL, alpha=-5.0)) == 2
    assert set(boon.batch_quantities("autoencoder", MODELS["autoencoder"](**SMALL), batch, rng, 1)) == {"rec"}


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


class Corners:
    """A model of two latent units; the code of an image is its first two pixels, and what is decoded is kept."""

    def encode(self, x):
        return x[:, 0, :2, 0].astype("float32")

    def decode(self, z):
        self.codes = z
        return np.zeros((len(z), 2, 2, 1), "float32")


def test_the_square_between_four_images(tmp_path, monkeypatch):
    model, shown = Corners(), images(50)
    monkeypatch.setattr(FIGURES, "validation", lambda context, run: SimpleNamespace(images=shown))
    FIGURES.between_four(SimpleNamespace(path=tmp_path / "square.png", run=SimpleNamespace(trained=model)))
    codes, corners = model.codes.reshape(11, 11, 2), model.encode(shown[FIGURES.chosen_images(50)[:4]])
    np.testing.assert_allclose(codes[[0, 0, -1, -1], [0, -1, 0, -1]], corners)  # two above, two below
    np.testing.assert_allclose(codes[2, 9], [0.08, 0.72, 0.02, 0.18] @ corners, rtol=1e-5)
