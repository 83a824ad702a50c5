"""Claims of the ResLag study, and what numbers say of them."""

import functools

from green_vae.cost import trainable_parameters
from green_vae.experiments.evidence import FAILS, OURS, PUBLISHED, Claim, Side, denied_or_shown, fixed, usually
from green_vae.experiments.papers import boon_ablation, boon_collapse, boon_objectives, boon_spread
from green_vae.experiments.papers.boon import BATCH
from green_vae.presets import preset

SIDES = (PUBLISHED, OURS)
BOON1 = "python reproduce/boon_table1.py"
ABLATION, WIDE = "python reproduce/boon_ablation.py", "the same four networks at full width"
PLAIN, AHEAD = "Optimal Sigma VAE", ("Lagging VAE", "ResLag-VAE", "light ResLag-VAE")
VARIATIONAL = ("beta-VAE", "MMD InfoVAE", PLAIN, *AHEAD)
SETS = ("MNIST", "FashionMNIST", "CIFAR10", "CIFAR100", "CelebA")


def detailed(reports):
    """Data sets in which a ResLag model has the lowest Rec of all variational models.

    A lower one of another model denies it once both ResLag models are measured; that it holds takes all models.
    """

    def recs(dataset, side):
        rows = {model: reports.number("boon_table1", f"{dataset} {model}", "rec", side) for model in VARIATIONAL}
        return {model: value for model, value in rows.items() if value is not None}

    def side_of(side):
        hits, says, texts = 0, set(), []
        for dataset in SETS[2:]:
            printed, found = recs(dataset, PUBLISHED), recs(dataset, side)
            if any("ResLag" in model for model in found) and len(found) > 1:
                best = min(found, key=found.get)
                hit = "ResLag" in best
                needed = [model for model in printed if hit or "ResLag" in model]
                says.add(hit if set(needed) <= set(found) else None)
                hits += hit
                texts.append(f"{dataset}: {best} of {len(found)} models")
        if not texts:
            return Side("not measured")
        return Side(f"lowest Rec in {hits} of {len(texts)} data sets ({'; '.join(texts)})", denied_or_shown(says))

    return tuple(map(side_of, SIDES))


def lagging(reports):
    """Whether training the encoder ahead lowers the total minus constant against Optimal Sigma."""

    def side_of(side):
        moved = {}
        for dataset in SETS:
            plain = reports.number("boon_table1", f"{dataset} {PLAIN}", "reduced", side)
            for model in AHEAD:
                ahead = reports.number("boon_table1", f"{dataset} {model}", "reduced", side)
                if None not in (ahead, plain):
                    moved[f"{dataset} {model}"] = ahead - plain
        if not moved:
            return Side("not measured")
        lowered = sum(change < 0 for change in moved.values())
        text = (
            f"lowers it in {lowered} of {len(moved)} rows, by {min(moved.values()):+.1f} to {max(moved.values()):+.1f}"
        )
        return Side(text, usually(lowered, len(moved)))

    return tuple(map(side_of, SIDES))


def apart(*claims):
    """Sides of a claim on one of the study's two ideas, from the 2x2: narrow networks do not decide it.

    Args:
        claims: some of `boon_ablation.CLAIMS`, by their words.
    """

    def sides(reports):
        found = {words: rest for words, *rest in boon_ablation.judged({"rows": reports.rows("boon_ablation")})}
        texts = []
        for words in filter(found.get, claims):
            _, word, estimate, half, why = found[words]
            reason = f" ({why})" if why else ""
            texts.append(f"{words}: {word}{reason}, main effect {boon_ablation.interval(estimate, half)}")
        return Side("no such pair"), Side(f"narrow: {'; '.join(texts)}" if texts else "not measured")

    return sides


def given_up(reports):
    """The last sentences of Figure 3, of a small model of made sequences.

    A first run, with another decoder and another rule, did not bear the claim out. Its seeds are those of the second
    run, so that this one alone cannot make the claim hold.
    """
    sentence = reports.sentence("boon_figures", "figure03")
    if not sentence:
        return Side("borrowed figure"), Side("not measured")
    told, _, word = sentence.removesuffix(".").partition(f" {boon_collapse.VERDICT}: ")
    text = told[told.index("With a KL below") :].removesuffix(".").replace(". Collapsed", "; collapsed")
    first = "a first run, with another decoder and rule: does not hold"
    return Side("borrowed figure"), Side(f"{text}; {first}", False if word == FAILS else None)


@functools.cache
def trainable(name):
    """Trainable parameters of a preset's two networks."""
    model = preset(name).blueprint()
    return trainable_parameters(model.encoder, model.decoder)


def half_as_large(reports):
    fewer = [
        1 - trainable(f"boon/reslag-light-{data}") / trainable(f"boon/reslag-{data}") for data in ("cifar10", "celeba")
    ]
    text = "fewer by {:.1%} (CIFAR) and {:.1%} (CelebA)".format(*fewer)
    return Side("no counts"), Side(text, min(fewer) >= 0.45)


def latent_loss_and_pictures(reports):
    """beta-VAE's Lat is averaged over units and the sigma models' is summed; in nats the order may be another one."""

    def side_of(side):
        turned, sets = [], 0
        for dataset in SETS:
            names = (f"{dataset} beta-VAE", f"{dataset} {PLAIN}")
            printed = [reports.number("boon_table1", name, "latent", side) for name in names]
            nats = [reports.number("boon_table1", name, "kl", side) for name in names]
            if None not in (*printed, *nats):
                sets += 1
                if (printed[0] < printed[1]) != (nats[0] < nats[1]):
                    turned.append(dataset)
        if not sets:
            return Side("not measured")
        text = f"in nats the order turns in {len(turned)} of {sets} data sets" + f" ({', '.join(turned)})" * bool(
            turned
        )
        return Side(text, False if turned else None)

    return tuple(map(side_of, SIDES))


def discrepancy_floor(units):
    """Mean of the biased squared MMD between two sets of 32 draws of N(0, I)."""
    return 2 * (1 - (1 + 4 / units**2) ** (-units / 2)) / BATCH


def discrepancy(reports):
    """Data sets in which the MMD lies within a tenth of what two sets of draws of the prior have."""
    units = dict(zip(SETS, (5, 10, 100, 100, 150), strict=True))

    def side_of(side):
        found = {d: reports.number("boon_table1", f"{d} MMD InfoVAE", "mmd", side) for d in SETS}
        found = {dataset: value for dataset, value in found.items() if value is not None}
        at_floor = [d for d, value in found.items() if value < 1.1 * discrepancy_floor(units[d])]
        text = f"within a tenth of the floor in {len(at_floor)} of {len(found)} data sets"
        return (
            Side(text + f" ({', '.join(at_floor)})" * bool(at_floor), not at_floor) if found else Side("not measured")
        )

    return tuple(map(side_of, SIDES))


def beta_of_sigma(reports):
    both = [
        (reports.number("boon_table1", f"{dataset} {PLAIN}", "kl_weight", side)) for dataset in SETS for side in SIDES
    ]
    shown = ", ".join(f"{weight:.3f}" for weight in both[::2] if weight is not None)
    ours = ", ".join(f"{weight:.3f}" for weight in both[1::2] if weight is not None)
    return Side(f"weights of the KL: {shown}"), Side(
        f"{ours or 'not measured'}; by algebra, and a test trains both to the same weights", True
    )


TESTS = "python -m pytest tests/experiments/papers/test_claims.py"
CLAIMS = (
    Claim(
        "boon",
        "title",
        "The ResLag models give detailed reconstructions (here: the lowest Rec of the VAEs).",
        detailed,
        BOON1,
    ),
    Claim("boon", "Table 1", "Training the encoder ahead of the decoder usually lowers the total.", lagging, BOON1),
    Claim(
        "boon",
        "Table 1",
        "Training the encoder ahead raises the total of MNIST and lowers that of Fashion-MNIST.",
        boon_spread.both_ways,
        "python reproduce/boon_spread.py",
        "more trainings, until the interval of the difference leaves 0 out",
    ),
    Claim(
        "boon",
        "lagging encoder",
        "Training the encoder ahead lowers -ELBO, all else equal (here on CIFAR-10).",
        apart("Lagging lowers -ELBO at equal passes", "Lagging lowers -ELBO at equal epochs"),
        ABLATION,
        WIDE,
    ),
    Claim(
        "boon",
        "lagging encoder",
        "Training the encoder ahead keeps more information on the image in the code (here by the estimate of its "
        "source, He et al. 2019).",
        apart("Lagging raises the mutual information"),
        ABLATION,
        f"{WIDE}, and an estimate that is not limited by the number of images",
    ),
    Claim(
        "boon",
        "lagging encoder, Figure 3",
        "Plain training gives the code up, and aggressive training does not (here: one unit, made sequences).",
        given_up,
        "python reproduce/boon_figures.py --figures figure03",
        "new seeds and other data, by this decoder and this rule",
    ),
    Claim(
        "boon",
        "model",
        "Side branches from every level to the latent vector improve the reconstructions (here: lower Rec).",
        apart("Side branches lower Rec"),
        ABLATION,
        WIDE,
    ),
    Claim(
        "boon",
        "model",
        "The light model has almost 50 % fewer parameters (here: 45 % or more).",
        half_as_large,
        "green-vae cost boon/reslag-light-celeba",
    ),
    Claim(
        "boon",
        "objective",
        "Its sigma-VAE, with a sigma for each batch, amounts to a beta-VAE with beta = 2 sigma^2.",
        boon_objectives.beta_of_sigma,
        "python reproduce/boon_objectives.py",
        "more seeds: with three, the interval is wider than the 1 % that counts as equal",
    ),
    Claim(
        "boon",
        "discussion of Table 1",
        "A lower latent loss explains the worse pictures of beta-VAE.",
        latent_loss_and_pictures,
        BOON1,
    ),
    Claim(
        "boon",
        "Table 1",
        "The MMD of InfoVAE tells how far codes are from the prior.",
        discrepancy,
        "python -m pytest tests/models/test_lagging.py::test_the_floor_of_the_discrepancy",
    ),
    Claim(
        "boon", "objective", "A sigma model is a beta-VAE with a weight of 2 sigma^2 on the KL.", beta_of_sigma, BOON1
    ),
    Claim(
        "boon",
        "objective",
        "A factor on the whole loss acts as a factor on the learning rate.",
        fixed(ours=Side("not with Adam, which all its models take: its steps stay as they are", False)),
        f"{TESTS}::test_adam_does_not_see_a_factor_on_the_loss",
    ),
)
