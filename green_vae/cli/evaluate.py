"""`green-vae evaluate`: two sets of images by all distances at once."""

import json
import math
from pathlib import Path

from green_vae.cli.common import add_command, notes
from green_vae.utils.arguments import positive
from green_vae.utils.quiet import quiet_start

DESCRIPTION = """How far images A lie from a reference B, by features of Inception v3; each side is gone through once.

  FID        Frechet distance of the features, each side taken for a Gaussian; biased upwards below 10,000 images
  KID        kernel distance (squared MMD), without bias, +- its standard error; 0 for equal distributions
  precision  share of A that lies among B: how good single images are; recall: share of B that lies among A: diversity
  density    how dense B is where A lies, 1 for equal distributions; coverage: share of B that has an image of A near

Precision and recall are of 3 nearest neighbours, density and coverage of 5, and of at most 10,000 images of a side,
chosen by chance. They compare only between equal numbers of images."""

EPILOG = """A and B are each one of
  DIR, DIR@64           a folder of images of one size, or cut and resized to 64 x 64
  FILE.npz              one array (n, h, w, c) of images, or moments that --cache has kept
  cifar10, mnist:train  a data set and its split (default: test)
  NAME, NAME:SAMPLER    images of a preset, or of a folder of `train`, generated on the fly: survey/cnn-mini:gmm, and of
                        a split model NAME:SAMPLER:PART, say svae/mnist-mini:prior:x1

The layer is that of 2048 features, if Inception weights for it are here, else that of 1280. A line below the numbers
says why they are not on the scale of published ones, where they are not. Weights are looked for in inception/ of
--data-dir or $GREEN_VAE_DATA, and at $GREEN_VAE_INCEPTION. Two cores take about a minute for 1,000 images.

examples:
  %(prog)s my/samples cifar10:test
  %(prog)s survey/cnn-mini:gmm cifar10 -n 2000 --json
  %(prog)s runs/mine/model my/pictures@64 --cache features
  %(prog)s cifar10:train cifar10:test -n 5000 --extrapolate
"""
DEEP, SHALLOW = "2048", "1280"


def add_evaluate(commands):
    command = add_command(
        commands,
        "evaluate",
        _evaluate,
        help="FID, KID, precision, recall, density and coverage of two sets of images",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    add = command.add_argument
    add("images", metavar="A", help="what is judged, say generated images")
    add("reference", metavar="B", help="what it is judged by, say real images")
    n = "images of each side, chosen by chance from a set (default: all; as many are generated as the other side has)"
    add("-n", type=positive, metavar="N", help=n)
    layers = ("64", "192", "768", SHALLOW, DEEP)
    add("--layer", choices=layers, help=f"of Inception, by its number of features (default: {DEEP}, or {SHALLOW})")
    protocols = "weights and resizing of: survey (default), ttur; or tiny, which needs no weights, for trying out"
    add("--protocol", choices=("survey", "ttur", "tiny"), default="survey", help=protocols)
    precisions = "of Inception's products (default: float32); numbers of bfloat16 compare with each other alone"
    add("--precision", choices=("float32", "bfloat16"), help=precisions)
    rules = "how images reach Inception's 299 x 299 pixels: bilinear (default), nearest, bicubic, bilinear-antialias, "
    rules += "bicubic-antialias or bilinear-tf1, perhaps with another size: nearest@150; numbers of two do not compare"
    add("--resize", metavar="RULE", help=rules)
    whole = "round images to whole pixel values first, as files of 8 bits do; these numbers do not compare with others"
    add("--quantise", action="store_true", help=whole)
    infinite = "also the FID of infinitely many images, +- its standard error, by a line in 1 / n (Chong, Forsyth 2020)"
    add("--extrapolate", action="store_true", help=infinite)
    add("--seed", type=int, default=0, metavar="S", help="of generated images, and of all choices (default: 0)")
    add("--cache", type=Path, metavar="DIR", help="keep the features of sets there, so that they are computed once")
    add("--data-dir", type=Path, metavar="DIR", help="folder with data sets and weights (default: $GREEN_VAE_DATA)")
    add("--download", action="store_true", help="fetch a data set, or Inception weights, if they are missing")
    add("--json", action="store_true", help="the numbers, and all that they depend on, as JSON")


def _evaluate(options):
    from green_vae.cli.sources import opened, source

    found = [source(options.images), source(options.reference)]  # both names, before anything is read
    with quiet_start():
        from green_vae.metrics import compare

    sides, counts = [None, None], [options.n, options.n]
    for place in sorted((0, 1), key=lambda place: found[place].kind == "model"):  # as many as the other has
        sides[place] = opened(found[place], counts[place], options.seed, options.data_dir, options.download)
        counts = [count or sides[place].count for count in counts]
    with notes():
        compared = compare(*_moments(sides, options), extrapolated=options.extrapolate)
    told = _told(sides, compared)
    if options.json:
        print(json.dumps(told, indent=2))
        return
    for name, side in zip("AB", sides, strict=True):
        print(f"{name}  {side.source.text}: {side}")
    print()
    for line in _lines(compared):
        print(line)
    for remark in filter(None, [told["caveat"], compared.missing, *_remarks(sides)]):
        print(f"\n{remark}")


def _moments(sides, options):
    """Moments of both sides with features: what a file holds, and one pass over each set of images."""
    from green_vae.metrics import Moments, image_key
    from green_vae.metrics.evaluation import KEPT

    moments = [side.moments for side in sides]
    if None not in moments:
        return moments
    evaluator = _evaluator(options, next((kept.protocol for kept in moments if kept and kept.protocol), None))
    ((layer, protocol),) = evaluator.protocols.items()
    for kept in filter(None, moments):
        kept.check_comparable(Moments(protocol.dim, protocol))  # before minutes are spent on the other side
    for place, side in enumerate(sides):
        if moments[place] is None:
            key = image_key(side.batches) if options.cache and hasattr(side.batches, "shape") else None
            told = f"features of {'AB'[place]}"
            moments[place] = evaluator.moments(side.batches, key, told, side.count, KEPT)[layer]
    return moments


def _evaluator(options, protocol):
    """The features that the options ask for; by default those of the other side, else the deepest that there are.

    Args:
        protocol: of moments that are given for one side, or None.
    """
    from green_vae.metrics import FIDEvaluator

    settings = {"protocol": options.protocol, "data_dir": options.data_dir, "cache_dir": options.cache}
    settings["download"] = options.download
    given = protocol if protocol and protocol.name == options.protocol else None
    settings["precision"] = options.precision or (given.precision if given else "float32")
    settings["quantise"] = options.quantise or bool(given and given.quantise)
    if rule := options.resize or (given and given.resize_name):
        settings["resize"] = rule
    layer = options.layer or (given.layer if given else None)
    if layer or options.protocol != "survey":
        return FIDEvaluator(layer, **settings)
    try:
        return FIDEvaluator(DEEP, **settings)
    except ValueError:  # a file of weights that ends before, as the exact one does
        return FIDEvaluator(SHALLOW, **settings)


def _told(sides, compared):
    """All that was found, as JSON."""
    told = {name: {"source": side.source.text, "images": side.count} for name, side in zip("ab", sides, strict=True)}
    told |= {"label": compared.fid.label, "fid": compared.fid.value, "fid_error": compared.fid.error}
    told |= {"kid": None, "kid_error": None}
    if compared.kid:
        error = compared.kid.error
        told |= {"kid": compared.kid.value, "kid_error": error if math.isfinite(error) else None}
    names = ("precision", "recall", "density", "coverage")
    told |= compared.neighbours._asdict() if compared.neighbours else dict.fromkeys(names)
    if line := compared.extrapolated:
        told |= {"fid_extrapolated": line.value, "fid_extrapolated_error": line.error, "fid_error_of_both": line.spread}
        told["fid_of_n"] = dict(zip(line.sizes, line.distances, strict=True))
    protocol = compared.fid.protocol
    told |= {"compared": compared.compared, "caveat": protocol.caveat, "protocol": protocol.describe()}
    return told


def _lines(compared):
    """A line for each number."""
    error = "" if compared.fid.error is None else f" +- {compared.fid.error:.2f}"
    numbers = {compared.fid.label: f"{compared.fid.value:.2f}{error}"}
    if compared.extrapolated:
        numbers[f"{compared.fid.label}, n to infinity"] = str(compared.extrapolated)
    if compared.kid:
        numbers[compared.kid.label] = f"{compared.kid.value:.5f} +- {compared.kid.error:.5f}"
    if compared.neighbours:
        numbers |= {name: f"{value:.3f}" for name, value in compared.neighbours._asdict().items()}
    width = max(map(len, numbers)) + 2
    return [f"{name:<{width}}{number}" for name, number in numbers.items()]


def _remarks(sides):
    """What may be wrong with the comparison itself."""
    a, b = sides
    if b.source.kind == "model" != a.source.kind:
        yield "B is the reference, and these images are generated: precision and recall may have changed places."
    if None not in (a.shape, b.shape) and a.shape != b.shape:
        shapes = " and ".join(" x ".join(map(str, side.shape)) for side in sides)
        yield f"The images differ in size or channels ({shapes}): the distances are of that, too."
