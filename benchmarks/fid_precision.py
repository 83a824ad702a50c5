"""What bfloat16 does to a Frechet distance: the same images measured in both precisions, beside the noise of the FID.

    python benchmarks/fid_precision.py --images 1200 --reference 4000 --out results/benchmarks

The sets are a random mix of CIFAR-10's training images, two of its classes, and samples of four models that ship. Both
precisions see the same images and the same reference, the first test images. The shift is bfloat16 minus float32.

The noise is the standard error of the float32 distance under other images of the same kind, with the reference held:
the standard deviation over random halves of the images (delete-half jackknife; Shao and Wu, 1989). That of 10,000
images is this one times the root of n / 10,000, since the error of a smooth function of means falls so. RULE, fixed
before the first run: bfloat16 serves a layer if the shift of every set is smaller than the noise of 10,000 images.

`HISTORY` tells what an earlier form of the network gave by this rule.

Features are kept in --cache for each set and precision: stopped by Ctrl-C or a signal, the same command goes on there.
"""

import argparse
import os
import statistics
import sys
import warnings
from pathlib import Path

import numpy as np
from start import circumstances

import green_vae as gv
from green_vae.metrics import FIDEvaluator, frechet_from_features, image_key
from green_vae.metrics.fid import ENOUGH
from green_vae.metrics.protocol import PRECISIONS
from green_vae.utils.files import write_json, write_text

LAYERS = ("mixed8", "avg_pool")
SPLITS = 10  # of a set into two random halves
HISTORY = (
    "An earlier form, with all of the network in bfloat16, failed this rule: FID~ moved by +3.85 (145.10 to 148.95) "
    "for samples of svae/cifar10 and by +2.19 (122.83 to 125.01) for those of survey/resnet-s4-b48-l128, where the "
    "noise of 10,000 images is 0.50 and 0.52; FID@1280 moved by -0.110 and -0.094, beside 0.026 and 0.020. Both sets "
    "of real images were below their noise, and the last two sets were not measured. After that the convolutions "
    "before the first max pool became float32, and this table was made by the same rule from the same images. That "
    "choice was made with 160 of the samples of svae/cifar10, so that this set alone is no independent check of it."
)


def real(classes):
    """A function of n: as many training images of CIFAR-10 of these classes, by chance."""

    def images(n):
        training = gv.data.load("cifar10", "train")
        among = np.flatnonzero(np.isin(training.labels, classes))
        return training.images[np.sort(np.random.default_rng(0).choice(among, n, replace=False))]

    return images


def generated(name, sampler):
    """A function of n: as many samples of a model that ships."""
    return lambda n: gv.load(name).generate(n, sampler, seed=0)


SETS = {
    "random mix of training images": real(range(10)),
    "airplanes and automobiles": real((0, 1)),
    "svae/cifar10, prior": generated("svae/cifar10", "prior"),
    "survey/resnet-s4-b48-l128, mixture": generated("survey/resnet-s4-b48-l128", "gmm"),
    "survey/hfvae-s4-z4-l48, prior": generated("survey/hfvae-s4-z4-l48", "prior"),
    "boon/optimal-sigma-multi-level-cifar10, mixture": generated("boon/optimal-sigma-multi-level-cifar10", "gmm"),
}


def features_of(images, evaluators, told):
    """Features of images: precision -> layer -> float32 (n, d)."""
    key, found = image_key(images), {}
    for precision, evaluator in evaluators.items():
        moments = evaluator.moments(images, key, f"{told}, {precision}", keep=len(images))
        found[precision] = {layer: moments[layer].features for layer in evaluator.layers}
    return found


def shift(features, reference):
    """The row of one set at one layer, from its features and those of the reference, by precision.

    Returns:
        A dict of floats: both distances, the shift, its standard deviation over halves and its mean there, the noise
        of the float32 distance of n images and of 10,000.
    """
    n = len(features["float32"])
    whole = {precision: frechet_from_features(features[precision], reference[precision]) for precision in PRECISIONS}
    rng, halves = np.random.default_rng(0), {precision: [] for precision in PRECISIONS}
    for _ in range(SPLITS):
        order = rng.permutation(n)
        for half in (order[: n // 2], order[n // 2 : n // 2 * 2]):
            for precision, values in halves.items():
                values.append(frechet_from_features(features[precision][half], reference[precision]))
    shifts = np.subtract(halves["bfloat16"], halves["float32"])
    noise = statistics.stdev(halves["float32"])
    return {
        **whole,
        "shift": whole["bfloat16"] - whole["float32"],
        "shift_error": float(np.std(shifts, ddof=1)),
        "shift_of_halves": float(shifts.mean()),
        "noise": noise,
        "noise_of_10000": noise * (n / ENOUGH) ** 0.5,
    }


def below(row):
    """Whether the shift is smaller than the noise of a float32 distance of 10,000 images."""
    return abs(row["shift"]) < row["noise_of_10000"]


def lines(rows, options):
    """The report as Markdown.

    Args:
        rows: layer's label -> set -> what `shift` gives.
    """
    yield from (
        "# Frechet distances in bfloat16 beside float32",
        "",
        "Written by `python benchmarks/fid_precision.py`.",
        "",
    )
    yield (
        f"{options.images:,} images of each set and {options.reference:,} test images of CIFAR-10, the same ones in "
        "both precisions. So few images bias both distances upwards; only the shift between them is of interest here. "
        "The noise is the standard error of the float32 distance under other images of a set; for 10,000 images it is "
        "scaled by the root of their number. `+-` is the standard error of the shift. The rule, fixed before the run: "
        "bfloat16 serves a layer if the shift of every set is smaller than the noise of 10,000 images."
    )
    yield from ("", HISTORY)
    for label, sets in rows.items():
        yield from ("", f"## {label}", "")
        yield "| set | float32 | bfloat16 | shift | shift of half of the images | noise | noise of 10,000 | below |"
        yield "|---|---|---|---|---|---|---|---|"
        for name, row in sets.items():
            distances = f"{row['float32']:.3f} | {row['bfloat16']:.3f}"
            moved = f"{row['shift']:+.4f} +- {row['shift_error']:.4f} | {row['shift_of_halves']:+.4f}"
            noise = f"{row['noise']:.4f} | {row['noise_of_10000']:.4f}"
            yield f"| {name} | {distances} | {moved} | {noise} | {'yes' if below(row) else 'no'} |"
        number = sum(map(below, sets.values()))
        yield from ("", f"The shift is below the noise of 10,000 images in {number} of {len(sets)} sets.")


def keep(folder, rows, options, told):
    """Write fid_precision.json and .md into a folder."""
    versions = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    write_json(
        folder / "fid_precision.json", {**told, "images": options.images, "reference": options.reference, "sets": rows}
    )
    text = "\n".join([*lines(rows, options), "", f"{told['device']}, {told['date']}; {versions}."])
    write_text(folder / "fid_precision.md", text + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--images", type=int, default=1200, metavar="N", help="of each set (default: %(default)s)")
    add("--reference", type=int, default=4000, metavar="N", help="test images (default: %(default)s)")
    add("--cache", type=Path, default=Path("runs/fid_precision"), metavar="FOLDER", help="default: %(default)s")
    add("--out", type=Path, metavar="FOLDER", help="to write the table to, after each set (default: none is written)")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", "a Frechet distance of only")
    told = circumstances(os.getloadavg()[0])
    evaluators = {name: FIDEvaluator(LAYERS, cache_dir=options.cache, precision=name) for name in PRECISIONS}
    labels = {layer: protocol.label for layer, protocol in evaluators["float32"].protocols.items()}
    test = gv.data.load("cifar10", "test").images[: options.reference]
    reference = features_of(test, evaluators, "reference")
    rows = {label: {} for label in labels.values()}
    for name, images in SETS.items():
        features = features_of(images(options.images), evaluators, name)
        for layer, label in labels.items():
            sides = ({precision: side[precision][layer] for precision in PRECISIONS} for side in (features, reference))
            rows[label][name] = shift(*sides)
        if options.out:
            keep(options.out, rows, options, told)
    print("\n".join(lines(rows, options)))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on from here")
