"""The 2x2 of the ResLag study: the arms, what is measured, effects by another way, and verdicts."""

import dataclasses
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from experiment_tables import MODULES, ROOT, TABLES
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from green_vae import data, presets
from green_vae.experiments.papers import boon_ablation, boon_claims, paired
from green_vae.experiments.spec import Row, Settings
from green_vae.models import MODELS
from green_vae.models.lagging_vae import mutual_information

TABLE = TABLES["boon_ablation"]
SMALL = {"image_shape": (8, 8, 1), "latent_dim": 3, "network": "mlp", "network_options": {"widths": (6,)}, "seed": 0}


# the arms


def test_the_arms_differ_by_their_factors_alone():
    rows = {row.name: presets.preset(row.preset) for row in TABLE.rows if not row.pca}
    recipes = {dataclasses.replace(chosen.recipe, note="") for chosen in rows.values()}
    assert len(recipes) == 1 and len({chosen.dataset for chosen in rows.values()}) == 1
    for (lagging, sides), name in boon_ablation.ARMS.items():
        config, options = rows[name].config, rows[name].config["network_options"]
        assert (rows[name].model != "sigma_vae") == lagging == ("aggressive_epochs" in config)
        assert (options["sides"] is not None) == sides
        assert MODELS[rows[name].model](**{**config, "network_options": {**options, "base": 1}}).sigma == "data"
    trunk, full = (rows[boon_ablation.ARMS[arm, arm]].config["network_options"] for arm in (0, 1))
    assert {**trunk, "sides": 0} == {**full, "sides": 0}
    assert set(rows) == {*boon_ablation.ARMS.values(), boon_ablation.LIGHT}


def test_passes_in_which_the_decoder_moves():
    """The study: 40 epochs, of which 20 have five passes."""
    assert boon_ablation.passes_of("boon/reslag-cifar10") == (120, 40)
    assert boon_ablation.passes_of("boon/lagging-mnist") == (50, 40)
    lagging = {row.preset for row in TABLE.rows if "lag" in row.preset}
    assert len(lagging) == 3 and {boon_ablation.passes_of(name) for name in lagging} == {(18, 6)}


def test_the_counts_at_full_width():
    for name, counts in zip(("cifar10", "celeba"), boon_ablation.FULL_WIDTH.values(), strict=True):
        assert counts == tuple(boon_claims.trainable(f"boon/{model}-{name}") for model in ("reslag", "reslag-light"))
    cells = {"params_trainable": {"value": 200}}, {"params_trainable": {"value": 150}}
    report = {"rows": dict(zip((boon_ablation.ARMS[1, 1], boon_ablation.LIGHT), cells, strict=True)), "smoke": False}
    (line,) = boon_ablation.conclusions(())(report)
    assert "25.0% fewer" in line and "43.8% (CIFAR), 37.6% (CelebA) fewer" in line


# what is measured


class Trained:
    """What a column asks of a row."""

    def __init__(self, n=80):
        rng = np.random.default_rng(0)
        self.validation_images = rng.integers(0, 256, (n, 8, 8, 1), "uint8")
        dark = rng.integers(0, 100, (40, 8, 8, 1), "uint8")
        self.train_data = data.Dataset("digits", "train", dark, np.zeros(40, int))
        self.trained = MODELS["sigma_vae"](**SMALL, sigma="data")
        self.preset = presets.Preset("sigma_vae", {}, "digits", None, "")
        self.settings, self.row = Settings(), Row("CIFAR10 of some kind")


def test_the_negative_elbo_against_scipy():
    """On the variance of the training images, whatever sigma the model was trained with."""
    run = Trained()
    run.trained.variance.assign(0.5)
    found, x = boon_ablation.negative_elbo().measure(run), run.validation_images / 255.0
    sigma = (run.train_data.images / 255.0).std()
    posterior, rng = run.trained.posterior(run.validation_images), np.random.default_rng(0)
    z = posterior["mean"] + np.exp(0.5 * posterior["log_var"]) * rng.standard_normal((80, 3))
    log_likelihood = stats.norm(run.trained.decode(z), sigma).logpdf(x).sum(axis=(1, 2, 3))
    q = stats.norm(posterior["mean"], np.exp(0.5 * posterior["log_var"]))
    kl = 0.5 * (np.log(2 * np.pi) + q.var() + q.mean() ** 2) - q.entropy()  # cross entropy less entropy
    assert found.value == pytest.approx(float((kl.sum(axis=1) - log_likelihood).mean()), rel=1e-5)
    assert f"sigma^2 = {sigma**2:.6f}" in found.made and found.images == 80


@pytest.mark.parametrize(
    ("model", "at", "rec"), [("sigma_vae", "pass 5 of 6", 5.0), ("reslag_vae", "pass 17 of 18", 17.0)]
)
def test_equal_epochs_end_earlier_without_aggressive_passes(model, at, rec):
    """The best pass of the first 6, or of all 18; the -ELBO is that of its error and KL."""
    run = Trained()
    run.preset = dataclasses.replace(run.preset, model=model)
    run.history = [
        {"val_loss": float((step % 6 != 5) * 10 - step), "val_reconstruction": float(step), "val_kl": 2.0 * step}
        for step in range(1, 19)
    ]
    columns = boon_ablation.at_equal_epochs()
    found = {column.name: column.measure(run) for column in columns}
    assert found["rec_epochs"].value == rec and found["kl_epochs"].value == 2 * rec
    assert {measured.remark for measured in found.values()} == {at}
    sigma2 = (run.train_data.images / 255.0).var()
    expected = 32 * math.log(2 * math.pi * sigma2) + rec / (2 * sigma2) + 2 * rec
    assert found["neg_elbo_epochs"].value == pytest.approx(expected)


def test_the_variance_of_bytes():
    images = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 3), "uint8")
    assert boon_ablation.data_variance(images) == pytest.approx((images / 255).var(), rel=1e-12)
    assert boon_ablation.data_variance(np.full((2, 2, 2, 1), 255, "uint8")) == 0


def test_the_bound_is_the_information_where_the_aggregate_is_gaussian():
    """z = x + noise, both Gaussian: d/2 log(1 + 1 / s^2) in closed form."""
    means = np.random.default_rng(0).standard_normal((20_000, 3)) * [1.0, 2.0, 0.1]
    log_var = np.broadcast_to(np.log([0.5, 0.1, 1.0]), means.shape)
    exact = 0.5 * np.log1p(np.array([1.0, 4.0, 0.01]) / np.exp(log_var[0])).sum()
    assert boon_ablation.bound(means, log_var) == pytest.approx(exact, rel=0.01)


@given(seed=st.integers(0, 99), spread=st.floats(0.1, 3), width=st.floats(0.3, 2))
def test_no_estimate_of_the_information_exceeds_the_bound_or_the_ceiling(seed, spread, width):
    rng = np.random.default_rng(seed)
    means, log_var = spread * rng.choice([-1.0, 1.0], (300, 2)), np.full((300, 2), 2 * math.log(width))
    noise = rng.standard_normal((300, 2))
    estimate = mutual_information(means, log_var, noise)
    assert estimate <= math.log(300) + 1e-9
    assert estimate <= boon_ablation.bound(means, log_var) + 0.3  # the noise of one draw for each code


def test_the_estimate_of_the_information_is_a_mean_over_codes():
    run = Trained()
    run.bench = SimpleNamespace(reference_images=run.validation_images)
    mean, log_var = boon_ablation.moments(run.trained, run.validation_images)
    noise = np.random.default_rng(0).standard_normal((boon_ablation.DRAWS, *mean.shape))
    expected = np.mean([mutual_information(mean, log_var, draw) for draw in noise])
    found = boon_ablation.information().measure(run)
    assert found.value == pytest.approx(expected) and found.made == "25 codes for each image"


# effects and verdicts

FOUR = ([3.0, 3.5, 2.9], [2.0, 2.2, 2.5], [1.0, 1.6, 1.1], [1.4, 0.9, 1.2])


def report_of(arms, column="rec", images=2000, smoke=False):
    cells = (
        {column: {"details": {"values": dict(enumerate(values)), "images": images}, "value": np.mean(values)}}
        for values in arms
    )
    return {"rows": dict(zip(boon_ablation.ARMS.values(), cells, strict=True)), "smoke": smoke}


@pytest.mark.parametrize("arms", [FOUR, ([3.0], [2.0, 2.5], [1.0, 1.1, 1.4, 0.7], [1.4])])
def test_effects_are_those_of_a_regression(arms):
    """Least squares on a design of -1/2 and 1/2; intervals from the inverse of its normal equations."""
    rows = [(1, a, b, a * b * 2, y) for (a, b), ys in zip([(-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5), (0.5, 0.5)],
                                                          arms, strict=True) for y in ys]  # fmt: skip
    *design, y = np.array(rows).T
    design = np.array(design).T
    found = np.linalg.solve(design.T @ design, design.T @ y)
    residual = y - design @ found
    freedom = len(y) - 4
    errors = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * (residual @ residual) / freedom)
    quantile = stats.t.ppf(0.975, freedom)
    effects = boon_ablation.effects(arms)
    for name, place, factor in (("lagging", 1, 1), ("side branches", 2, 1), ("interaction", 3, 2)):
        expected = (factor * found[place], factor * quantile * errors[place])
        assert effects[name] == pytest.approx(expected)
    means = [np.mean(values) for values in arms]
    assert effects["lagging on the trunk"][0] == pytest.approx(means[1] - means[0])
    assert effects["lagging beside side branches"][0] == pytest.approx(means[3] - means[2])
    assert effects["side branches alone"][0] == pytest.approx(means[2] - means[0])
    assert effects["side branches beside lagging"][0] == pytest.approx(means[3] - means[1])


@pytest.mark.parametrize("arms", [FOUR[:3], ([1.0],) * 4, ([1.0, 2.0], [], [1.0], [1.0])])
def test_what_has_no_effects_is_refused(arms):
    with pytest.raises(ValueError, match="Received: "):
        boon_ablation.effects(arms)


@pytest.mark.parametrize(
    ("estimate", "half", "sign", "word"),
    [(-2, 1, -1, "holds"), (2, 1, -1, "does not hold"), (0.5, 1, -1, "open"), (-1, 1, -1, "open"), (2, 1, 1, "holds")],
)
def test_a_verdict_needs_an_interval_without_zero(estimate, half, sign, word):
    assert boon_ablation.verdict(estimate, half, sign) == word


@pytest.mark.parametrize(
    ("effect", "words"),
    [((16.7312, 3.4876), "+16.73 ± 3.49"), ((-14.4, 14.33), "-14.4 ± 14.3"), ((6e-8, 0.025), "+0.0000 ± 0.0250"),
     ((-1234.56, 1234.5), "-1,235 ± 1,234"), ((0.0, 0.0), "+0.00 ± 0.00")],
)  # fmt: skip
def test_an_effect_in_words(effect, words):
    assert boon_ablation.interval(*effect) == words


def test_the_report_tells_verdicts_and_effects():
    (rec,) = (column for column in MODULES["boon_ablation"].MEASURED if column.name == "rec")
    lines = list(boon_ablation.conclusions((rec,))(report_of(FOUR)))
    value, half = boon_ablation.effects(FOUR)["side branches"]
    assert lines[0] == f"Side branches lower Rec, at this width: holds; main effect {value:+.3f} ± {half:.3f}."
    assert lines[1].startswith("Effects on Rec (study): lagging ") and len(lines) == 2
    assert "side branches alone" in lines[1]  # since there is an interaction
    (without,) = list(boon_ablation.conclusions((rec,))(report_of([[1.0, 2.0]] * 4)))[1:]
    assert (
        without == "Effects on Rec (study): lagging +0.00 ± 1.39, side branches +0.00 ± 1.39, interaction +0.00 ± 2.78."
    )
    assert not list(boon_ablation.conclusions((rec,))(report_of(FOUR, smoke=True)))
    assert not list(boon_ablation.conclusions((rec,))({"rows": {}, "smoke": False}))


@pytest.mark.parametrize(("height", "word"), [(7.599, "open"), (5.0, "holds")])
def test_information_at_its_ceiling_decides_nothing(height, word):
    """log(2000) = 7.601; the lagging arms lie higher in both cases."""
    arms = [[height - 0.01, height - 0.011]] * 2 if word == "holds" else [[height - 0.001, height - 0.0011]] * 2
    low, high = arms[0], [height, height - 1e-4]
    ((_, column, found, *_),) = boon_ablation.judged(report_of([low, high, low, high], "information"))
    assert (column, found) == ("information", word)


def test_no_verdict_hangs_on_the_pooled_variance():
    """Seeds of the four networks do not vary alike; Welch and Satterthwaite take the variance of each by itself."""
    report = json.loads((ROOT / "results/boon_ablation.json").read_text(encoding="utf-8"))
    wider = {}
    for _, column, contrast, sign in boon_ablation.CLAIMS:
        arms = [boon_ablation.values_of(report, column, row) for row in boon_ablation.ARMS.values()]
        estimate, half = boon_ablation.effects(arms)[contrast]
        parts = np.square(boon_ablation.MAIN[contrast]) * [np.var(arm, ddof=1) / len(arm) for arm in arms]
        freedom = parts.sum() ** 2 / np.sum(parts**2 / [len(arm) - 1 for arm in arms])
        own = stats.t.ppf(0.975, freedom) * math.sqrt(parts.sum())
        assert paired.verdict(estimate, own, sign) == paired.verdict(estimate, half, sign)
        wider[column] = f"{own / half:.1f}"
    assert (wider["neg_elbo"], wider["rec"]) == ("1.4", "1.5")  # as the notes have it
