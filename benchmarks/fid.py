"""Speed and memory of the FID: images/s through Inception, peak memory, seconds of a Frechet distance at d = 2048.

    python benchmarks/fid.py [--images 960]      # with Inception weights; run it on an otherwise idle machine
    python benchmarks/fid.py --precision bfloat16 --out results/benchmarks     # both in turn; 3 minutes

Marks on 2 cores (TensorFlow, float32): 10,000 images in 6 minutes (28 images/s), under 2 GiB whatever the number of
images, the distance in 1.5 s and in a fifth of the time of SciPy's matrix root. In bfloat16, 3 times as many images/s
where the processor has AMX; without it, no mark is set. Memory is compared within one run: the peak after a pass of all
images beside that after a tenth. The precisions take turns; a ratio is that of two neighbours.
"""

import argparse
import os
import resource
import time
from pathlib import Path

import numpy as np
import scipy.linalg
from start import circumstances, middle

from green_vae import doctor
from green_vae.metrics import FIDEvaluator, frechet_distance
from green_vae.metrics.protocol import PRECISIONS
from green_vae.utils.files import write_json, write_text

DIM = 2048


def peak():
    """Peak memory of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def stream(n, batch=32):
    """n random images in batches, never all at once."""
    rng = np.random.default_rng(0)
    for start in range(0, n, batch):
        yield rng.integers(0, 256, (min(batch, n - start), 32, 32, 3), dtype="uint8")


def seconds(work, *arguments):
    """(seconds, what it returned)."""
    start = time.perf_counter()
    returned = work(*arguments)
    return time.perf_counter() - start, returned


def by_matrix_root(mean_a, covariance_a, mean_b, covariance_b):
    """The Frechet distance as it is usually computed: by the whole root of the product."""
    root = scipy.linalg.sqrtm(covariance_a @ covariance_b).real
    return np.sum((mean_a - mean_b) ** 2) + np.trace(covariance_a + covariance_b - 2 * root)


def frechet_seconds(rounds):
    """Seconds of a distance between two full-rank covariances, ours and by the matrix root in turn.

    Raises:
        ValueError: the two distances differ.
    """
    rng = np.random.default_rng(0)
    sides = [rng.standard_normal((DIM * 3 // 2, DIM)) * rng.uniform(0.5, 2, DIM) for _ in range(2)]
    moments = [part for side in sides for part in (side.mean(0), np.cov(side, rowvar=False))]
    found = {"ours_s": [], "scipy_s": []}
    for _ in range(rounds):
        (ours, a), (scipys, b) = seconds(frechet_distance, *moments), seconds(by_matrix_root, *moments)
        if not np.isclose(a, b, rtol=1e-6):
            raise ValueError(f"both ways must give one distance. Received: {a} and {b}")
        found["ours_s"].append(ours)
        found["scipy_s"].append(scipys)
    return {**found, "ratios": [b / a for a, b in zip(*found.values(), strict=True)]}


def throughput(precisions, layers, images, rounds):
    """Images/s of each precision in each round, and the peak memory after a tenth and a pass of all images.

    Returns:
        {"images_per_s": precision -> list, "ratios": of the last precision to the first, "after_tenth_mb", "peak_mb"}.
    """
    evaluators = {precision: FIDEvaluator(layers=layers, precision=precision) for precision in precisions}
    for evaluator in evaluators.values():
        evaluator.moments(stream(64))  # builds and compiles
    for evaluator in evaluators.values():
        evaluator.moments(stream(images // 10))
    before, each = peak(), images // rounds
    rates = {precision: [] for precision in precisions}
    for _ in range(rounds):
        for precision, evaluator in evaluators.items():
            rates[precision].append(each / seconds(evaluator.moments, stream(each))[0])
    evaluator.moments(stream(images))  # that of the last precision
    ratios = [b / a for a, b in zip(*rates.values(), strict=True)] if len(rates) == 2 else []
    return {"images_per_s": rates, "ratios": ratios, "after_tenth_mb": before, "peak_mb": peak()}


def lines(found, options):
    """What was measured, one sentence a line."""
    speed, distance = found["inception"], found["frechet"]
    for precision, rates in speed["images_per_s"].items():
        minutes = 10_000 / np.median(rates) / 60
        told = f"{middle(rates, '.1f')} images/s, 10,000 images in {minutes:.1f} min"
        yield f"Inception to {options.layers[-1]} in {precision}: {told}"
    if speed["ratios"]:
        ratio = middle(speed["ratios"], ".2f")
        yield f"bfloat16 beside float32: {ratio} times as many images/s; the processor has {found['processor']}"
    few = f"{speed['after_tenth_mb']:.0f} MiB after {options.images // 10} images"
    yield f"peak memory: {few}, {speed['peak_mb']:.0f} MiB after {options.images}"
    ours, scipys = middle(distance["ours_s"], ".2f"), middle(distance["scipy_s"], ".2f")
    ratio = middle(distance["ratios"], ".1f")
    yield f"Frechet distance at d = {DIM}: {ours} s, by SciPy's matrix root {scipys} s, {ratio} times as long"


def keep(folder, found, options, told):
    """Write fid.json and fid.md into a folder."""
    head = ["# Speed of the FID", "", "Written by `python benchmarks/fid.py`: medians, least and largest.", ""]
    versions = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    foot = f"{told['device']}, {told['date']}, load average {told['load']:.1f} at the start; {versions}."
    write_json(folder / "fid.json", {**told, "images": options.images, "layers": options.layers, **found})
    write_text(folder / "fid.md", "\n".join([*head, *(f"* {line}" for line in lines(found, options)), "", foot]) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--images", type=int, default=960, help="in each precision (default: %(default)s)")
    add("--layers", nargs="+", default=["mixed7", "mixed8", "avg_pool"])
    add("--precision", choices=PRECISIONS, default="float32", help="bfloat16: in turn with float32")
    add("--rounds", type=int, default=6, metavar="N", help="of all images; a third for the distance (default: 6)")
    add("--out", type=Path, metavar="FOLDER", help="to write the numbers to (default: none are written)")
    options = parser.parse_args()
    told = circumstances(os.getloadavg()[0])
    precisions = dict.fromkeys(("float32", options.precision))
    found = {
        "processor": doctor.instructions(),
        "inception": throughput(precisions, options.layers, options.images, options.rounds),
        "frechet": frechet_seconds(-(-options.rounds // 3)),
    }
    print("\n".join(lines(found, options)))
    if options.out:
        keep(options.out, found, options, told)


if __name__ == "__main__":
    main()
