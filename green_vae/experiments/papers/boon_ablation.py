"""The 2x2 of the ResLag study's two ideas: what is measured, its effects with their intervals, and the verdicts.

The factors are a lagging decoder and side branches. Effects and their intervals are those of a two-way analysis of
variance whose cells are the seeds of one arm.
"""

import math

import numpy as np
from scipy import stats

from green_vae import metrics
from green_vae.experiments.evidence import OPEN
from green_vae.experiments.papers.boon import evaluated, images_of
from green_vae.experiments.papers.paired import CONFIDENCE, interval, values, verdict
from green_vae.experiments.spec import Column, Measurement
from green_vae.models.lagging_vae import mean_information
from green_vae.presets import preset

DRAWS = 25  # codes for each image, of the mutual information
CEILING = 0.01  # an estimate of information that lies this near to its greatest possible value tells nothing
ARMS = {  # (lagging, side branches) -> row
    (0, 0): "CIFAR10 mini trunk",
    (1, 0): "CIFAR10 mini lagging trunk",
    (0, 1): "CIFAR10 mini multi-level",
    (1, 1): "CIFAR10 mini ResLag-VAE",
}
LIGHT = "CIFAR10 mini light ResLag-VAE"
LAGGING = "boon/reslag-cifar10-mini"  # whose schedule all lagging arms have
MAIN = {  # contrasts of the arms in the order of ARMS
    "lagging": (-0.5, 0.5, -0.5, 0.5),
    "side branches": (-0.5, -0.5, 0.5, 0.5),
    "interaction": (1.0, -1.0, -1.0, 1.0),
}
SIMPLE = {
    "lagging on the trunk": (-1.0, 1.0, 0.0, 0.0),
    "lagging beside side branches": (0.0, 0.0, -1.0, 1.0),
    "side branches alone": (-1.0, 0.0, 1.0, 0.0),
    "side branches beside lagging": (0.0, -1.0, 0.0, 1.0),
}
CLAIMS = (  # claim, column, contrast, sign that it asks for
    ("Lagging lowers -ELBO at equal passes", "neg_elbo", "lagging", -1),
    ("Lagging lowers -ELBO at equal epochs", "neg_elbo_epochs", "lagging", -1),
    ("Lagging raises the mutual information", "information", "lagging", 1),
    ("Side branches lower Rec", "rec", "side branches", -1),
)
# trainable parameters of the study's ResLag-VAE and of its light version, at full width
FULL_WIDTH = {"CIFAR": (7_868_795, 4_425_034), "CelebA": (14_360_939, 8_955_118)}


def passes_of(name):
    """(all passes of the recipe of a lagging preset, those in which its decoder moves)."""
    chosen = preset(name)
    total, ratio, aggressive = chosen.recipe.epochs, chosen.config["ratio"], chosen.config["aggressive_epochs"]
    return total, sum(step >= ratio * aggressive or step % ratio == ratio - 1 for step in range(total))


# columns, of one seed


def negative_elbo():
    """D/2 log(2 pi sigma^2) + Rec / (2 sigma^2) + KL in nats, over all validation images, on one sigma^2.

    sigma^2 is the variance of all values of all training images, so that it is the same for every arm and seed.
    """

    def measure(run):
        found, sigma2 = evaluated(run), data_variance(run.train_data.images)
        made = f"sigma^2 = {sigma2:.6f}, the variance of all values of the {len(run.train_data):,} training images"
        value = on_one_sigma(run, found["rec"][1], found["kl"][1], sigma2)
        return Measurement(value, made=made, images=len(images_of(run)))

    def identity(run):
        own = {**run.identity(), "quantity": "negative elbo", "n": len(images_of(run))}
        return {**own, "of": run.train_data.fingerprint[:16]}

    return Column("neg_elbo", "-ELBO, nats", measure, identity, format="{:,.2f}")


def on_one_sigma(run, rec, kl, sigma2):
    """-ELBO in nats, from means of the squared error and the KL."""
    constant = 0.5 * math.prod(run.trained.image_shape) * math.log(2 * math.pi * sigma2)
    return constant + rec / (2 * sigma2) + kl


def at_equal_epochs():
    """Columns of -ELBO, Rec and KL as the training logged them when every arm had trained for as many epochs.

    An aggressive epoch of a lagging arm has several passes, any other epoch has one; its decoder moves once in each.
    So the other arms are read after fewer passes. As in the study the best epoch by validation loss until then counts.
    """

    def quantities(run):
        passes, step = best_pass(run)
        logged = run.history[step]
        rec, kl = logged["val_reconstruction"], logged["val_kl"]
        elbo = on_one_sigma(run, rec, kl, data_variance(run.train_data.images))
        return {"neg_elbo": elbo, "rec": rec, "kl": kl}, f"pass {step + 1} of {passes}"

    def column(quantity, title):
        def measure(run):
            found, at = quantities(run)
            made = "logged in training, over all validation images, with moving statistics of batch norm"
            return Measurement(found[quantity], remark=at, made=made, images=len(run.validation_images))

        def identity(run):
            logged = [[epoch[name] for name in ("val_loss", "val_reconstruction", "val_kl")] for epoch in run.history]
            return {**run.identity(), "quantity": f"{quantity} at equal epochs", "logged": logged}

        return Column(f"{quantity}_epochs", f"{title} (equal epochs)", measure, identity, format="{:,.2f}")

    return column("neg_elbo", "-ELBO, nats"), column("rec", "Rec"), column("kl", "KL, nats")


def best_pass(run):
    """(passes in as many epochs as the lagging arms have, place of the best of them) of a run."""
    passes, moving = passes_of(LAGGING)
    allowed = min(passes if run.preset.model != "sigma_vae" else moving, len(run.history))
    return allowed, min(range(allowed), key=lambda step: run.history[step]["val_loss"])


def data_variance(images):
    """Variance of all values of uint8 images (n, h, w, c), in units of [0, 1]."""
    mean, square = (np.mean(part, dtype="float64") for part in (images, np.square(images, dtype="uint16")))
    return float(square - mean**2) / 255**2


def information():
    """`mutual_information` of the reference images and their codes, nats; at most the log of their number.

    The mean of `DRAWS` estimates: one has a standard error of about sqrt(d / (2 n)) for d units and n images.
    """

    def measure(run):
        mean, log_var = moments(run.trained, run.bench.reference_images)
        count = draws_of(run)
        value = mean_information(mean, log_var, count, run.settings.seed)
        return Measurement(value, made=f"{count} codes for each image", images=len(mean))

    def identity(run):
        return {**run.identity(), "quantity": "information", "n": run.reference_count, "k": draws_of(run)}

    return Column("information", "MI, nats", measure, identity, format="{:,.3f}")


def draws_of(run):
    return 2 if run.settings.smoke else DRAWS


def information_bound():
    """Upper bound of the same over all validation images, nats, see `bound`; it has no ceiling."""

    def measure(run):
        images = images_of(run)
        return Measurement(bound(*moments(run.trained, images)), images=len(images))

    def identity(run):
        return {**run.identity(), "quantity": "information bound", "n": len(images_of(run))}

    return Column("information_bound", "MI at most, nats", measure, identity, format="{:,.2f}")


def moments(model, images):
    """Mean and log variance of the posteriors of images, float64 (n, d)."""
    posterior = model.posterior(images)
    return posterior["mean"].astype("float64"), posterior["log_var"].astype("float64")


def bound(mean, log_var):
    """Upper bound of the mutual information of images and codes, in nats: mean KL - KL(N(m, C) || N(0, I)).

    m and C are mean and covariance of the aggregate posterior. The information is the mean KL less KL(q(z) || N(0, I)),
    and of all densities with these moments the Gaussian is the nearest to N(0, I).

    Args:
        mean, log_var: of the posteriors, (n, d), n > 1.
    """
    kl = metrics.kl_standard_normal(mean, log_var).mean()
    middle, covariance = mean.mean(axis=0), np.cov(mean.T, ddof=0) + np.diag(np.exp(log_var).mean(axis=0))
    _, log_det = np.linalg.slogdet(np.atleast_2d(covariance))
    return float(kl - 0.5 * (np.trace(covariance) + middle @ middle - len(middle) - log_det))


# effects and verdicts


def values_of(report, column, row):
    """Values of the seeds of one arm; () where it is not measured."""
    return tuple(values(report, column, row).values())


def effects(arms):
    """Contrast -> (estimate, half of its confidence interval), by the variance of the seeds pooled over the arms.

    Main effects, of lagging and of side branches, are means over both levels of the other factor. The interaction is
    what lagging does beside side branches less what it does on the trunk.

    Args:
        arms: values of the seeds of each arm, in the order of `ARMS`.

    Raises:
        ValueError: no arm with two seeds, or an arm with none.
    """
    counts = np.array([len(values) for values in arms])
    freedom = counts.sum() - len(arms)
    if len(arms) != len(ARMS) or counts.min() < 1 or freedom < 1:
        raise ValueError(f"four arms with a seed, and one with two, have effects. Received: {counts.tolist()} seeds")
    means = np.array([np.mean(values) for values in arms])
    pooled = sum(np.sum((np.asarray(values) - np.mean(values)) ** 2) for values in arms) / freedom
    quantile = stats.t.ppf(0.5 + CONFIDENCE / 2, freedom)
    found = {}
    for name, weights in {**MAIN, **SIMPLE}.items():
        error = math.sqrt(pooled * np.sum(np.square(weights) / counts))
        found[name] = float(np.dot(weights, means)), float(quantile * error)
    return found


def at_the_ceiling(report):
    """Whether every estimate of the mutual information lies at its greatest possible value."""
    told = [report["rows"][row]["information"]["details"] for row in ARMS.values()]
    return all(min(d["values"].values()) > (1 - CEILING) * math.log(d["images"]) for d in told)


def measured_effects(report, column):
    """`effects` of a column by name; {} unless its arms are measured, one of them with two seeds."""
    arms = [values_of(report, column, row) for row in ARMS.values()]
    return effects(arms) if all(arms) and max(map(len, arms)) > 1 else {}


def judged(report):
    """(claim, column, verdict, estimate, half of its interval, why it is open) of every claim that was measured."""
    for claim, column, contrast, sign in CLAIMS:
        if found := measured_effects(report, column):
            if column == "information" and at_the_ceiling(report):
                yield claim, column, OPEN, *found[contrast], "every estimate lies at its greatest possible value"
            else:
                word = verdict(*found[contrast], sign)
                yield claim, column, word, *found[contrast], "the seeds differ by as much" if word == OPEN else ""


def conclusions(columns):
    """`Table.conclusions`: a line for each claim and each column with its effects, and the light model's differences.

    What an idea does alone and beside the other one is told where there is an interaction.

    Args:
        columns: those that are measured over seeds.
    """

    def lines(report):
        if report["smoke"]:
            return
        for claim, _, word, estimate, half, why in judged(report):
            reason = f" ({why})" if why else ""
            yield f"{claim}, at this width: {word}{reason}; main effect {interval(estimate, half)}."
        for column in columns:
            if found := measured_effects(report, column.name):
                value, half = found["interaction"]
                shown = found if abs(value) > half else MAIN
                told = (f"{name} {interval(*found[name])}" for name in shown)
                yield f"Effects on {column.title}: {', '.join(told)}."
        yield from _light(report, columns)

    return lines


def _light(report, columns):
    """What the light model has fewer parameters than ResLag-VAE, and how it differs from both lagging arms."""

    def value(row, column):
        return report["rows"].get(row, {}).get(column, {}).get("value")

    counts = [value(row, "params_trainable") for row in (ARMS[1, 1], LIGHT)]
    told = ", ".join(f"{1 - light / whole:.1%} ({name})" for name, (whole, light) in FULL_WIDTH.items())
    if None not in counts:
        here = f"{1 - counts[1] / counts[0]:.1%} fewer trainable parameters than ResLag-VAE at this width"
        yield f"The light ResLag-VAE has {here}. At full width it has {told} fewer; the study says almost 50 %."
    for other in (ARMS[1, 1], ARMS[1, 0]):
        pairs = {column.title: (value(LIGHT, column.name), value(other, column.name)) for column in columns}
        differences = [f"{title} {a - b:+,.3g}" for title, (a, b) in pairs.items() if None not in (a, b)]
        if differences:
            yield f"{LIGHT} less {other}: {', '.join(differences)}."
