"""How far trainings of the ResLag study's digits and clothes lie apart, and what that says of its published numbers."""

import math

import numpy as np
from scipy import stats

from green_vae.experiments.evidence import Side
from green_vae.experiments.papers import paired

SETS = ("MNIST", "FashionMNIST")
PLAIN, AHEAD = "Optimal Sigma VAE", "Lagging VAE"
NAMES = {"rec": "Rec", "kl": "KL", "reduced": "total minus constant"}  # published columns, each on the study's scale


def one_more(values):
    """(mean, half of the 95 % prediction interval) of one further training, by Student's t over trainings so far.

    Raises:
        ValueError: fewer than two values.
    """
    n = len(values)
    if n < 2:
        raise ValueError(f"an interval needs two values or more. Received: {n}")
    factor = stats.t.ppf(0.5 + paired.CONFIDENCE / 2, n - 1) * math.sqrt(1 + 1 / n)
    return float(np.mean(values)), float(factor * np.std(values, ddof=1))


def likely(report):
    """(row, column, published, (mean, half of the interval)) of every published number that has trainings of ours."""
    for row, cells in report["rows"].items():
        for column in NAMES:
            published, values = cells[column]["published"], [*paired.values(report, column, row).values()]
            if published is not None and len(values) > 1:
                yield row, column, published, one_more(values)


def shifts(report):
    """(data set, published shift of the total minus constant by lagging, (ours, half of its 95 % interval))."""
    for dataset in SETS:
        rows = [f"{dataset} {model}" for model in (AHEAD, PLAIN)]
        if found := paired.difference(report, "reduced", *rows):
            ahead, plain = (report["rows"][row]["reduced"]["published"] for row in rows)
            yield dataset, ahead - plain, found


def conclusions(report):
    """`Table.conclusions`: published numbers among our trainings, and the shift by lagging."""
    if report["smoke"]:
        return
    if found := list(likely(report)):
        far = [entry for entry in found if abs(entry[2] - entry[3][0]) > entry[3][1]]
        outside = [f"{row}, {NAMES[name]} {told:,.2f} beside {interval(*own)}" for row, name, told, own in far]
        words = f"; not {'; '.join(outside)}" if outside else ""
        inside = f"{len(found) - len(far)} of {len(found)} published numbers lie"
        yield f"{inside} where one more training of ours would lie, with 95 % confidence{words}."
    for dataset, published, own in shifts(report):
        yield (
            f"{dataset}: lagging lowers the total minus constant: {paired.verdict(*own, -1)}; {paired.interval(*own)} "
            f"nats, published {published:+.2f}."
        )


def both_ways(reports):
    """`Claim.sides`: whether lagging shifts the totals of both data sets the way that the study's numbers say."""
    found = list(shifts({"rows": reports.rows("boon_spread")}))
    if len(found) < len(SETS):
        return Side(), Side("not measured")
    published = ", ".join(f"{dataset} {told:+.2f} nats" for dataset, told, _ in found)
    ours = ", ".join(f"{dataset} {paired.interval(*own)} nats" for dataset, _, own in found)
    says = paired.together(paired.verdict(*own, told) for _, told, own in found)
    return Side(f"one training each: {published}", True), Side(f"three trainings each: {ours}", says)


def interval(middle, half):
    return paired.interval(middle, half).removeprefix("+")
