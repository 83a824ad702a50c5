"""Claims of Split-VAE, the ResLag study, the review and the slides, and what numbers say of them."""

import functools
import re

from green_vae.cost import trainable_parameters
from green_vae.experiments.evidence import OURS, PUBLISHED, Claim, Side, every, fixed, lower, usually
from green_vae.experiments.papers import boon_ablation, svae_classes
from green_vae.experiments.papers.boon import BATCH
from green_vae.experiments.spec import comparable
from green_vae.presets import preset

MNIST, CIFAR, CELEBA = (("svae_table1", "MNIST"), ("svae_table3", "CIFAR-10"), ("svae_table4", "CelebA"))
SPLIT_TABLES = (MNIST, CIFAR, CELEBA)
SIDES = (PUBLISHED, OURS)
ACTIVITY, CLASSES = "python reproduce/svae_activity.py", "python reproduce/svae_table2.py"
SVAE1, BOON1 = "python reproduce/svae_table1.py", "python reproduce/boon_table1.py"
ABLATION, WIDE = "python reproduce/boon_ablation.py", "the same four networks at full width"
PLAIN, AHEAD = "Optimal Sigma VAE", ("Lagging VAE", "ResLag-VAE", "light ResLag-VAE")
VARIATIONAL = ("beta-VAE", "MMD InfoVAE", PLAIN, *AHEAD)
SETS = ("MNIST", "FashionMNIST", "CIFAR10", "CIFAR100", "CelebA")


# Split-VAE


def units_in_use(reports):
    """Active units of a network with the split head against those of its twin without, of 32."""
    texts, says = [], None
    for width, split, plain in (
        ("full width", "MNIST split", "MNIST plain"),
        ("narrow", "mini split (MNIST)", "mini plain (MNIST)"),
    ):
        with_head, without = (reports.number("svae_activity", row, "active_means") for row in (split, plain))
        if None not in (with_head, without):
            texts.append(f"{width}: {with_head:.0f} with the head, {without:.0f} without")
            says = with_head > without if width == "full width" else says
    return Side("no twin"), Side("; ".join(texts) or "not measured", says)


def inactive_units(reports):
    found = {
        name: reports.number("svae_activity", name, "active_means") for name in ("MNIST split", "mini split (MNIST)")
    }
    texts = [f"{name}: {32 - value:.0f}" for name, value in found.items() if value is not None]
    wide = found["MNIST split"]
    return Side("between 2 and 5"), Side(
        "; ".join(texts) or "not measured", None if wide is None else 2 <= 32 - wide <= 5
    )


def best_of_its_tables(reports):
    """In how many tables the model's own row has the lowest printed FID, by column."""
    texts = []
    for column, words in (("fid_gen", "GEN"), ("fid_gmm", "GMM")):
        best = 0
        for table, _ in SPLIT_TABLES:
            rows = reports.rows(table)
            found = {name: cells.get(column, {}).get(PUBLISHED) for name, cells in rows.items()}
            if column == "fid_gmm" and rows and found.get("SVAE") is None:  # printed of a mix of both parts
                found["SVAE"] = rows["SVAE"]["fid_gmm_test_mix"][PUBLISHED]
            found = {name: value for name, value in found.items() if value is not None}
            best += bool(found) and min(found, key=found.get) == "SVAE"
        texts.append(f"lowest FID {words} in {best} of {len(SPLIT_TABLES)} tables")
    return Side("; ".join(texts)), Side(
        "not comparable: quoted rows have other Inception weights, and its own mixture is fitted on test images"
    )


def random_mix(reports):
    printed, ours = (reports.number("svae_table2", "random mix", "fid", side) for side in SIDES)
    label = reports.rows("svae_table2").get("random mix", {}).get("fid", {}).get("label")
    if ours is None:
        return Side(f"{printed}"), Side("not measured")
    near = abs(ours / printed - 1) <= 0.1 if comparable(label) else None
    return Side(f"{printed}"), Side(f"{ours:.1f} {label}", near)


def single_classes(reports):
    rows = reports.rows("svae_table2")
    found = {name: cells["fid"]["value"] for name, cells in rows.items() if cells["fid"]["value"] is not None}
    mix = found.pop("random mix", None)
    if mix is None or not found:
        return Side(), Side("not measured")
    text = (
        f"{min(found.values()):.0f} to {max(found.values()):.0f} for {len(found)} classes, {mix:.1f} for the random mix"
    )
    return Side("values not at hand"), Side(text, min(found.values()) > 2 * mix)


def falls_slowly(reports):
    """Share of the excess of one class over ten that five classes leave, by both FIDs."""
    rows = reports.rows("svae_classes")
    left = {name: svae_classes.excess(rows, name, 5) for name in ("fid", "fid_1280")}
    if None in left.values():
        return Side("values not at hand"), Side("not measured")
    text = ", ".join(f"{share:.0%} by {rows['5 classes'][name]['label']}" for name, share in left.items())
    says = [share >= svae_classes.SLOW for share in left.values()]
    return Side("values not at hand"), Side(f"five classes leave {text}", says[0] if len(set(says)) == 1 else None)


def rate_of_the_paper(reports):
    held = preset("svae/cifar10").recipe.learning_rate
    narrow = preset("svae/cifar10-mini").recipe.learning_rate
    lost = "CIFAR-10's at full width was lost ([what we learnt](learnt.md))"
    now = f"so that its recipe, which the command runs, starts at {held:g}"
    text = f"narrow networks train; {lost}, {now}" if held < narrow else "networks train"
    return Side(), Side(text, held >= narrow)


# ResLag study


def detailed(reports):
    """Data sets in which a ResLag model has the lowest Rec of all variational models."""

    def side_of(side):
        hits, sets, texts = 0, 0, []
        for dataset in SETS[2:]:
            rows = {model: reports.number("boon_table1", f"{dataset} {model}", "rec", side) for model in VARIATIONAL}
            found = {model: value for model, value in rows.items() if value is not None}
            if any("ResLag" in model for model in found) and len(found) > 1:
                best = min(found, key=found.get)
                hits, sets = hits + ("ResLag" in best), sets + 1
                texts.append(f"{dataset}: {best}")
        if not sets:
            return Side("not measured")
        return Side(f"lowest Rec in {hits} of {sets} data sets ({'; '.join(texts)})", hits == sets)

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
    return Side(f"weights of the KL: {shown}"), Side(f"{ours or 'not measured'}; by algebra", True)


# review and slides


def similarity(reports):
    """SSIM in three readings, from the sentence of Figure 16."""
    sentence = reports.sentence("review_figures", "figure16")
    found = [float(number) for number in re.findall(r"0\.\d+", sentence.partition(" The paper")[0])]
    if len(found) < 3:
        return Side("about 0.8"), Side("not measured")
    test, first, mean = found[:3]
    text = f"{test:.2f} over the test images; as the paper reads it {first:.2f} for one image, {mean:.2f} on average"
    return Side("about 0.8"), Side(text, max(found[:3]) >= 0.75)


def table_of_layers(reports):
    cells = [
        cell for row in reports.rows("review_table1").values() for cell in row.values() if cell["published"] is not None
    ]
    equal = sum(cell["value"] == cell["published"] for cell in cells)
    return Side(), Side(f"{equal} of {len(cells)} equal", equal == len(cells)) if cells else Side("not measured")


def gain(*rows):
    """Sides of "a richer posterior has a higher bound than the plain VAE"."""

    def sides(reports):
        found = {row: reports.number("slides_likelihood", row, "gain") for row in rows}
        found = {row: value for row, value in found.items() if value is not None}
        text = ", ".join(f"{row} {value:+.1f} nats" for row, value in found.items())
        return Side("no number"), Side(text or "not measured", min(found.values()) > 0 if found else None)

    return sides


def free_bits(reports):
    """Active units with free bits against those without, by both rules."""
    texts, more = [], []
    for column, words in (("active_means", "variance of the means"), ("active_posterior", "posterior variance")):
        free, plain = (reports.number("slides_likelihood", row, column) for row in ("IAF, free bits", "IAF"))
        if None not in (free, plain):
            texts.append(f"by {words} {free:.0f} with, {plain:.0f} without")
            more.append(free > plain)
    says = more[0] if len(set(more)) == 1 else None
    return Side("no number"), Side("; ".join(texts) or "not measured", says)


TESTS = "python -m pytest tests/experiments/papers/test_claims.py"
CLAIMS = (
    Claim(
        "svae",
        "introduction, results",
        "Splitting keeps more latent units in use.",
        units_in_use,
        ACTIVITY,
        "svae/mnist and svae/mnist-plain at full width",
    ),
    Claim(
        "svae",
        "section 5.1",
        "Between 2 and 5 of MNIST's 32 units are not used.",
        inactive_units,
        ACTIVITY,
        "svae/mnist at full width",
    ),
    Claim(
        "svae",
        "abstract, introduction",
        "The parts x1 and x2 of a semantic split usually have lower FIDs than the whole image x.",
        lower(
            usually,
            *(
                (table, f"{words} {of} {part}", f"fid_{of}_{part}", f"fid_{of}")
                for table, words in SPLIT_TABLES
                for of in ("gen", "gmm")
                for part in ("x1", "x2")
            ),
            narrow=False,
        ),
        SVAE1,
        "a network at full width whose split is semantic",
    ),
    Claim(
        "svae",
        "results",
        "A mixture of Gaussians on the codes invariably improves generation.",
        lower(
            every,
            *((table, words, "fid_gmm", "fid_gen") for table, words in SPLIT_TABLES),
            *(
                (table, words, "fid_gmm", "fid_gen1")
                for table, words in (("survey_table2", "CIFAR-10"), ("survey_table3", "CelebA"))
            ),
            without="2S-VAE",  # whose printed GMM is a second stage
        ),
        SVAE1,
    ),
    Claim(
        "svae",
        "results, Table 4",
        "A random mix of x1 and x2 is better than the whole image x.",
        lower(
            usually,
            *(
                (table, f"{words} {of}", f"fid_{of}_mix", f"fid_{of}")
                for table, words in SPLIT_TABLES
                for of in ("gen", "gmm", "gmm_test")
            ),
            narrow=False,
        ),
        SVAE1,
        "svae/celeba at full width",
    ),
    Claim(
        "svae",
        "abstract, conclusions",
        "By FID it is better than all earlier purely variational models.",
        best_of_its_tables,
        "python reproduce/svae_table3.py",
        "all rows trained and measured by one protocol, with mixtures fitted on training images",
    ),
    Claim(
        "svae",
        "Table 2",
        "A random mix of CIFAR-10's training images has the printed FID (here within 10 %).",
        random_mix,
        CLASSES,
        "the exact Inception weights: FID~ does not compare",
    ),
    Claim(
        "svae",
        "Table 2",
        "A single class of real images is far from the test set, so that the FID asks for variety (here: more than "
        "twice the random mix).",
        single_classes,
        CLASSES,
    ),
    Claim(
        "svae",
        "text on Table 2",
        "As classes are added, the FID decreases very slowly (here: half of the classes leave half of what one class "
        "has more than all ten, at equal numbers of images).",
        falls_slowly,
        "python reproduce/svae_classes.py",
        "both layers on one side",
    ),
    Claim(
        "svae",
        "training",
        "Adam from 1e-3 trains it.",
        rate_of_the_paper,
        "python benchmarks/first_steps.py svae/cifar10",
    ),
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
    Claim(
        "review",
        "beta-VAE",
        "A larger beta tightens the bound.",
        fixed(ours=Side("it widens the gap to log p(x): by (beta - 1) KL for any one model", False)),
        f"{TESTS}::test_a_larger_beta_loosens_the_bound",
    ),
    Claim(
        "review",
        "Figure 16",
        "The SSIM of reconstructions settles at about 0.8.",
        similarity,
        "python reproduce/review_figures.py --figures figure16",
    ),
    Claim(
        "review",
        "Table 1",
        "Layers, parameters and sizes of the network.",
        table_of_layers,
        "python reproduce/review_table1.py",
    ),
    Claim(
        "slides",
        "IAF",
        "Images are generated by going through all layers of the flow.",
        fixed(ours=Side("the flow belongs to the posterior; images are decoded from draws of N(0, I)", False)),
        f"{TESTS}::test_a_model_with_a_flow_generates_without_it",
    ),
    Claim(
        "slides",
        "IAF",
        "A flow on the posterior gives a higher bound.",
        gain("IAF"),
        "python reproduce/slides_likelihood.py",
    ),
    Claim(
        "slides",
        "Ladder VAE",
        "A ladder gives a higher bound.",
        gain("Ladder VAE"),
        "python reproduce/slides_likelihood.py",
    ),
    Claim(
        "slides",
        "IAF",
        "Free bits keep more latent units in use.",
        free_bits,
        "python reproduce/slides_likelihood.py",
        "a rule for a unit in use: the two rules disagree",
    ),
    Claim(
        "slides",
        "sigma-VAE",
        "The best sigma is known in closed form, so that nothing has to be tuned.",
        fixed(ours=Side("a search finds no better one", True)),
        "python -m pytest tests/models/test_review_slides.py::test_no_sigma_is_better_than_the_optimum",
    ),
)
