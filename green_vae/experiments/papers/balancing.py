"""What the table of balancing needs: the ways to balance by name, the weight that they come to, and the verdicts.

Two ways are compared seed by seed: the same seed means the same first weights, order and noise. An interval is that of
the mean of these differences, by Student's t.
"""

import math

import numpy as np
from scipy import stats

from green_vae.experiments.papers.boon_ablation import CONFIDENCE, interval, values_of
from green_vae.experiments.spec import Column, Measurement

COMPUTED = "computed gamma"  # the survey's, whose gamma never rises
ARMS = {  # row -> arm of `presets.survey.BALANCING`
    "fixed weight 0.024": "fixed-code",
    "fixed weight of the pilot": "fixed-pilot",
    "warm-up": "warm-up",
    "free bits": "free-bits",
    "learned gamma": "learned",
    COMPUTED: "computed",
    "computed gamma, average never rises": "computed-average",
    "computed gamma, may rise": "computed-rising",
    "ControlVAE": "control",
}
NOTHING = 1e-30  # in place of a paid KL of 0, which a controller leaves so while the KL is far below its target
HOLDS, FAILS, OPEN = "holds", "does not hold", "open"
MARGIN = 0.1  # how much higher a FID may be, in parts of the other way's, to be called no worse
LEARNED = "better than a learned gamma"
CLAIMS = (  # how computed gamma generates, the way that it is compared with, margin
    ("better than the weight of the survey's code", "fixed weight 0.024", 0.0),
    ("no worse than a weight that was tuned", "fixed weight of the pilot", MARGIN),
    (LEARNED, "learned gamma", 0.0),
)
STATES = ("gamma", "sigma", "kl_weight")  # what an epoch logs of the weights: one of them, or none where they are fixed
COMPARED = {"mse_test_x1e3": "MSE x 1000 (test)", "kl": "KL, nats", "fid_gen1": "FID@1280"}  # column -> its title


# columns, of one seed


def kl_weight(model):
    """What the KL weighs beside 1/2 SSE in the loss of a trained model: gamma, where that is the error's variance."""
    weights = {name: float(weight) for name, weight in model.term_weights().items()}
    paid = weights.get("kl", weights.get("free_kl"))
    if "nll" in weights:
        return paid * model.observation()[1] ** 2
    return paid * 0.5 / weights["reconstruction"]


def weight():
    """The column of `kl_weight` at the end of the training, times 1000."""
    return Column(
        "weight_x1e3",
        "weight of the KL x 1000",
        lambda run: Measurement(1000 * kl_weight(run.trained), made="at the end of the training"),
        identity=lambda run: {**run.identity(), "quantity": "weight of the KL"},
        format="{:,.2f}",
    )


def drift():
    """The column of `drift_of`; what the loss pays is read off the log of the training."""

    def logged(run):
        return [run.history[0], run.history[-1]]

    def identity(run):
        names = ("reconstruction", "kl", "free_kl", *STATES)
        seen = [[epoch.get(name) for name in names] for epoch in logged(run)]
        return {**run.identity(), "quantity": "drift of the balance", "logged": seen}

    def measure(run):
        value = drift_of(*logged(run))
        return Measurement(value, made="means over the first and the last epoch of the training")

    return Column("drift", "drift of the balance", measure, identity, format="{:,.2f}")


def drift_of(first, last):
    """How many times as large the paid error is beside the paid KL in the last epoch as in the first; 1 is constant.

    Args:
        first, last: what an epoch logged, a dict of means.
    """
    return _balance(last) / _balance(first)


def _balance(epoch):
    """Error over KL as the loss pays for them, but for a constant factor."""
    variance = epoch.get("gamma", epoch.get("sigma", 1.0) ** 2)
    paid = epoch.get("free_kl", epoch["kl"]) * epoch.get("kl_weight", 1.0)
    return epoch["reconstruction"] / variance / max(paid, NOTHING)


# differences and verdicts


def difference(ours, others):
    """(mean of the differences seed by seed, half of its confidence interval).

    Args:
        ours, others: values of the same seeds in the same order, at least two.

    Raises:
        ValueError: not as many of both, or fewer than two.
    """
    if len(ours) != len(others) or len(ours) < 2:
        raise ValueError(f"two values of each, seed by seed. Received: {len(ours)} and {len(others)}")
    apart = np.subtract(ours, others)
    quantile = stats.t.ppf(0.5 + CONFIDENCE / 2, len(apart) - 1)
    return float(apart.mean()), float(quantile * apart.std(ddof=1) / math.sqrt(len(apart)))


def verdict(estimate, half, margin=0.0):
    """Whether a difference lies below `margin`: decided where its interval does not contain it."""
    if estimate + half < margin:
        return HOLDS
    return FAILS if estimate - half > margin else OPEN


def measured(report, column, row, of=COMPUTED):
    """`difference` of a column, of one row less another one; None unless both are measured with the same seeds."""
    cells = [report["rows"].get(name, {}).get(column, {}).get("details", {}).get("values", {}) for name in (of, row)]
    if cells[0].keys() != cells[1].keys() or len(cells[0]) < 2:
        return None
    return difference(*(values_of(report, column, name) for name in (of, row)))


def judged(report):
    """(claim, verdict, estimate, half of its interval, margin) of every claim that was measured."""
    for claim, row, part in CLAIMS:
        if found := measured(report, "fid_gen1", row):
            margin = part * report["rows"][row]["fid_gen1"]["value"]
            yield claim, verdict(*found, margin), *found, margin


def conclusions(report):
    """`Table.conclusions`: a line for each claim, and for each way its differences from computed gamma."""
    if report["smoke"]:
        return
    for claim, word, estimate, half, margin in judged(report):
        allowed = f" (a difference of up to {margin:.2f} counts as no worse)" if margin else ""
        found = f"{word}; FID@1280 {interval(estimate, half)}{allowed}"
        yield f"Computed gamma generates {claim}, in this narrow network: {found}."
    for row in ARMS:
        told = {title: measured(report, column, COMPUTED, of=row) for column, title in COMPARED.items()}
        shown = [f"{title} {interval(*found)}" for title, found in told.items() if found]
        if row != COMPUTED and shown:
            yield f"{row}, less computed gamma: {', '.join(shown)}."
