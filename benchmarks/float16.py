"""What float16 on disk costs: Frechet distances of images from weights before and after they were rounded for shipping.

    python benchmarks/float16.py runs/survey/cnn-mini -n 2000

The folder is one of `python -m green_vae train`, with its last checkpoint (float32) beside `model/` (float16). Both
draw from the same codes, and give back the same test images from the same noise.
"""

import argparse
from pathlib import Path

import numpy as np

import green_vae as gv
from green_vae import metrics
from green_vae.presets import store
from green_vae.training import best_epoch, recalibrate_batch_norm
from green_vae.training.checkpoint import best_path, load_weights, newest, read_history


def put_back(model, run, metadata):
    """Give the model the weights of the newest checkpoint, or of the best epoch, as they were before they shipped."""
    epoch, path = newest(run)
    if path is None:
        how = f"`python -m green_vae train PRESET --out {run}` makes one"
        raise SystemExit(f"no checkpoint there; {how}. Received: {run}")
    best = best_epoch(read_history(run)[:epoch])
    load_weights(model, best_path(run, best) if best else path)
    images = gv.data.load(gv.PRESETS[metadata["preset"]].dataset).images[: metadata["train_images"]]
    recalibrate_batch_norm(model, images, metadata["recipe"]["batch_size"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a folder of `python -m green_vae train`")
    parser.add_argument("-n", type=int, default=2000, metavar="N", help="images (default: %(default)s)")
    parser.add_argument("--layer", default="mixed8", help="of the features (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    metadata = store.metadata_of(options.run / "model")
    before, after = (store.load_preset(options.run / "model") for _ in range(2))
    put_back(before, options.run, metadata)
    sampler = None if after.variational else gv.load_sampler(options.run / "model", "gmm")
    images = gv.data.load(gv.PRESETS[metadata["preset"]].dataset, "test").images[: options.n]
    evaluator = metrics.FIDEvaluator(layers=options.layer)
    (layer,) = evaluator.layers
    reference = evaluator.moments(images, description="test images")

    made = {
        "reconstructions": lambda model: model.reconstruct(images, seed=options.seed),
        "samples": lambda model: model.generate(len(images), sampler, seed=options.seed),
    }
    for kind, make in made.items():
        pairs = [make(model) for model in (before, after)]
        moments = [evaluator.moments(pair, description=kind) for pair in pairs]
        full, half = (evaluator.fid(each, reference)[layer] for each in moments)
        difference = 255 * np.abs(np.subtract(*pairs))
        print(
            f"{metadata['preset']}, {kind}: {evaluator.protocols[layer].label} of {len(images):,} images "
            f"{full:.4f} in float32, {half:.4f} from float16 ({half - full:+.4f}); "
            f"pixels differ by {difference.mean():.3f} of 255 on average, {difference.max():.1f} at most"
        )


if __name__ == "__main__":
    main()
