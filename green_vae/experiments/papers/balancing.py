"""What the table of balancing needs: the ways to balance by name, the weight that they come to, and the verdicts.

Two ways are compared seed by seed: the same seed means the same first weights, order and noise. An interval is that of
the mean of these differences, by Student's t.
"""

from green_vae.experiments.papers import paired
from green_vae.experiments.papers.paired import difference, interval
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


def verdict(estimate, half, margin=0.0):
    """Whether computed gamma is better, or with a margin no worse by more than that; lower is better."""
    return paired.no_worse((estimate, half), margin) if margin else paired.verdict(estimate, half, -1)


def judged(report):
    """(claim, verdict, estimate, half of its interval, margin) of every claim that was measured."""
    for claim, row, part in CLAIMS:
        if found := difference(report, "fid_gen1", COMPUTED, row):
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
        told = {title: difference(report, column, row, COMPUTED) for column, title in COMPARED.items()}
        shown = [f"{title} {interval(*found)}" for title, found in told.items() if found]
        if row != COMPUTED and shown:
            yield f"{row}, less computed gamma: {', '.join(shown)}."
