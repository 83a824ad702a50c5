"""Regularised autoencoders and samplers of the survey: rows that differ by one thing, pairs against SciPy, verdicts."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from experiment_tables import MODULES, TABLES
from scipy import stats

from green_vae import presets
from green_vae.experiments.papers import paired, survey_rae, survey_samplers
from green_vae.experiments.spec import Column, Measurement, Row, Sampling

PAIRS = {"a": {"0": 3.0, "1": 2.0, "2": 4.0}, "b": {"0": 1.0, "1": 1.5, "2": 0.5, "3": 9.0}}


def report_of(values, column="kid", smoke=False):
    """A report of row -> seed -> value, in one column."""
    cells = {
        row: {column: {"value": float(np.mean([*own.values()])), "details": {"values": own}}}
        for row, own in values.items()
    }
    return {"rows": cells, "smoke": smoke}


def around(value, width=0.01):
    """Three seeds that differ little."""
    return {"0": value - width, "1": value, "2": value + width}


def test_the_interval_is_that_of_a_paired_t_test():
    estimate, half = paired.difference(report_of(PAIRS), "kid", "a", "b")
    mine, theirs = ([PAIRS[row][seed] for seed in "012"] for row in "ab")
    low, high = stats.ttest_rel(mine, theirs).confidence_interval(0.95)
    assert (estimate - half, estimate + half) == pytest.approx((low, high))
    assert paired.difference(report_of({**PAIRS, "b": {"1": 1.0}}), "kid", "a", "b") is None
    assert paired.difference(report_of(PAIRS), "kid", "a", "nobody") is None


@pytest.mark.parametrize(
    ("found", "worse", "inside"),
    [((0.5, 0.2), "holds", "holds"), ((-3.0, 0.2), "holds", "does not hold"), ((0.9, 0.2), "open", "open"),
     ((1.5, 0.2), "does not hold", "does not hold"), ((0.0, 1.5), "open", "open")],
)  # fmt: skip
def test_margins_are_decided_by_whole_intervals(found, worse, inside):
    assert (paired.no_worse(found, 1.0), paired.within(found, 1.0)) == (worse, inside)


# regularised autoencoders


def test_the_rows_have_one_network_one_recipe_and_one_weight_on_the_codes():
    rows = {name: presets.preset(preset) for name, preset in survey_rae.ROWS.items()}
    assert {row.name: row.preset for row in TABLES["survey_rae"].rows if not row.pca} == survey_rae.ROWS
    assert len({(chosen.recipe, chosen.dataset) for chosen in rows.values()}) == 1
    shared = ("image_shape", "latent_dim", "network", "network_options")
    assert len({str([chosen.config[name] for name in shared]) for chosen in rows.values()}) == 1
    weights = {chosen.config.get("latent_weight", chosen.config.get("beta")) for chosen in rows.values()}
    assert weights == {None, 6.4e-3} and "latent_weight" not in rows[survey_rae.AE].config
    forms = {name: {k: v for k, v in rows[name].config.items() if k not in shared} for name in rows}
    one_more = {
        (survey_rae.L2_CODE, survey_rae.L2): {"l2_on": "decoder"},
        (survey_rae.GP, survey_rae.HUTCHINSON): {"gradient": "hutchinson"},
    }
    for (code, formula), change in one_more.items():
        assert {**forms[code], **change} == forms[formula]


def test_weights_are_those_of_ghosh_in_units_of_this_loss():
    """Theirs stand beside the mean squared error of 32x32 values, and average over 16 units; ours beside 1/2 SSE."""
    values, units, forms = (
        32 * 32,
        16,
        {name: presets.preset(preset).config for name, preset in survey_rae.ROWS.items()},
    )
    half_sse = values / 2
    assert forms[survey_rae.L2]["latent_weight"] == pytest.approx(1e-4 * half_sse / units * 2)
    assert forms[survey_rae.L2]["regularizer_weight"] == pytest.approx(1e-7 * half_sse)
    assert forms[survey_rae.GP_CODE]["regularizer_weight"] == pytest.approx(0.5e-7 * half_sse / units)
    assert forms[survey_rae.GP]["regularizer_weight"] == pytest.approx(forms[survey_rae.NOISE]["sigma"] ** 2 / 2)


@pytest.mark.parametrize(
    ("l2", "gp", "sn", "word"),
    [(10.2, 9.0, 10.5, "holds"), (10.2, 9.0, 12.0, "does not hold"), (10.2, 9.0, 11.0, "open")],
)
def test_whether_penalties_replace_noise(l2, gp, sn, word):
    """Against a KID of 10, a tenth above it is allowed."""
    rows = dict(zip((survey_rae.L2, survey_rae.GP, survey_rae.SN), map(around, (l2, gp, sn)), strict=True))
    rows[survey_rae.SN] = {"0": sn - 0.1, "1": sn, "2": sn + 0.1}
    report = report_of({**rows, survey_rae.NOISE: {"0": 10.0, "1": 10.0, "2": 10.0}}, survey_rae.MIXTURE)
    assert survey_rae.replaces_noise(report)[0] == word
    assert survey_rae.noise_in_words(report).startswith(f"{word}; KID x 1000 less CV-VAE's, at most 1.0 being allowed")
    without = {name: cells for name, cells in report["rows"].items() if name != survey_rae.L2}
    assert survey_rae.replaces_noise({"rows": without})[0] in ("open", "does not hold")
    assert survey_rae.noise_in_words({"rows": {}}) == ""


def test_the_report_tells_contrasts_and_costs():
    report = report_of({survey_rae.GP: around(4.0), survey_rae.HUTCHINSON: around(4.1)}, survey_rae.ERROR)
    columns = [column for column in MODULES["survey_rae"].MEASURED if column.name == survey_rae.ERROR]
    first, second = survey_rae.conclusions(columns)(report)
    assert first.startswith("Hutchinson's estimate trains as the exact Jacobian, by MSE x 1000 (test): holds; +0.10")
    assert second.startswith("GP, Hutchinson against exact: MSE x 1000 (test) +0.10") and second.endswith("(higher).")
    costs = {survey_rae.L2_CODE: 2.0, survey_rae.GP: 30.0}
    report = {"rows": {row: {"train_gflops": {"value": value}} for row, value in costs.items()}, "smoke": False}
    assert list(survey_rae.conclusions(columns)(report)) == [
        "FLOPs of a training step, as multiples of L2-RAE, code: GP-RAE, formula 15.00."
    ]
    assert not list(survey_rae.conclusions(columns)({**report, "smoke": True}))


# samplers


def test_second_stages_differ_by_their_loss_and_seed_alone():
    rows = [row for row in TABLES["survey_samplers"].rows if "second stage" in row.name]
    kept = {str({k: row.samplers[seed].settings[k] for k in survey_samplers.STAGE}) for row in rows for seed in "012"}
    assert len(kept) == 1 and [row.samplers["2"].settings["seed"] for row in rows] == [2] * 6
    assert len(TABLES["survey_samplers"].rows) == 2 * (3 + 2 * 6)


def test_a_column_over_samplers_has_their_mean_and_spread():
    def column_of(kind):
        value = float(kind) ** 2
        return Column("own", "Own", lambda run: Measurement(value, remark="so"), lambda run: [kind], format="{:,.2f}")

    column = survey_samplers.over_samplers("all", column_of)
    run = SimpleNamespace(row=Row("a", samplers=dict.fromkeys("012", Sampling("gmm"))))
    found = column.measure(run)
    assert (column.name, column.identity(run), found.value) == ("all", [["0"], ["1"], ["2"]], pytest.approx(5 / 3))
    assert found.spread == pytest.approx(np.std([0, 1, 4], ddof=1)) and found.remark.endswith("seed 2: 4.00")
    alone = SimpleNamespace(row=dataclasses.replace(run.row, samplers={"1": Sampling("gmm")}))
    assert (column.measure(alone).spread, column.measure(alone).remark) == (None, "so")


@pytest.mark.parametrize(
    ("differences", "word"), [((-2, -1), "holds"), ((-2, 1), "does not hold"), ((-2, 0.001), "open"), ((-2,), "open")]
)
def test_whether_the_cosine_is_better(differences, word):
    rows = {}
    for network, change in zip(survey_samplers.NETWORKS, differences, strict=False):
        rows[survey_samplers.stage_name(network, "squared error")] = {"0": 20.0, "1": 21.0, "2": 22.0}
        own = {"0": 20.0 + change, "1": 21.01 + change, "2": 21.99 + change}
        rows[survey_samplers.stage_name(network, "cosine")] = own
    report = report_of(rows)
    assert survey_samplers.cosine_is_better(report)[0] == word
    (line,) = survey_samplers.conclusions(report)
    assert line.startswith(f"In a second stage, the cosine is a better loss than the squared error: {word}; KID")
    assert not list(survey_samplers.conclusions({**report, "smoke": True}))


def test_the_best_number_of_components_is_told():
    values = {survey_samplers.mixture_name("mini CNN", count, "draws"): {"0": kid} for count, kid in ((1, 9), (10, 7))}
    (line,) = survey_samplers.conclusions(report_of(values))
    assert line == "mini CNN, mixtures on draws: 10 components have the lowest KID (1: 9.0, 10: 7.0)."
