"""Split-VAE, the figures: digits, images and faces that a model draws as a mixture of two, and how it divides them.

    python reproduce/svae_figures.py                       # from the weights and data that are here, in minutes
    python reproduce/svae_figures.py --train --figures 7 8 15 --preset svae/mnist-mini
    python reproduce/svae_figures.py --train --figures 13 --preset svae/mnist-mini --limit-eval 1000

Expected: maps are not constant, and x1 and x2 differ. We do not decide how an image is divided. It differs from run to
run, and the loss does not control it. Figures 5 and 6 of the paper are drawings of networks.
"""

import numpy as np

from green_vae.experiments import NotRun
from green_vae.experiments.gallery import Figure, Gallery, main
from green_vae.metrics import mse
from green_vae.plots import lines, rows_picture, save_grid, save_png

DIGITS, IMAGES, FACES = ("svae/mnist", "svae/mnist-mini"), ("svae/cifar10",), ("svae/celeba",)
PARTS = ("map", "x1", "x2", "x")
SIDE = 64  # pixels of an image in a picture, at least
TWO_LOOKS = (
    "The paper shows two looks of two runs, a syntactic and a semantic one. A run decides which look appears. Here "
    "both figures come from the same weights, with other codes. The reader may judge which look applies."
)


def codes(context, n, shift=0):
    """n codes from N(0, I)."""
    rng = np.random.default_rng(context.seed + shift)
    return rng.standard_normal((n, context.run.trained.latent_dim), dtype="float32")


def decoded(context, z):
    """Part -> images of the same codes."""
    return {part: context.run.trained.decode(z, part=part) for part in PARTS}


def save_rows(path, rows):
    """Rows of images in one PNG, small images enlarged."""
    side = next(iter(rows.values())).shape[1]
    save_png(path, rows_picture(rows, zoom=max(1, SIDE // side)))


def division(parts):
    """How much a model divides its images, in words."""
    weight, distance = parts["map"], np.abs(parts["x1"] - parts["x2"]).mean()
    spread = weight.std(axis=(1, 2, 3)).mean()
    return (
        f"The map has mean {weight.mean():.3f} and, within an image, standard deviation {spread:.3f} (0 would be a "
        f"trivial map); mean |x1 - x2| is {distance:.3f}."
    )


def generated(columns, shift=0):
    """draw() of generated images with their parts, from codes of the seed + shift."""

    def draw(context):
        parts = decoded(context, codes(context, columns, shift))
        save_rows(context.path, parts)
        return division(parts) + (f" Codes from seed {context.seed + shift}." if shift else "")

    return draw


def grid(context):
    """100 generated images."""
    images = context.run.trained.decode(codes(context, 100))
    save_grid(context.path, images, columns=10, zoom=max(1, SIDE // images.shape[1]))


def reconstructed(context):
    """The first test images, from the means of their posteriors, with their parts."""
    model = context.run.trained
    images = context.dataset(context.run.preset.dataset, "test").images[:10]
    parts = decoded(context, model.encode(images))
    save_rows(context.path, {"original": images, **parts})
    error = mse(images, parts["x"])
    return f"{division(parts)} Mean squared error of these ten, from posterior means: {1000 * error:.2f} x 10^-3."


def mean_images(context):
    """The mean training image of the two data sets, or of the one that is here."""
    from green_vae.data import DataNotFoundError

    means, missing = {}, {}
    for title, name in (("CIFAR-10", "cifar10"), ("CelebA", "celeba")):
        try:
            images = context.dataset(name).images
        except DataNotFoundError as error:
            missing[title] = error
            continue
        starts = range(0, len(images), 1000)  # CelebA is on disk
        total = sum(images[start : start + 1000].sum(axis=0, dtype="float64") for start in starts)
        mean = total / len(images) / 255
        zoom = max(1, SIDE // len(mean))
        means[title] = mean.repeat(zoom, axis=0).repeat(zoom, axis=1)[None]
    if not means:
        raise missing["CIFAR-10"]
    save_png(context.path, rows_picture(means, zoom=2))
    spread = ", ".join(f"{title} {mean.std(axis=(0, 1, 2)).mean():.3f}" for title, mean in means.items())
    sentence = f"Standard deviation of the mean training image over its pixels, averaged over channels: {spread}."
    return sentence + "".join(f" {title} is not here, so it is left out." for title in missing)


def fid_watch(context):
    """The callback that measures Figure 13 while a model trains."""
    from green_vae.training.callbacks import SampleFID

    bench = context.run.bench
    options = {"n": bench.count, "parts": ("x", "x1", "x2"), "every": context.fid_every, "seed": context.seed}
    return [SampleFID(bench.evaluator, bench.reference_moments, **options)]


def fid_curves(context):
    """FID of the image and of its two parts, by epoch."""
    history = context.run.history
    series = {}
    for part in ("x", "x1", "x2"):
        points = [(epoch, logs[f"fid_{part}"]) for epoch, logs in enumerate(history, 1) if f"fid_{part}" in logs]
        if points:
            series[part] = tuple(zip(*points, strict=True))
    if not series:
        raise NotRun(
            f"the {len(history)} epochs that {context.run.row.preset} is trained hold no FID; `{context.command}` "
            "measures it while it trains, with another --out if there are weights already"
        )
    label = "FID@tiny" if context.settings.smoke else "FID@1280"
    lines(context.path, series, title=context.run.row.preset, y_label=label)
    last = ", ".join(f"{part} {values[-1]:.2f}" for part, (_, values) in series.items())
    counts = {logs["fid_n"] for logs in history if "fid_n" in logs}
    measured = f", of {' or '.join(f'{n:,.0f}' for n in sorted(counts))} images" if counts else ""
    return f"{label}{measured}, after epoch {series['x'][0][-1]}: {last}."


def thresholded(context):
    """Splitting maps of generated images, white where x1 has the larger weight."""
    above = context.run.trained.decode(codes(context, 40), part="map") > 0.5
    save_grid(context.path, above.astype("float32"), columns=10, zoom=max(1, SIDE // above.shape[1]))
    return f"Share of pixels with a weight above 0.5 (white): {above.mean():.3f}."


GALLERY = Gallery(
    name="svae_figures",
    title="Split-VAE: the figures",
    source="Asperti, Bugo, Filippini 2022, Enhancing variational generation through self-decomposition",
    figures=(
        Figure("figure01", "syntactic decomposition of generated digits", generated(10), DIGITS, TWO_LOOKS),
        Figure("figure02", "semantic decomposition of generated digits", generated(10, 1), DIGITS, TWO_LOOKS),
        Figure("figure03", "syntactic decomposition of generated faces", generated(8), FACES, TWO_LOOKS),
        Figure("figure04", "semantic decomposition of generated faces", generated(8, 1), FACES, TWO_LOOKS),
        Figure("figure07", "generated digits and their parts", generated(10, 2), DIGITS),
        Figure("figure08", "generated digits", grid, DIGITS),
        Figure("figure09", "mean image of CIFAR-10 and of CelebA", mean_images),
        Figure("figure10", "reconstructed CIFAR-10 images and their parts", reconstructed, IMAGES),
        Figure("figure11", "generated CIFAR-10 images", grid, IMAGES),
        Figure("figure12", "generated faces and their parts", generated(8, 2), FACES),
        Figure(
            "figure13",
            "FID of x, x1 and x2 during training",
            fid_curves,
            FACES + DIGITS,
            "The paper's curves are of CelebA over 160 epochs, by FID. Ours take codes from N(0, I) and features of "
            "the layer mixed8 (1280), whose distances are not on the scale of the FID. They are measured every "
            "--fid-every epochs, on 10,000 images or --limit-eval.",
            watch=fid_watch,
        ),
        Figure("figure14", "generated faces", grid, FACES),
        Figure("figure15", "generated splitting maps, thresholded at 0.5", thresholded, FACES + DIGITS),
    ),
    notes=(
        "The map is the weight of x1. It is white where x is x1: x = map x1 + (1 - map) x2. All rows of a column have "
        "one code.",
        "Codes of generated images are from N(0, I).",
        "The paper's Figures 5 and 6 are drawings of networks.",
    ),
)

if __name__ == "__main__":
    main(GALLERY)
