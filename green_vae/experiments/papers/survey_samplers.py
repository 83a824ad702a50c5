"""Samplers on the codes of one network each: columns over the seeds of a sampler, contrasts and verdicts."""

import dataclasses

import numpy as np

from green_vae.experiments import columns
from green_vae.experiments.evidence import FAILS, HOLDS, OPEN
from green_vae.experiments.papers.paired import difference, interval, verdict
from green_vae.experiments.spec import Column, Measurement, Row, Sampling
from green_vae.experiments.timing import timed_on
from green_vae.metrics import frechet_from_features

SEEDS = ("0", "1", "2")  # of second stages
NETWORKS = {"mini CNN": "survey/cnn-mini", "Resnet-s4-b48-l128": "survey/resnet-s4-b48-l128"}
# what all second stages share, so that only the loss differs
STAGE = {"widths": (512, 512), "learning_rate": 1e-3, "epochs": 20, "halve_at": (11, 16)}
LOSSES = {  # words -> arguments
    "cosine": {"reconstruction": "cosine", "beta": 0.005, "rescale": True},
    "squared error": {"reconstruction": "squared_error", "beta": 0.005, "rescale": True},
    "Gaussian": {"reconstruction": "gaussian", "beta": 1.0, "rescale": False},
}
COMPONENTS = (1, 5, 10, 20, 50, 100)
CODES = {"means": "mean", "draws": "sample"}  # words -> what is taken of the posterior
KID, DENSITY, SECONDS = "kid", "log_density", "fit_s"


def stage_row(network, loss):
    """A second stage, one for each of `SEEDS`, on the codes that the network's own samplers take."""
    samplers = {seed: Sampling("second_stage", {**STAGE, **LOSSES[loss], "seed": int(seed)}) for seed in SEEDS}
    return Row(stage_name(network, loss), dict.fromkeys((SECONDS, KID)), NETWORKS[network], samplers=samplers)


def stage_name(network, loss):
    return f"{network}, second stage, {loss}"


def mixture_row(network, count, of):
    sampling = Sampling("gmm", {"n_components": count, "seed": 0}, posterior=CODES[of])
    names = (SECONDS, DENSITY, KID)
    return Row(mixture_name(network, count, of), dict.fromkeys(names), NETWORKS[network], samplers={"0": sampling})


def mixture_name(network, count, of):
    return f"{network}, mixture of {count}, {of}"


def over_samplers(name, column_of):
    """A column of a row with one sampler for each seed: the mean of `column_of(kind)`, and its spread."""
    shown = column_of("0")

    def measure(run):
        found = {kind: column_of(kind).measure(run) for kind in run.row.samplers}
        values = {kind: float(part.value) for kind, part in found.items()}
        numbers, first = [*values.values()], next(iter(found.values()))
        told = ", ".join(f"seed {kind}: {shown.format.format(value)}" for kind, value in values.items())
        return dataclasses.replace(
            first,
            value=float(np.mean(numbers)),
            remark=told if len(values) > 1 else first.remark,
            values=values,
            spread=float(np.std(numbers, ddof=1)) if len(values) > 1 else None,
        )

    def identity(run):
        return [column_of(kind).identity(run) for kind in run.row.samplers]

    return dataclasses.replace(shown, name=name, measure=measure, identity=identity)


def drawn(run, kind):
    """(as many codes as there are reference images, drawn by a sampler of the row; how they are made, in words)."""
    sampler = kind if kind == "prior" and run.model.variational else run.sampler(kind)
    return run.trained.new_codes(run.reference_count, sampler, run.settings.seed), f"codes {run.made(kind)[8:]}"


def distance(run, codes):
    """Frechet distance of codes to those of the reference images, divided by the number of latent units."""
    return frechet_from_features(codes, run.codes("test")) / codes.shape[1]


def fit_seconds(kind):
    """Processor seconds of fitting; with compilation, for a second stage."""

    def measure(run):
        return Measurement(run.fit_seconds(kind), made=f"{run.made(kind)}", images=len(run.train_images))

    def identity(run):
        return {**run.image_identity(kind), "quantity": SECONDS, **timed_on()}

    return Column(SECONDS, "processor s of the fit", measure, identity, format="{:,.1f}")


def log_density(kind):
    """Mean of log p(z) over the codes of the reference images, which the sampler has not seen, in nats.

    They are means or draws, as those that it was fitted on: two scales.
    """

    def measure(run):
        codes = run.codes("test", run.sampling(kind).posterior)
        return Measurement(float(run.sampler(kind).log_density(codes).mean()), images=len(codes))

    def identity(run):
        return {**run.image_identity(kind), "quantity": DENSITY}

    return Column(DENSITY, "log p of test codes, nats", measure, identity, format="{:,.2f}")


def kid(kind):
    return columns.kid(KID, kind, "KID x 1000")


COLUMNS = (
    over_samplers(SECONDS, fit_seconds),
    over_samplers(DENSITY, log_density),
    over_samplers(KID, kid),
)


# verdicts


def cosine_is_better(report):
    """(word, {network: difference}) of "the cosine is a better loss than the squared error", by the KID.

    It holds if the difference over the seeds is below 0 by more than its 95 % interval in every network, and does not
    if it is above in one.
    """
    pairs = {
        network: difference(report, KID, stage_name(network, "cosine"), stage_name(network, "squared error"))
        for network in NETWORKS
    }
    found = {network: pair for network, pair in pairs.items() if pair}
    words = {verdict(*pair, -1) for pair in found.values()}
    return (FAILS if FAILS in words else HOLDS if words == {HOLDS} and len(found) == len(NETWORKS) else OPEN), found


def cosine_in_words(report):
    """The same in words; "" where nothing is measured."""
    word, found = cosine_is_better(report)
    listed = ", ".join(f"{network} {interval(*pair)}" for network, pair in found.items())
    return f"{word}; KID x 1000 of the cosine less that of the squared error: {listed}" if listed else ""


def conclusions(report):
    """Verdict on the cosine, the Gaussian beside both, and the best numbers of components."""
    if report["smoke"]:
        return
    if words := cosine_in_words(report):
        yield f"In a second stage, the cosine is a better loss than the squared error: {words}."
    for network in NETWORKS:
        told = []
        for loss in ("cosine", "squared error"):
            if pair := difference(report, KID, stage_name(network, "Gaussian"), stage_name(network, loss)):
                told.append(f"{interval(*pair)} of the {loss}")
        if told:
            yield f"{network}: the KID x 1000 of the Gaussian, less that of another loss, is {' and '.join(told)}."
        for of in CODES:
            yield from _best(report, network, of)


def _best(report, network, of):
    for column, what, pick in ((DENSITY, "highest density of test codes", max), (KID, "lowest KID", min)):
        cells = {count: report["rows"].get(mixture_name(network, count, of), {}) for count in COMPONENTS}
        found = {count: cell[column]["value"] for count, cell in cells.items() if cell.get(column, {}).get("value")}
        if len(found) > 1:
            best = pick(found, key=found.get)
            listed = ", ".join(f"{count}: {value:,.1f}" for count, value in found.items())
            yield f"{network}, mixtures on {of}: {best} components have the {what} ({listed})."
