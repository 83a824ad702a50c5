"""ResLag study, Figures 1 and 3 to 12: collapse, network, reconstructions, samples, variances; what the text promises.

    python reproduce/boon_figures.py                       # from the weights and data that are here, in minutes
    python reproduce/boon_figures.py --figures 3           # needs neither data nor weights: trained now, in minutes
    python reproduce/boon_figures.py --figures 4           # the network: needs neither data nor weights
    python reproduce/boon_figures.py --figures figure05b   # needs data only
    python reproduce/boon_figures.py --train --figures figure06a    # the five MNIST models: hours on 2 cores

Expected: reconstructions of digits and clothes are hard to tell from the originals, and those of CIFAR-10 are blurred.
Samples are worse than reconstructions. The study borrows Figures 2 and 3 from other papers. Figure 3 is made anew here,
on data of our own.
"""

import numpy as np

from green_vae import presets
from green_vae.cost import trainable_parameters
from green_vae.experiments import NotRun
from green_vae.experiments.gallery import Figure, Gallery, main
from green_vae.experiments.papers import boon_collapse
from green_vae.metrics import mse
from green_vae.models import codec
from green_vae.plots import (
    clouds,
    clouds_picture,
    diagram,
    image_grid,
    lines,
    rows_picture,
    save_gif,
    save_grid,
    save_png,
    scatter2d,
    side_by_side,
)

SEED, SHOWN = 4896, 8  # of the study's choice of test images
BATCH = 32
STEPS, REACH = 11, 2.0  # of lines between images, and of a traversal
SIMPLE = {"AE": "autoencoder", "beta": "beta", "MMD": "info", "Optimal Sigma": "optimal-sigma", "Lagging": "lagging"}
DEEP = {"AE": "autoencoder", "beta": "beta", "MMD": "info", "Optimal Sigma": "optimal-sigma", "ResLag": "reslag",
        "light ResLag": "reslag-light"}  # fmt: skip
FACES = {name: model for name, model in DEEP.items() if name != "AE"}
DRAWN = "boon/reslag-light-celeba"  # Figure 4
IMAGE, PATH, SIDE, LATENT = "#eeeeee", "#cfe3f5", "#fbe3c4", "#d9ead3"
PRINTED = "mean 0.0713, standard deviation 0.0073, 0.0515 to 0.0990"  # Figure 5


def names_of(models, dataset):
    return tuple(f"boon/{model}-{dataset}" for model in models.values())


ANY = tuple(
    name for models, dataset in ((SIMPLE, "mnist"), (SIMPLE, "fashion"), (DEEP, "cifar10"))
    for name in names_of({**models}, dataset) if "autoencoder" not in name
)  # fmt: skip


def validation(context, run):
    """The validation `Dataset` of a model."""
    return context.dataset(run.preset.dataset, run.preset.recipe.validation)


def chosen_images(n):
    """Positions of the eight images that the study shows."""
    return np.random.default_rng(SEED).choice(n, SHOWN, replace=False)


def trained_models(context, models, dataset):
    """(title -> `Run` of those with weights, titles of the others); with --preset that one alone."""
    found, missing = {}, []
    only = context.studio.preset
    for title, name in zip(models, names_of(models, dataset), strict=True):
        if only and name != only:
            continue
        if context.settings.smoke and len(found) == 2:
            break
        try:
            found[title] = context.studio.run(name).prepare()
        except NotRun:
            missing.append(title)
    return found, f" No weights: {', '.join(missing)}." if missing else ""


def reconstructions(models, dataset):
    """draw() of the study's eight images and every model's reconstructions, from sampled codes."""

    def draw(context):
        runs, missing = trained_models(context, models, dataset)
        images = validation(context, context.run).images
        positions = chosen_images(len(images))
        shown = images[positions]
        rows, errors = {"Original": shown}, []
        for title, run in runs.items():
            rows[title] = run.trained.reconstruct(shown, seed=context.seed)
            errors.append(f"{title} {shown[0].size * mse(shown, rows[title]):.1f}")
        save_png(context.path, rows_picture(rows, zoom=2))
        return f"Images {' '.join(map(str, positions))}. Summed squared error of these: {', '.join(errors)}.{missing}"

    return draw


def samples(models, dataset):
    """draw() of 4x4 decoded draws from N(0, I) of every model, side by side."""

    def draw(context):
        runs, missing = trained_models(context, models, dataset)
        grids = {}
        for title, run in runs.items():
            z = np.random.default_rng(context.seed).standard_normal((16, run.trained.latent_dim), dtype="float32")
            grids[title] = image_grid(run.trained.decode(z), 4)
        save_png(context.path, side_by_side(grids, zoom=2))
        return f"From the left: {', '.join(runs)}. The autoencoder has no prior; N(0, I) stands for it.{missing}"

    return draw


def collapse(context):
    """Means of true against approximate posteriors, plain above aggressive training, a colour for each seed."""
    budget = {"seeds": (0,), "updates": 3, "aggressive": 1} if context.settings.smoke else {}
    runs = boon_collapse.both(**budget)
    options = {"axes": ("mean of the true posterior", "mean of q(z|x)"), "diagonal": True}
    shown = [boon_collapse.panels(runs, update) for update in boon_collapse.SHOWN]
    rows = {title: points for arm in zip(*(panels.items() for panels in shown), strict=True) for title, points in arm}
    clouds(context.path, rows, REACH, columns=len(shown), **options)
    frames = [clouds_picture(boon_collapse.panels(runs, update), REACH, **options) for update in boon_collapse.SEEN]
    animation = context.path.with_suffix(".gif")
    save_gif(animation, frames + frames[-1:] * 4, seconds=0.5)
    return f"[{animation.name}]({animation.parent.name}/{animation.name}) shows all moments. {boon_collapse.told(runs)}"


def architecture(context):
    """The light ResLag-VAE for CelebA, its maps as the built network has them."""
    model = presets.load(DRAWN, weights=None, seed=context.seed)
    boxes, arrows = levels(model.encoder, model.decoder, model.latent_dim)
    diagram(context.path, boxes, arrows, title=DRAWN)
    trained = trainable_parameters(*model.networks().values())
    return f"Drawn from the layers of {DRAWN}: {trained:,} trainable parameters; maps as height x width x channels."


def levels(encoder, decoder, latent_dim):
    """Boxes and arrows of a multi-level network, see `green_vae.plots.diagram`, read off its layers.

    Left the encoder, going down; next to it the side branches; in the middle the latent vector; right of it the
    branches of the decoder, and the main path going up. The deepest branch is where the main path starts.
    """
    convolutions = [layer for layer in encoder.layers if type(layer).__name__ == "Conv2D"]
    blocks = [by_map(layer.output) for layer in convolutions if layer.strides == (2, 2)]
    flat = [layer for layer in encoder.layers if type(layer).__name__ == "Flatten"]
    sides = [by_map(layer.input) for layer in flat]
    reshaped = [layer for layer in decoder.layers if type(layer).__name__ == "Reshape"]
    branches = [by_map(layer.output) for layer in reshaped][::-1]  # the deepest is made first
    ups = [layer for layer in decoder.layers if type(layer).__name__ == "Conv2DTranspose"]
    before = [by_map(layer.input) for layer in ups if layer.strides == (2, 2)][::-1]
    depth = len(blocks)
    joined = sum(int(layer.output.shape[1]) for layer in flat)
    boxes = {
        "image": (0, 0, f"image\n{by_map(encoder.input)}", IMAGE),
        "out": (4, 0, f"reconstruction\n{by_map(decoder.output)}", IMAGE),
        "z": (2, (depth + 1) / 2, f"joined {joined:,}\ntwo heads\nz: {latent_dim}", LATENT),
    }
    arrows = []
    for index in range(depth):
        row = index + 1
        boxes[f"block{index}"] = (0, row, f"block {row}\n{blocks[index]}", PATH)
        boxes[f"side{index}"] = (1, row, f"side branch\n{sides[index]}", SIDE)
        boxes[f"branch{index}"] = (3, row, f"dense\n{branches[index]}", SIDE)
        boxes[f"up{index}"] = (4, row, f"main path\n{before[index]}", PATH)
        share = depth - index
        arrows += [
            ("image" if index == 0 else f"block{index - 1}", f"block{index}"),
            (f"block{index}", f"side{index}"),
            (f"side{index}", "z"),
            ("z", f"branch{index}"),
            (f"branch{index}", f"up{index}", *([f"1/{share}"] if share > 1 else [])),
            (f"up{index}", "out" if index == 0 else f"up{index - 1}"),
        ]
    return boxes, arrows


def by_map(tensor):
    """ "8 x 8 x 256" for a map (batch, 8, 8, 256)."""
    return " x ".join(map(str, tensor.shape[1:]))


def batch_variances(images, order=None):
    """Variance of all values of each whole batch of images in [0, 1], float64."""
    order = np.arange(len(images)) if order is None else order
    whole = [order[start : start + BATCH] for start in range(0, len(images) - BATCH + 1, BATCH)]
    return np.array([(images[np.sort(part)] / 255.0).var() for part in whole])


def variances(dataset):
    """draw() of the variances of an epoch's training batches and of the validation batches."""

    def draw(context):
        train, test = context.dataset(dataset).images, context.dataset(dataset, "test").images
        order = np.random.default_rng(context.seed).permutation(len(train))
        parts = {"training": batch_variances(train, order), "validation": batch_variances(test)}
        series = {name: (np.arange(len(values)), values) for name, values in parts.items()}
        lines(context.path, series, title=dataset, x_label="minibatch", y_label="variance of the pixels")
        both = np.concatenate(list(parts.values()))
        return (
            f"{len(both):,} batches: mean {both.mean():.4f}, standard deviation {both.std():.4f}, {both.min():.4f} to "
            f"{both.max():.4f}. Printed: {PRINTED}."
        )

    return draw


def embedding(context):
    """t-SNE of one sampled code for each validation image."""
    from sklearn.manifold import TSNE

    data = validation(context, context.run)
    z = context.run.trained.encode(data.images, sample=True, seed=context.seed)
    early = 20.0 if "cifar" in context.run.row.preset else 12.0
    perplexity = min(30.0, (len(z) - 1) / 3)
    tsne = TSNE(perplexity=perplexity, early_exaggeration=early, init="pca", random_state=context.seed)
    scatter2d(context.path, tsne.fit_transform(z), data.labels, axes=("t-SNE 1", "t-SNE 2"))
    return f"{len(z):,} validation images; perplexity {perplexity:.0f}, early exaggeration {early:.0f}, started at PCA."


def between_two(context):
    """Ten pairs of validation images, each with nine decoded codes between theirs."""
    model, images = context.run.trained, validation(context, context.run).images
    pairs = np.random.default_rng(SEED).choice(len(images), (10, 2), replace=False)
    shown = model.interpolate(images[pairs[:, 0]], images[pairs[:, 1]], STEPS)
    save_grid(context.path, np.concatenate(shown), columns=STEPS)
    return f"Straight lines between the posterior means of two images, in {STEPS} steps; one pair per row."


def between_four(context):
    """The decoded square between the codes of four validation images: lines between the points of two lines."""
    model, images = context.run.trained, validation(context, context.run).images
    corners = model.encode(images[chosen_images(len(images))[:4]])
    sides = codec.lines(corners[:2], corners[2:], STEPS)  # downwards: the left side and the right side
    square = codec.lines(*sides, STEPS)
    save_grid(context.path, model.decode(np.concatenate(square)), columns=STEPS)
    return "Corners: the reconstructions of the first four of the eight images, from their posterior means."


def traversal(context):
    """The reconstruction of one image in the middle, each coordinate in turn moved by -2 to 2 in 11 steps."""
    model, images = context.run.trained, validation(context, context.run).images
    dims = min(model.latent_dim, 10)
    (shown,) = model.traverse(images[chosen_images(len(images))[:1]], range(dims), REACH, STEPS)
    save_grid(context.path, np.concatenate(shown), columns=STEPS)
    return (
        f"Rows: the first {dims} of {model.latent_dim} coordinates of the posterior mean of the first of the eight "
        f"images, with -{REACH:.0f} to {REACH:.0f} added in {STEPS} steps."
    )


def _of_models(number, title, draw):
    """Figure `number` for each data set that the study shows in it."""
    sets = {
        6: (("a", SIMPLE, "mnist"), ("b", SIMPLE, "fashion")),
        7: (("a", DEEP, "cifar10"), ("b", DEEP, "cifar100")),
        8: (("", FACES, "celeba"),),
        9: (("a", SIMPLE, "mnist"), ("b", SIMPLE, "fashion")),
        10: (("", DEEP, "cifar10"),),
        11: (("", DEEP, "cifar100"),),
        12: (("", FACES, "celeba"),),
    }[number]
    return [
        Figure(f"figure{number:02}{letter}", f"{title}, {dataset}", draw(models, dataset), names_of(models, dataset))
        for letter, models, dataset in sets
    ]


GALLERY = Gallery(
    name="boon_figures",
    title="ResLag study: the figures",
    source="Boon 2023, Simple Training Objective of Variational Autoencoder with Detailed Reconstructions",
    figures=(
        Figure(
            "figure01",
            "t-SNE of posterior samples of the validation images, by class",
            embedding,
            ("boon/optimal-sigma-mnist", *(name for name in ANY if name != "boon/optimal-sigma-mnist")),
            "The study does not say which of its models of MNIST this is.",
        ),
        Figure(
            "figure03",
            "means of true and approximate posteriors of made sequences, in plain and in aggressive training",
            collapse,
            note=boon_collapse.NOTE,
        ),
        Figure("figure04", "the light ResLag-VAE for CelebA", architecture),
        Figure("figure05a", "variance of minibatches, CIFAR-100", variances("cifar100")),
        Figure(
            "figure05b",
            "variance of minibatches, CIFAR-10",
            variances("cifar10"),
            note="The caption says CIFAR10, but the published mean is CIFAR-100's. sigma^2 follows from the study's "
            "totals: it is 0.0624 to 0.0628 on CIFAR-10 and 0.0712 to 0.0715 on CIFAR-100.",
        ),
        *_of_models(6, "reconstructions of eight validation images", reconstructions),
        *_of_models(7, "reconstructions of eight validation images", reconstructions),
        *_of_models(8, "reconstructions of eight validation images", reconstructions),
        *_of_models(9, "decoded draws from N(0, I)", samples),
        *_of_models(10, "decoded draws from N(0, I)", samples),
        *_of_models(11, "decoded draws from N(0, I)", samples),
        *_of_models(12, "decoded draws from N(0, I)", samples),
        Figure("interpolation2", "between two images", between_two, ANY, "The text promises it and shows none."),
        Figure("interpolation4", "between four images", between_four, ANY, "The text promises it and shows none."),
        Figure("traversal", "latent traversal", traversal, ANY, "The text promises it and shows none."),
    ),
    notes=(
        "Reconstructions are of eight images, which NumPy's default_rng(4896) chooses without replacement. Of 10,000 "
        "images it chooses 4656 6336 7481 5560 5567 6493 2730 6726. Codes are sampled, as in the study.",
        "A figure of several models shows those that have weights, and names the others.",
        "The study borrows its Figures 2 and 3 from other papers. Figure 3 is made anew here.",
    ),
)

if __name__ == "__main__":
    main(GALLERY)
