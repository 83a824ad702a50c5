"""What beta and epochs of a second stage do to the codes that it draws: columns over seeds, a theory, verdicts."""

from functools import partial

import numpy as np

from green_vae.experiments.evidence import FAILS, HOLDS
from green_vae.experiments.papers.paired import difference, interval, verdict
from green_vae.experiments.papers.survey_samplers import distance, drawn, over_samplers
from green_vae.experiments.spec import Column, Measurement, NotRun, Row, Sampling

NETWORK = "survey/resnet-s4-b48-l128"
SEEDS = ("1", "2", "3")  # of second stages; a first look at other settings had seed 0
BETA = 0.005  # of the survey's last code
BETAS = (0.0005, 0.001)  # smaller ones
EPOCHS = (1, 3, 10, 30)
LONGEST = EPOCHS[-1]
NARROW = {"reconstruction": "cosine", "widths": (512, 512)}  # what the rows over seeds share
LAST, EARLIER = "the survey's last code", "the survey's earlier code"
RECIPES = {LAST: {"reconstruction": "cosine"}, EARLIER: {"reconstruction": "cosine_and_error", "epochs": 30}}
WITH_NOISE = ", with noise"
DISTANCE, LARGE, SMALL, KL = "distance", "large", "small", "kl"
LARGE_THEORY, SMALL_THEORY = "large_theory", "small_theory"
MEASURED = (DISTANCE, LARGE, SMALL, KL)
HIGHEST = 80.0  # log variance of a KL: a network that was hardly trained has larger ones, and no finite KL
TENTH = 10  # of the directions: one part of so many is "the largest" and "the smallest"


def name_of(beta, epochs, noise=False):
    return f"narrow, beta {beta}, {epochs} epoch{'s' * (epochs > 1)}{WITH_NOISE * noise}"


def narrow_row(beta, epochs, noise=False):
    """A narrow second stage by the survey's last code but for these, once for each of `SEEDS`."""
    settings = {**NARROW, "beta": beta, "epochs": epochs}
    samplers = {seed: Sampling("second_stage", {**settings, "seed": int(seed)}, noise=noise) for seed in SEEDS}
    columns = MEASURED if noise else (*MEASURED, LARGE_THEORY, SMALL_THEORY)
    return Row(name_of(beta, epochs, noise), dict.fromkeys(columns), NETWORK, samplers=samplers)


def recipe_row(name, noise=False):
    """A second stage by one of the survey's two codes, whole, with seed 0."""
    sampling = Sampling("second_stage", RECIPES[name], noise=noise)
    return Row(name + WITH_NOISE * noise, dict.fromkeys((*MEASURED, "fid")), NETWORK, samplers={"0": sampling})


def directions(codes):
    """(variances, unit vectors as columns) of codes (n, d) along their principal directions, the largest first."""
    variances, vectors = np.linalg.eigh(np.cov(codes.astype("float64").T))
    return variances[::-1], vectors[:, ::-1]


def ends(values):
    """(mean of the first tenth, mean of the last tenth) of values (d,), of one value at least."""
    count = max(1, len(values) // TENTH)
    return float(values[:count].mean()), float(values[-count:].mean())


def kept(drawn, codes):
    """The variance of drawn codes along the principal directions of others, relative to that of the others: `ends`."""
    variances, vectors = directions(codes)
    return ends(np.var(drawn.astype("float64") @ vectors, axis=0, ddof=1) / variances)


def linear_theory(codes, beta):
    """What `kept` is for a linear second stage of the squared error, at its optimum; the cosine is not linear.

    With the error ||z - z_hat||^2 / (2 d) and the weight beta, the loss is beta times that of a VAE whose decoder has
    the noise variance d beta. A linear one is probabilistic PCA (Tipping and Bishop 1999; Lucas et al. 2019): it
    explains of a variance v what is above the noise, max(v - d beta, 0). The noise is not drawn, and one factor gives
    what is drawn the length of the codes.

    Raises:
        NotRun: the noise is above all variances, so that nothing is drawn.
    """
    variances, _ = directions(codes)
    left = np.clip(variances - len(variances) * beta, 0, None)
    if not left.any():
        noise = len(variances) * beta
        raise NotRun(f"a linear second stage draws nothing: its noise of {noise:.3g} is above all variances")
    return ends(left * variances.sum() / left.sum() / variances)


def _column(quantity, title, compute, format):
    """A column over the seeds: `compute(run, kind)` is the number and what it is of, in words."""

    def of(kind):
        def measure(run):
            value, made = compute(run, kind)
            return Measurement(value, made=made, images=run.reference_count)

        return Column(quantity, title, measure, lambda run: _identity(run, kind, quantity), format=format)

    return over_samplers(quantity, of)


def _distance(run, kind):
    codes, made = drawn(run, kind)
    return distance(run, codes), made


def _kept(run, kind, end):
    codes, made = drawn(run, kind)
    return kept(codes, run.codes("test"))[end], made


def _identity(run, kind, quantity):
    own = {**run.image_identity(kind), "quantity": f"second stage: {quantity}", "posterior": run.preset.codes}
    return {**own, **run.limited()}


def _kl(run, kind):
    model, codes = run.sampler(kind).model_, run.codes("test")
    mean, log_var = (moment.astype("float64") for moment in model.latent_moments(codes))
    log_var = np.minimum(log_var, HIGHEST)
    made = f"of the codes of {len(codes):,} test images; {run.made(kind)[8:]}"
    return float(0.5 * (np.exp(log_var) + mean**2 - 1 - log_var).sum(axis=1).mean()), made


def _theory(quantity, title, index):
    """The theory's number beside the measured one; the same for every seed."""

    def measure(run):
        beta = next(iter(run.row.samplers.values())).settings["beta"]
        made = f"from the variances of codes of the {run.reference_count:,} test images, in closed form"
        return Measurement(linear_theory(run.codes("test"), beta)[index], made=made)

    def identity(run):
        return _identity(run, next(iter(run.row.samplers)), quantity)

    return Column(quantity, title, measure, identity, format="{:,.2f}")


COLUMNS = (
    _column(DISTANCE, "distance to codes of test images", _distance, "{:,.4f}"),
    _column(LARGE, "largest tenth", partial(_kept, end=0), "{:,.2f}"),
    _theory(LARGE_THEORY, "largest tenth, linear theory", 0),
    _column(SMALL, "smallest tenth", partial(_kept, end=1), "{:,.2f}"),
    _theory(SMALL_THEORY, "smallest tenth, linear theory", 1),
    _column(KL, "KL of the second stage, nats", _kl, "{:,.1f}"),
)


# verdicts


def against_the_survey(report):
    """{row: (word, difference)} of "its distance is smaller than that of the survey's beta after the most epochs"."""
    base, found = name_of(BETA, LONGEST), {}
    others = [name_of(BETA, epochs) for epochs in EPOCHS[:-1]] + [name_of(beta, LONGEST) for beta in BETAS]
    others.append(name_of(BETA, LONGEST, noise=True))
    for row in others:
        if pair := difference(report, DISTANCE, row, base):
            found[row] = verdict(*pair, -1), pair
    return found


def conclusions(report):
    """The distance of every other row over seeds, less that of the survey's beta after the most epochs."""
    if report["smoke"]:
        return
    for row, (word, pair) in against_the_survey(report).items():
        said = {HOLDS: "nearer to", FAILS: "farther from"}.get(word, "no nearer to, and no farther from,")
        yield (
            f"{row}: its codes lie {said} those of images than with beta {BETA} after {LONGEST} epochs "
            f"({interval(*pair)})."
        )
