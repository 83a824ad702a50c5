"""The objectives that the ResLag study cites and runs: bounds that compare them, and verdicts."""

import math

from green_vae.experiments.evidence import Side
from green_vae.experiments.papers import paired
from green_vae.experiments.papers.boon import evaluated, images_of
from green_vae.experiments.spec import Column, Measurement

RAN, FIXED, CITED = "MNIST sigma of the pixels", "MNIST beta = 2 sigma^2", "MNIST sigma of the error"
CAPACITY, LAGGING, HE = "MNIST capacity", "MNIST lagging", "MNIST lagging, He's criterion"
ARMS = {  # row -> preset
    RAN: "optimal-sigma",
    FIXED: "beta-sigma",
    CITED: "rybkin-sigma",
    CAPACITY: "capacity",
    LAGGING: "lagging",
    HE: "lagging-he",
}
EQUAL = 0.01  # how far apart two numbers are, at most, that are called equal, in parts of the first
BOUND = "neg_elbo_best"


def best_bound():
    """-ELBO in nats on the one sigma^2 that is best for a model: the error of its images, for each value of an image.

    D/2 (log(2 pi sigma^2) + 1) + KL, for D values in an image and sigma^2 = Rec / D; over all validation images.
    """

    def measure(run):
        found, values = evaluated(run), math.prod(run.trained.image_shape)
        variance = found["rec"][1] / values
        bound = 0.5 * values * (math.log(2 * math.pi * variance) + 1) + found["kl"][1]
        return Measurement(bound, remark=f"sigma^2 = {variance:.5f}", images=len(images_of(run)))

    def identity(run):
        return {**run.identity(), "quantity": "negative elbo on the best sigma", "n": len(images_of(run))}

    return Column(BOUND, "-ELBO, nats, on its best sigma", measure, identity, format="{:,.2f}")


def judged(report):
    """(claim, verdict, (difference, half of its interval)) of every claim that was measured."""
    for column, name in (("rec_mean", "Rec"), ("kl", "KL")):
        if found := paired.difference(report, column, FIXED, RAN):
            limit = EQUAL * paired.mean(report, column, RAN)
            yield (
                f"A beta-VAE with beta = 2 sigma^2 has the {name} of the sigma-VAE",
                paired.within(found, limit),
                found,
            )
    if found := paired.difference(report, BOUND, CITED, RAN):
        words = "The sigma of the error gives a lower -ELBO than that of the pixels, each on its best sigma"
        yield words, paired.verdict(*found, -1), found
    for row, words in ((LAGGING, "the study's schedule"), (HE, "He's criterion")):
        if found := paired.difference(report, "neg_elbo", row, RAN):
            yield f"Lagging by {words} lowers -ELBO on the sigma of the pixels", paired.verdict(*found, -1), found


def conclusions(report):
    """`Table.conclusions`: a line for each claim."""
    if report["smoke"]:
        return
    for text in paired.told(judged(report)):
        yield f"{text}."


def beta_of_sigma(reports):
    """`Claim.sides`: whether Rec and KL of a beta-VAE with beta = 2 sigma^2 are those of the study's sigma-VAE."""
    found = [entry for entry in judged({"rows": reports.rows("boon_objectives")}) if "beta-VAE" in entry[0]]
    text = f"MNIST: {'; '.join(paired.told(found))}" if found else "not measured"
    return Side(), Side(text, paired.together(word for _, word, _ in found))
