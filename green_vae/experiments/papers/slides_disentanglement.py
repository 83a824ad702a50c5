"""What a table of disentanglement needs: codes of sprites beside the factors of the images, and verdicts."""

import functools

import numpy as np
from scipy import stats

from green_vae.data import sprites
from green_vae.experiments.evidence import FAILS, HOLDS, OPEN
from green_vae.experiments.papers import paired
from green_vae.experiments.spec import Column, Measurement
from green_vae.metrics import dci, factor_vae_score, mutual_information_gap

PLAIN = "beta = 1"
ARMS = ("beta = 4", "beta = 16", "beta = 64")
CAPACITY = "capacity of 25 nats"
SCORES = {  # column -> title
    "mig": "MIG",
    "disentanglement": "DCI disentanglement",
    "completeness": "DCI completeness",
    "informativeness": "DCI informativeness",
    "factor_vae": "FactorVAE score",
}


def score(name):
    """A score of `SCORES` on the posterior means of all test images."""

    def measure(run):
        return Measurement(scores(run)[name], made="posterior means of all test images", images=len(_images(run)))

    def identity(run):
        return {**run.identity(), "quantity": name, "n": len(_images(run))}

    return Column(name, SCORES[name], measure, identity=identity, format="{:,.3f}")


def error(name, title):
    """Mean of a raw term over all test images, in nats: "reconstruction" (the cross-entropy) or "kl"."""

    def measure(run):
        return Measurement(terms(run)[name], made="one draw from each posterior", images=len(_images(run)))

    def identity(run):
        return {**run.identity(), "quantity": f"mean {name}", "n": len(_images(run))}

    return Column(name, title, measure, identity=identity, format="{:,.2f}")


@functools.lru_cache(maxsize=5)  # every column goes through all seeds of a row
def scores(run):
    """Name of every score -> its value for one trained row."""
    codes, factors, seed = run.trained.encode(_images(run)), factors_of(run), run.settings.seed
    forests = dci(codes, factors, seed=seed)
    return {
        "mig": mutual_information_gap(codes, factors),
        **forests._asdict(),
        "factor_vae": factor_vae_score(codes, factors, seed=seed),
    }


@functools.lru_cache(maxsize=5)  # every column goes through all seeds of a row
def terms(run):
    """Name -> mean over the test images, as the model logs them."""
    run.trained.compile()
    return run.trained.evaluate(_images(run), batch_size=len(_images(run)) // 4, verbose=0, return_dict=True)


def factors_of(run):
    """Factors of the test images, (n, factors). The images of a smoke test are digits: the digit and its parity."""
    if run.preset.dataset == "sprites":
        return sprites.factors("test")
    labels = run.bench.data(run.preset.dataset, "test").labels[: len(_images(run))]
    return np.stack([labels, labels % 2], axis=1)


def _images(run):
    return run.bench.data(run.preset.dataset, "test").images[: run.reference_count]


def conclusions(report):
    """`Table.conclusions`: for every score, the differences to beta = 1 with their simultaneous intervals."""
    if report["smoke"]:
        return
    for column, title in SCORES.items():
        if found := differences(report, column):
            told = (f"{row} {value:+.3f} ({low:+.3f} to {high:+.3f})" for row, (value, low, high) in found.items())
            yield f"{title} less that of {PLAIN}, with 95 % intervals: {', '.join(told)}."
    if word := verdict(report):
        yield f"A large beta disentangles, by MIG: {word}."


def differences(report, column):
    """Row -> (mean less that of beta = 1, lower end, upper end), by Dunnett's test over the seeds; {} if not measured.

    The intervals hold for all rows together, with 95 %.
    """
    values = {row: [*paired.values(report, column, row).values()] for row in (PLAIN, *ARMS, CAPACITY)}
    if min(map(len, values.values())) < 2:
        return {}
    plain = values.pop(PLAIN)
    if not any(np.ptp(sample) for sample in (plain, *values.values())):
        return {}  # no spread, no interval
    interval = stats.dunnett(*values.values(), control=plain, random_state=0).confidence_interval(paired.CONFIDENCE)
    means = (np.mean(sample) - np.mean(plain) for sample in values.values())
    return {row: tuple(map(float, one)) for row, *one in zip(values, means, interval.low, interval.high, strict=True)}


def verdict(report, column="mig"):
    """Of "beta >> 1 disentangles": it holds where some beta above 1 has an interval above 0, does not hold where none
    has and one lies below 0, and is open else; "" if not measured.
    """
    found = [ends for row, ends in differences(report, column).items() if row in ARMS]
    if not found:
        return ""
    if any(low > 0 for _, low, _ in found):
        return HOLDS
    return FAILS if any(high < 0 for _, _, high in found) else OPEN
