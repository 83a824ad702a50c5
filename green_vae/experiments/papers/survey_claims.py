"""The survey's claims, and what its own numbers and ours say of them."""

import math

from scipy.stats import spearmanr

from green_vae.experiments.evidence import (
    FAILS,
    HOLDS,
    NARROW,
    OURS,
    PUBLISHED,
    SECOND_READING,
    Claim,
    Side,
    both,
    denied_or_shown,
    every,
    fixed,
    lower,
    lowest,
    usually,
)
from green_vae.experiments.papers import balancing, latent_sizes, survey_collapse, survey_rae, survey_samplers
from green_vae.experiments.timing import BATCHES, interval
from green_vae.presets import PRESETS

TRAIN, TEST = "mse_train_x1e3", "mse_test_x1e3"
CNN, L2, GP = "CNN-b128-l128", "L2-RAE-b128-l128", "GP-RAE-b128-l128"
HFVAES = ("HFVAE-s4-z4-l48", "HFVAE-s4-z12-l64")
TABLES = (("survey_table2", "CIFAR-10"), ("survey_table3", "CelebA"))
TABLE2, TABLE5 = "python reproduce/survey_table2.py", "python reproduce/survey_table5.py"
SIDES = (PUBLISHED, OURS)
FAMILIES = {  # report, row of the VAE -> rows of regularised autoencoders of the same network
    ("survey_table2", CNN): (L2, GP),
    ("survey_table3", "CNN-b128-l64"): ("L2-RAE-b128-l64", "GP-RAE-b128-l64"),
    ("survey_table2", "mini CNN"): ("mini L2-RAE", "mini GP-RAE"),
}


def within_rows(rule, low, high):
    """One column lower than another one, in the rows of both tables."""
    return lower(rule, *((table, words, low, high) for table, words in TABLES))


def worse_than_the_vae(reports):
    """Regularised autoencoders have a higher FID GEN1 than the VAE of the same network."""

    def side_of(side):
        found = []
        for (table, vae), raes in FAMILIES.items():
            own = reports.number(table, vae, "fid_gen1", side)
            values = [reports.number(table, rae, "fid_gen1", side) for rae in raes]
            found += [value > own for value in values if None not in (value, own)]
        return Side(f"in {sum(found)} of {len(found)} rows", every(sum(found), len(found))) if found else Side()

    return tuple(map(side_of, SIDES))


def ratios_of_time(rows, other, batches, low, high, reach):
    """Sides of "takes `low` to `high` times as long": ratios of seconds to those of another row.

    Args:
        reach: batch sizes that the claim is judged by; the others are shown.
    """

    def side_of(reports, side):
        found = {}
        for batch in batches:
            column = f"bs{batch}_s"
            base = reports.number("survey_table5", other, column, side)
            times = [reports.number("survey_table5", row, column, side) for row in rows]
            if None not in (base, *times):
                found[batch] = [time / base for time in times]
        if not found:
            return Side("not measured")
        text = "; ".join(f"batch {b}: {' and '.join(f'{ratio:.2f}' for ratio in of)}" for b, of in found.items())
        judged = [ratio for batch, of in found.items() if batch in reach for ratio in of]
        where = "" if side == PUBLISHED else ", on a CPU"
        says = low * 0.9 <= min(judged) and max(judged) <= high * 1.1 if judged else None
        return Side(f"times as long: {text}{where}", says)

    return lambda reports: tuple(side_of(reports, side) for side in SIDES)


def flops_and_seconds(reports):
    """FLOPs do not tell the seconds: the interval of the rank correlation lies below a half at every batch size."""

    def side_of(side):
        found = {}
        for batch in BATCHES:
            points = both(reports.rows("survey_table5"), "flops_m", f"bs{batch}_s", side)
            if len(points) > 2:
                costs, times = zip(*points.values(), strict=True)
                found[batch] = spearmanr(costs, times).statistic, *interval(costs, times)
        if not found:
            return Side("not measured")
        listed = ", ".join(f"{rho:+.2f} ({low:+.2f} to {high:+.2f})" for rho, low, high in found.values())
        text = f"rank correlation over the rows at batches of {', '.join(map(str, found))}, with 95 %: {listed}"
        lows, highs = ([ends[place] for ends in found.values()] for place in (1, 2))
        return Side(text, True if max(highs) < 0.5 else False if min(lows) > 0.5 else None)

    return tuple(map(side_of, SIDES))


def training_step(reports):
    """GP-RAE's training step against L2-RAE's: about ten times."""
    texts, found = [], []
    for column, words in (("train_gflops", "FLOPs"), ("step_s", "seconds")):
        slow, quick = (reports.number("green_training", row, column) for row in (GP, L2))
        if slow and quick:
            found.append(slow / quick)
            texts.append(f"{slow / quick:.2f} times the {words}")
    return Side("said in the text"), Side(" and ".join(texts) or "not measured", min(found) > 5 if found else None)


def cosine(reports):
    """Two second stages on the same codes; both networks count, since the comparison is within each."""
    report = {"rows": reports.rows("survey_samplers")}
    word, _ = survey_samplers.cosine_is_better(report)
    text = survey_samplers.cosine_in_words(report)
    return Side("no number"), Side(text or "not measured", {HOLDS: True, FAILS: False}.get(word))


def noise(reports):
    """Narrow networks do not decide it."""
    text = survey_rae.noise_in_words({"rows": reports.rows("survey_rae")})
    return Side("no such pair"), Side(f"narrow, MNIST: {text}" if text else "not measured")


def nvae_cost(reports):
    gflops = reports.number("survey_table1", "CIFAR-10", "gflops")
    if gflops is None:
        return Side("said in the text"), Side("not counted")
    return Side("said in the text"), Side(
        f"{gflops:.0f} for a forward pass, {3 * gflops:.0f} for a training step", gflops > 100
    )


def light_nvae(reports):
    """Fewest parameters and most FLOPs of Table 2."""

    def side_of(side):
        counts = both(reports.rows("survey_table2"), "params", "flops_m", side)
        counts = {name: pair for name, pair in counts.items() if NARROW not in name}
        fewest, most = (pick(counts, key=lambda name: counts[name][n]) for pick, n in ((min, 0), (max, 1)))
        return Side(f"fewest parameters: {fewest}; most FLOPs: {most}", "NVAE" in fewest and "NVAE" in most)

    return tuple(map(side_of, SIDES)) if reports.rows("survey_table2") else (Side(), Side())


def counts_of_the_code(reports):
    """Parameters and FLOPs are those of the authors' networks."""
    equal, cells = 0, 0
    differing = []
    for table, _ in TABLES:
        for name, row in reports.rows(table).items():
            if any(part in name for part in (NARROW, "PCA", SECOND_READING)):
                continue
            for column in ("params", "flops_m"):
                cells += 1
                equal += row[column]["value"] == row[column]["published"]
                if row[column]["value"] != row[column]["published"] and name not in differing:
                    differing.append(name)
    return Side(), Side(
        f"equal in {equal} of {cells} cells; not in {', '.join(differing)}", equal == cells
    ) if cells else Side()


def near(value, printed):
    return abs(value / printed - 1) <= 0.25


def printed_error(reports):
    """The printed error beside ours of both kinds of images, of full-width rows.

    A row denies that the printed one is of new images if ours of training images is within 25 % of it, and ours of test
    images is not.
    """
    texts, says = [], set()
    for name, cells in reports.rows("survey_table2").items():
        train, test = (cells.get(column, {}) for column in (TRAIN, TEST))
        printed = train.get(PUBLISHED)
        if None not in (printed, train.get(OURS), test.get(OURS)):
            texts.append(
                f"{name}: {train[OURS]:.2f} of training and {test[OURS]:.2f} of test images, published {printed}"
            )
            says.add(near(test[OURS], printed) or (False if near(train[OURS], printed) else None))
    return Side("the images are not named"), Side("; ".join(texts) or "not measured", denied_or_shown(says))


def gap(reports, row):
    """Error of test images divided by that of training images; None if it is not measured."""
    train, test = (reports.number("survey_table2", row, column) for column in (TRAIN, TEST))
    return test / train if None not in (train, test) else None


def overfitting(reports):
    """The residual networks' gap between both errors against the CNN's, at full width; the others are shown."""
    rows = reports.rows("survey_table2")
    gaps = {
        name: gap(reports, name)
        for name in rows
        if name.startswith(("CNN", "Resnet", "mini CNN", "mini Resnet", "PCA, 128"))
    }
    gaps = {name: ratio for name, ratio in gaps.items() if ratio}
    text = ", ".join(f"{name} {ratio:.2f}" for name, ratio in gaps.items())
    residual = [ratio for name, ratio in gaps.items() if name.startswith("Resnet")]
    says = max(residual) < gaps[CNN] if residual and CNN in gaps else None
    return Side("no error of test images"), Side(
        f"error of test / training images: {text}" if text else "not measured", says
    )


def trained(reports):
    """Name -> history of the survey's and Split-VAE's models with one latent vector and a KL, which ship."""
    names = [
        name for name in PRESETS if name.startswith(("survey/", "svae/")) and PRESETS[name].config.get("latent_dim")
    ]
    found = {name: reports.history(name) for name in names}
    return {name: history for name, history in found.items() if history and "active_means" in history[-1]}


def variance_law(reports):
    """Var[mu] + E[s^2] over training images, averaged over units, is within 5 % of 1."""
    found = {name: history[-1]["variance_law"] for name, history in trained(reports).items()}
    near = sum(abs(value - 1) < 0.05 for value in found.values())
    text = (
        f"in {near} of {len(found)} networks, from {min(found.values()):.2f} to {max(found.values()):.2f}"
        if found
        else ""
    )
    return Side("1, from theory"), Side(text or "not measured", usually(near, len(found)) if found else None)


def some_collapse(reports):
    found = {
        name: (history[-1]["active_means"], PRESETS[name].config["latent_dim"])
        for name, history in trained(reports).items()
    }
    fewer = {
        name: f"{name.split('/')[1]} {active:.0f} of {units}"
        for name, (active, units) in found.items()
        if active < units
    }
    text = f"in {len(fewer)} of {len(found)} networks ({', '.join(fewer.values())})"
    return Side(), Side(text, usually(len(fewer), len(found))) if found else Side("not measured")


def balance(reports):
    """The error over gamma, both for one value of an image, is within 10 % of 1 after an epoch."""
    near, epochs, first = 0, 0, []
    for name, history in trained(reports).items():
        if "gamma" in history[0]:
            values = math.prod(PRESETS[name].config["image_shape"])
            ratios = [epoch["reconstruction"] / values / epoch["gamma"] for epoch in history]
            near, epochs = near + sum(abs(ratio - 1) < 0.1 for ratio in ratios), epochs + len(ratios)
            first.append(ratios[0])
    if not epochs:
        return Side(), Side("not measured")
    text = f"error / gamma within 10 % of 1 in {near} of {epochs} epochs of {len(first)} networks; "
    return Side(), Side(f"{text}{min(first):.2f} to {max(first):.2f} in the first", usually(near, epochs))


def under_noise(reports):
    """The sentence of Figure 2, of one narrow network."""
    sentence = reports.sentence("survey_figures", "figure02")
    says = sentence.endswith(survey_collapse.VERDICT.format("yes", "yes")) if sentence else None
    return Side("borrowed experiment"), Side(sentence.removesuffix(".") or "not measured", says)


def no_weight_to_choose(reports):
    """Computed gamma against fixed weights, tuned or not, in FID; narrow networks do not decide it."""
    found = balancing.judged({"rows": reports.rows("survey_balancing")})
    texts = [
        f"{claim}: {word}, FID@1280 {balancing.interval(estimate, half)}"
        for claim, word, estimate, half, _ in found
        if claim != balancing.LEARNED
    ]
    return Side(), Side(f"narrow: {'; '.join(texts)}" if texts else "not measured")


def lost_variance(reports):
    """The variance that images lose, beside the mean squared error: within 10 % of each other."""
    pairs = both(reports.rows("survey_posteriors"), "variance_loss", "mse", OURS)
    if not pairs:
        return Side(), Side("not measured")
    ratios = {name: loss / error for name, (loss, error) in pairs.items()}
    near = sum(abs(ratio - 1) <= 0.1 for ratio in ratios.values())
    low, high = min(ratios, key=ratios.get), max(ratios, key=ratios.get)
    text = (
        f"within 10 % in {near} of {len(ratios)} models; {ratios[low]:.2f} times ({low}) to {ratios[high]:.2f} ({high})"
    )
    return Side(), Side(text, usually(near, len(ratios)))


CLAIMS = (
    Claim(
        "survey",
        "balancing",
        "The best variance of the likelihood is the mean squared error, so it can be computed instead of learnt.",
        fixed(ours=Side("a search finds no better one", True)),
        "python -m pytest tests/models/test_review_slides.py::test_no_sigma_is_better_than_the_optimum",
    ),
    Claim(
        "survey",
        "balancing",
        "With the computed gamma, error and KL keep their balance during training (here: error / gamma stays near 1).",
        balance,
        "green-vae train survey/resnet-s4-b48-l128",
    ),
    Claim(
        "survey",
        "balancing",
        "With the computed gamma no weight of the KL has to be chosen by hand (here: it generates better than weights "
        "that nobody tuned, and no worse than one that was).",
        no_weight_to_choose,
        "python reproduce/survey_balancing.py",
        "the same ways to balance on the survey's networks at full width",
    ),
    Claim(
        "survey",
        "collapse",
        "Of many latent variables, some are usually not used.",
        some_collapse,
        "green-vae train survey/resnet-s4-b48-l128",
    ),
    Claim(
        "survey",
        "collapse, Figure 2",
        "A variable whose noise is raised is given up, and comes back when the noise falls.",
        under_noise,
        "python reproduce/survey_figures.py --figures figure02",
        "the experiment of Figure 2, which has not been run",
    ),
    Claim(
        "survey",
        "mismatch",
        "The variance of a unit's means and its mean variance usually add up to about 1 (here within 5 %).",
        variance_law,
        "green-vae train survey/resnet-s4-b48-l128",
    ),
    Claim(
        "survey",
        "blurriness",
        "The variance that images lose is about the mean squared error (here within 10 %).",
        lost_variance,
        "python reproduce/survey_posteriors.py",
    ),
    Claim(
        "survey",
        "two-stage",
        "A second stage usually generates better than the prior.",
        within_rows(usually, "fid_gen2", "fid_gen1"),
        TABLE2,
    ),
    Claim(
        "survey",
        "two-stage, quality",
        "A second stage usually generates better than a mixture of Gaussians.",
        within_rows(usually, "fid_gen2", "fid_gmm"),
        TABLE2,
    ),
    Claim(
        "survey",
        "two-stage",
        "In a second stage, the cosine of codes is a better loss than their squared error.",
        cosine,
        "python reproduce/survey_samplers.py --limit-train 10000",
        "more seeds: the intervals of three contain 0",
    ),
    Claim(
        "survey",
        "RAE",
        "A penalty on the decoder takes the place of the noise of a VAE with constant variance (here: images from a "
        "mixture on its codes are no worse).",
        noise,
        "python reproduce/survey_rae.py",
        "the same rows at full width",
    ),
    Claim(
        "survey",
        "RAE, Table 2",
        "Regularised autoencoders have the lowest error on CIFAR-10.",
        lowest("survey_table2", TRAIN, "RAE"),
        TABLE2,
        "the error of an RAE at full width",
    ),
    Claim(
        "survey",
        "RAE, Tables 2 and 3",
        "From one Gaussian they generate worse than the VAE of the same network.",
        worse_than_the_vae,
        TABLE2,
    ),
    Claim(
        "survey",
        "RAE",
        "GP-RAE trains about ten times slower than L2-RAE.",
        training_step,
        "python reproduce/green_training.py --rows L2 GP",
    ),
    Claim(
        "survey",
        "energetic, Table 5",
        "L2-RAE takes twice the CNN's time, although the networks are equal but for one head.",
        ratios_of_time((L2,), CNN, (100, 10, 1), 2.0, 2.0, (100,)),
        TABLE5,
    ),
    Claim(
        "survey",
        "hierarchical, Table 1",
        "NVAE's network for CIFAR-10 needs more than 100 GFLOPs for an image.",
        nvae_cost,
        "python reproduce/survey_table1.py",
    ),
    Claim(
        "survey",
        "hierarchical, energetic",
        "HFVAE takes 4 to 6 times longer than the CNN (judged at batch 1).",
        ratios_of_time(HFVAES, CNN, (100, 10, 1), 4.0, 6.0, (1,)),
        TABLE5,
    ),
    Claim(
        "survey",
        "quality, Table 2",
        "HFVAE generates best from the prior.",
        lowest("survey_table2", "fid_gen1", "HFVAE"),
        TABLE2,
        "FID GEN1 of HFVAE-s4-z12-l64 and of other rows at full width",
    ),
    Claim(
        "survey",
        "hierarchical, Table 2",
        "The light NVAE has the fewest parameters and costs the most FLOPs.",
        light_nvae,
        TABLE2,
    ),
    Claim(
        "survey",
        "quality, Tables 2 and 3",
        "The parameters and FLOPs are those of the networks described.",
        counts_of_the_code,
        TABLE2,
    ),
    Claim(
        "survey",
        "quality, Tables 2 and 3",
        "The MSE tells how well a network reconstructs an image, also one that it has not seen.",
        printed_error,
        TABLE2,
    ),
    Claim(
        "survey",
        "quality",
        "More latent units make reconstructions better, but not samples.",
        latent_sizes.claim,
        "python reproduce/survey_latent_sizes.py",
        "networks of full width that differ by their latent size alone",
    ),
    Claim(
        "survey",
        "Resnet",
        "The global average at the end of the Resnet makes robust features, less prone to overfitting (here: than the "
        "CNN's, which has no average).",
        overfitting,
        "python reproduce/survey_errors.py",
        "both errors of the CNN at full width",
    ),
    Claim(
        "survey",
        "energetic, Figure 10",
        "FLOPs do not tell the seconds of a forward pass.",
        flops_and_seconds,
        TABLE5,
        "more networks: eight rows, of which several share one, leave any correlation possible",
    ),
)
