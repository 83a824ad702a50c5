"""Ways to balance error and KL: the arms, what is measured of them, differences by another way, and verdicts."""

from types import SimpleNamespace

import numpy as np
import pytest
from core_models import build
from experiment_tables import TABLES
from scipy import stats

from green_vae import presets
from green_vae.experiments.papers import balancing, survey_claims
from green_vae.presets.survey import BALANCING, PILOT_GAMMA, PILOT_KL

TABLE = TABLES["survey_balancing"]


# the arms


def test_the_arms_differ_by_their_loss_alone():
    rows = {row.name: presets.preset(row.preset) for row in TABLE.rows if not row.pca}
    assert list(rows) == list(balancing.ARMS) and set(balancing.ARMS.values()) == set(BALANCING)
    shared = ("image_shape", "latent_dim", "network", "network_options")
    assert len({str([chosen.config[name] for name in shared]) for chosen in rows.values()}) == 1
    assert len({chosen.recipe for chosen in rows.values()}) == 1
    losses = [
        (chosen.model, str({name: value for name, value in chosen.config.items() if name not in shared}))
        for chosen in rows.values()
    ]
    assert len(set(losses)) == len(rows)
    side, _, _ = rows[balancing.COMPUTED].config["image_shape"]
    assert (2 * side / rows[balancing.COMPUTED].config["latent_dim"]) ** 2 == 1  # the survey's factor of the KL


def test_the_network_has_the_parameters_of_its_layers():
    """Kernels of 2 and batch norm; sides 32, 17, 9, 5 and back; two heads of 64."""
    down = sum(4 * a * b + b + 2 * b for a, b in ((1, 8), (8, 16), (16, 32))) + 2 * (5 * 5 * 32 + 1) * 64
    up = (64 + 1) * 5 * 5 * 32 + sum(4 * a * b + b + 2 * b for a, b in ((32, 16), (16, 8), (8, 1))) + 4 + 1
    (counted,) = (column for column in TABLE.columns if column.name == "params_trainable")
    model = presets.preset("survey/balancing-computed-mini").blueprint()
    weights = [*model.encoder.trainable_weights, *model.decoder.trainable_weights]
    assert counted.identity is None and sum(np.prod(weight.shape) for weight in weights) == down + up


# what is measured


def test_the_weight_of_the_kl_beside_half_the_error():
    model = build("computed_gamma_vae")  # beta 0.25
    model.gamma.gamma.assign(0.02)
    assert balancing.kl_weight(model) == pytest.approx(0.25 * 0.02)
    assert balancing.kl_weight(build("vae")) == pytest.approx(0.024)
    assert balancing.kl_weight(build("free_bits_vae", beta=0.3)) == pytest.approx(0.3)
    learned = build("sigma_vae_learned")
    learned.log_sigma.assign(-1.0)
    assert balancing.kl_weight(learned) == pytest.approx(np.exp(2 * (-6 + np.log1p(np.exp(5.0)))), rel=1e-5)


@pytest.mark.parametrize(
    ("first", "last", "drift"),
    [
        ({"reconstruction": 40.0, "kl": 10.0}, {"reconstruction": 20.0, "kl": 20.0}, 0.25),
        ({"reconstruction": 40.0, "kl": 10.0, "gamma": 0.04}, {"reconstruction": 20.0, "kl": 10.0, "gamma": 0.02}, 1.0),
        ({"reconstruction": 4.0, "kl": 10.0, "sigma": 0.2}, {"reconstruction": 4.0, "kl": 10.0, "sigma": 0.1}, 4.0),
        ({"reconstruction": 4.0, "kl": 9.0, "kl_weight": 1}, {"reconstruction": 4.0, "kl": 9.0, "kl_weight": 2}, 0.5),
        ({"reconstruction": 4.0, "kl": 1.0, "free_kl": 8.0}, {"reconstruction": 4.0, "kl": 9.0, "free_kl": 16.0}, 0.5),
    ],
)  # fmt: skip
def test_the_drift_of_the_balance_by_hand(first, last, drift):
    assert balancing.drift_of(first, last) == pytest.approx(drift)
    middle = {"reconstruction": 1e9, "kl": 1.0}
    assert balancing.drift().measure(SimpleNamespace(history=[first, middle, last])).value == pytest.approx(drift)


# differences and verdicts

OURS, OTHERS = [10.0, 11.0, 10.5], [12.0, 12.1, 12.9]


def report_of(smoke=False, **values):
    """A report of FIDs: a name of `ARMS` with "_" for its spaces -> values of the seeds 0, 1, ..."""
    rows = {
        name.replace("_", " "): {
            "fid_gen1": {"value": np.mean(own), "details": {"values": {str(s): v for s, v in enumerate(own)}}}
        }
        for name, own in values.items()
    }
    return {"rows": rows, "smoke": smoke}


def test_a_difference_is_that_of_paired_values():
    found = stats.ttest_rel(OURS, OTHERS).confidence_interval(0.95)
    estimate, half = balancing.difference(OURS, OTHERS)
    assert (estimate - half, estimate + half) == pytest.approx((found.low, found.high))
    for wrong in ([1.0], [1.0, 2.0]):
        with pytest.raises(ValueError, match="Received: "):
            balancing.difference(wrong, [1.0])


@pytest.mark.parametrize(
    ("estimate", "half", "margin", "word"),
    [(-2, 1, 0, "holds"), (-1, 1, 0, "open"), (2, 1, 0, "does not hold"), (0.5, 1, 2, "holds"), (0.5, 2, 2, "open"),
     (5, 2, 2, "does not hold")],
)  # fmt: skip
def test_a_verdict_needs_an_interval_on_one_side_of_the_margin(estimate, half, margin, word):
    assert balancing.verdict(estimate, half, margin) == word


def test_the_report_tells_verdicts_and_differences():
    report = report_of(computed_gamma=OURS, learned_gamma=OTHERS, fixed_weight_of_the_pilot=OURS)
    lines = list(balancing.conclusions(report))
    value, half = balancing.difference(OURS, OTHERS)
    said = f"FID@1280 {value:+.2f} ± {half:.2f}."
    assert "no worse than a weight that was tuned, in this narrow network: holds; FID@1280 +0.00 ± 0.00" in lines[0]
    assert "(a difference of up to 1.05 counts as no worse)" in lines[0]
    assert lines[1] == f"Computed gamma generates better than a learned gamma, in this narrow network: holds; {said}"
    assert lines[2:] == [
        "fixed weight of the pilot, less computed gamma: FID@1280 +0.00 ± 0.00.",
        f"learned gamma, less computed gamma: FID@1280 {-value:+.2f} ± {half:.2f}.",
    ]
    assert not list(balancing.conclusions({**report, "smoke": True}))
    assert not list(balancing.conclusions(report_of(computed_gamma=OURS, learned_gamma=OTHERS[:2])))


def test_the_claim_tells_what_the_narrow_networks_say_and_stays_open():
    class Reports:
        rows = staticmethod(
            lambda table: report_of(computed_gamma=OURS, learned_gamma=OTHERS, fixed_weight_of_the_pilot=OURS)["rows"]
        )

    paper, ours = survey_claims.no_weight_to_choose(Reports)
    assert ours.says is None and paper.says is None
    assert ours.text == "narrow: no worse than a weight that was tuned: holds, FID@1280 +0.00 ± 0.00"


def test_the_pilot_decides_the_tuned_weights():
    tuned = {arm for arm, chosen in BALANCING.items() if chosen.config.get("beta") == PILOT_GAMMA}
    assert tuned == {"fixed-pilot", "warm-up", "free-bits"}
    assert BALANCING["control"].config["target_kl"] == PILOT_KL
    note = BALANCING["control"].recipe.note
    assert f"{PILOT_GAMMA:g}" in note and f"{PILOT_KL:g}" in note
