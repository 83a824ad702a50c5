"""Does a training in bfloat16 end as well as one in float32?

    taskset -c 0 nice -n 15 python benchmarks/precision.py --out results/benchmarks     # about 70 minutes of one core
    python benchmarks/precision.py --runs runs/precision            # goes on with what is there; prints alone

Four narrow networks of CIFAR-10 (Resnet, L2-RAE, Split-VAE, HFVAE) are trained with three seeds, in both precisions, by
`green_vae.presets.train`: the same weights at the start, the same order of images, the same noise, the same number of
steps. All is measured in float32, as a model ships. A training that is there is not repeated; nothing depends on time,
so the process may be stopped and continued. One thread (`taskset -c 0`) keeps sums in one order.

The rule, fixed before the first run. Each pair (one network, one seed) gives a log ratio of bfloat16 to float32; an
interval is that of Student's t for paired values, 95 %.

* The error (MSE) and the Frechet distance are to be small. bfloat16 trains "as well" if the interval of all pairs ends
  below `MARGINS`, and "worse" if it begins above 0 and its middle is above the margin.
* The KL, or the penalty on codes of the RAE, is neither good nor bad: "as well" is an interval within the margin on
  both sides, "worse" one that leaves out 0 and whose middle is outside of the margin.
* One network alone is "worse" by the same rule on its three pairs, or if its training in bfloat16 diverged and that in
  float32 did not. Three pairs are too few to show that it is as well.
* The verdict is "as well" if all three measures are, and no network is worse in any; "worse" if any is; else "open".
"""

import argparse
import dataclasses
import gc
import json
import math
import os
import sys
import warnings
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from scipy import stats

import green_vae as gv
from green_vae import metrics, presets
from green_vae.experiments.provenance import machine
from green_vae.presets import store
from green_vae.training import Recipe
from green_vae.utils.files import write_json, write_text

EPOCHS, IMAGES, SEEDS = 5, 20_000, 3  # 1,000 steps of 100 images, whatever the time
TEST, SAMPLES, REFERENCE = 2_000, 500, 1_000  # images: reconstructed, drawn, and compared with those drawn
MARGINS = {"mse": 0.02, "latent": 0.05, "fid": 0.05}  # log ratios up to which two trainings count as equal
TITLES = {"mse": "MSE x 1000", "latent": "KL, nats; RAE: half squared norm", "fid": "FID"}
PRECISIONS = ("float32", "bfloat16")
SAID = {
    "as well": "**bfloat16 trains as well as float32**",
    "worse": "**bfloat16 trains worse than float32**",
    "open": "**whether bfloat16 trains as well is open**: the pairs spread too much",
}
RECIPE = Recipe(1e-3, (3, 4), 100, EPOCHS, "of this study: narrow networks, halved before the last two epochs")


class Network(NamedTuple):
    """One of those that are trained: a preset, the logged term that is compared, and the sampler of new codes."""

    preset: presets.Preset
    latent: str = "kl"
    sampler: str | None = None


def narrowed(preset, base, **rest):
    """The `Network` of a preset of CIFAR-10 with `base` channels, trained by `RECIPE`."""
    wide = gv.PRESETS[preset]
    config = {**wide.config, "network_options": {**wide.config["network_options"], "base": base}}
    return Network(dataclasses.replace(wide, config=config, recipe=RECIPE, name=f"{preset}-b{base}"), **rest)


NETWORKS = {
    "Resnet": narrowed("survey/resnet-mini", 8),
    "L2-RAE": narrowed("survey/l2-rae-mini", 16, latent="latent", sampler="gmm"),
    "Split-VAE": narrowed("svae/cifar10-mini", 8),
    "HFVAE": narrowed("survey/hfvae-mini", 8),
}


# measuring


def measured(network, folder, precision, seed, evaluator):
    """What a training ends with, a dict of `TITLES`; {"diverged": why} for one that diverged. Kept in its folder."""
    kept = folder / "result.json"
    if not kept.exists():
        write_json(kept, _measure(network, folder, precision, seed, evaluator))
    return json.loads(kept.read_text(encoding="utf-8"))


def _measure(network, folder, precision, seed, evaluator):
    options = {"limit_train": IMAGES, "seed": seed, "save_every": 1, "precision": precision}
    try:
        trained = presets.train(network.preset, folder, **options, ledger=None, ships=False)
    except ValueError as error:
        if "diverged" not in str(error):
            raise
        return {"diverged": str(error)}
    model = store.float32_twin(trained)
    model.compile(optimizer="adam")
    images = [gv.data.load(network.preset.dataset, split).images for split in ("train", "test")]
    test = images[1][:TEST]
    logs = model.evaluate(test, batch_size=100, verbose=0, return_dict=True)
    sampler = network.sampler and network.preset.new_sampler(network.sampler).fit(model.encode(images[0][:IMAGES]))
    drawn = evaluator.moments(model.generate(SAMPLES, sampler, seed=seed), description="samples")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="a Frechet distance of only")  # the report says so
        fid = evaluator.fid(drawn, reference(evaluator, images[1]))
    return {
        "mse": 1000 * metrics.mse(test, model.reconstruct(test, sample=False)),
        "latent": logs[network.latent],
        "fid": next(iter(fid.values())),
    }


def reference(evaluator, images):
    """Moments of the first test images."""
    chosen = images[:REFERENCE]
    return evaluator.moments(chosen, key=metrics.image_key(chosen), description="test images")


def run(chosen, runs, seeds, evaluator):
    """All trainings, seed by seed -> network -> precision -> list of results, one for each seed."""
    found = {name: {precision: [] for precision in PRECISIONS} for name in chosen}
    for seed in range(seeds):
        for name, network in chosen.items():
            for precision in PRECISIONS:
                folder = runs / f"{name}-{precision}-{seed}"
                result = measured(network, folder, precision, seed, evaluator)
                found[name][precision].append(result)
                print(f"{folder.name}: {result}", file=sys.stderr, flush=True)
                keras.backend.clear_session()
                gc.collect()
    return found


# the rule


def interval(values):
    """(mean, low, high) of Student's 95 % interval; infinitely wide for fewer than two values."""
    mean = float(np.mean(values)) if len(values) else math.nan
    if len(values) < 2:
        return mean, -math.inf, math.inf
    half = float(stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values)))
    return mean, mean - half, mean + half


def ratios(rows, measure):
    """Log ratios of bfloat16 to float32 of one network, for every seed that neither training was lost with."""
    pairs = zip(*(rows[precision] for precision in PRECISIONS), strict=True)
    return [math.log(half[measure] / full[measure]) for full, half in pairs if measure in full and measure in half]


def verdict_of(measure, mean, low, high):
    """ "as well", "worse" or "open", as the head of this file has it."""
    margin = MARGINS[measure]
    if measure == "latent":
        mean, low, high = max((mean, low, high), (-mean, -high, -low))  # the side that it leans to
        if low > 0 and mean > margin:
            return "worse"
        return "as well" if high <= margin and low >= -margin else "open"
    if low > 0 and mean > margin:
        return "worse"
    return "as well" if high <= margin else "open"


def judged(found):
    """The rule applied -> {"pooled": measure -> of all pairs, "networks": name -> measure -> ..., "verdict": word}.

    Every entry has "mean", "low", "high" (log ratios), "pairs" and "verdict".
    """
    pooled = {
        measure: _judge(measure, sum((ratios(rows, measure) for rows in found.values()), [])) for measure in TITLES
    }
    networks = {
        name: {measure: _judge(measure, ratios(rows, measure)) for measure in TITLES} for name, rows in found.items()
    }
    lost = [name for name, rows in found.items() if any(map(_lost, *(rows[precision] for precision in PRECISIONS)))]
    words = [entry["verdict"] for entries in (pooled, *networks.values()) for entry in entries.values()]
    if lost or "worse" in words:
        verdict = "worse"
    else:
        verdict = "as well" if all(entry["verdict"] == "as well" for entry in pooled.values()) else "open"
    return {"pooled": pooled, "networks": networks, "diverged in bfloat16 alone": lost, "verdict": verdict}


def _judge(measure, values):
    mean, low, high = interval(values)
    ends = {
        name: value if math.isfinite(value) else None
        for name, value in zip(("mean", "low", "high"), (mean, low, high), strict=True)
    }
    return {**ends, "pairs": len(values), "verdict": verdict_of(measure, mean, low, high)}


def _lost(full, half):
    return "diverged" in half and "diverged" not in full


# the report


def lines(found, judgement, label):
    """Markdown: the networks, then all pairs together, then the verdict."""
    titles = {**TITLES, "fid": label}
    yield "| network | measure | float32 | bfloat16 | bfloat16 / float32 | 95 % interval | pairs | by the rule |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, rows in found.items():
        for measure, title in titles.items():
            means = (_spread([row[measure] for row in rows[precision] if measure in row]) for precision in PRECISIONS)
            told = judgement["networks"][name][measure]
            word = told["verdict"] if told["verdict"] == "worse" else "not worse"
            yield f"| {name} | {title} | {' | '.join(means)} | {_ratio(told)} | {told['pairs']} | {word} |"
    for measure, title in titles.items():
        told = judgement["pooled"][measure]
        yield f"| all | {title} | | | {_ratio(told)} | {told['pairs']} | {told['verdict']} |"
    yield ""
    yield f"By the rule in `benchmarks/precision.py`: {SAID[judgement['verdict']]}."


def _spread(values):
    if not values:
        return "diverged"
    spread = f" ± {np.std(values, ddof=1):.2g}" if len(values) > 1 else ""
    return f"{np.mean(values):.4g}{spread}"


def _ratio(told):
    if told["low"] is None:
        return "- | -"
    return f"{math.exp(told['mean']):.4f} | {math.exp(told['low']):.4f} to {math.exp(told['high']):.4f}"


def keep(folder, found, label, told):
    """Write precision.json and precision.md into a folder."""
    judgement = judged(found)
    steps = EPOCHS * IMAGES // RECIPE.batch_size
    how = f"Written by `python benchmarks/precision.py`: {steps:,} steps of {RECIPE.batch_size} images, {IMAGES:,} "
    how += f"training images; MSE and KL of {TEST:,} test images; {label} of {SAMPLES:,} samples against {REFERENCE:,} "
    how += "test images, too few for a value that compares with others. Means and standard deviations over seeds."
    margins = ", ".join(f"{measure} {margin:.0%}" for measure, margin in MARGINS.items())
    versions = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    foot = f"Margins, fixed before the run: {margins}. {told['device']}, {told['date']}; {versions}."
    head = ["# Does bfloat16 train as well as float32?", "", how, ""]
    write_json(folder / "precision.json", {**told, "margins": MARGINS, "label": label, "results": found, **judgement})
    write_text(folder / "precision.md", "\n".join([*head, *lines(found, judgement, label), "", foot]) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs/precision"), help="of trainings (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N", help="of each network (default: %(default)s)")
    parser.add_argument("--only", default="", metavar="TEXT", help="networks with this in their names")
    parser.add_argument("--protocol", default="survey", help="of the Frechet distance; tiny needs no weights")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="to write the table to (default: none is written)")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    chosen = {name: network for name, network in NETWORKS.items() if options.only in name}
    evaluator = metrics.FIDEvaluator(protocol=options.protocol, cache_dir=options.runs / "cache")
    (label,) = (protocol.label for protocol in evaluator.protocols.values())
    found = run(chosen, options.runs, options.seeds, evaluator)
    print("\n".join(lines(found, judged(found), label)))
    if options.out:
        keep(options.out, found, label, {**machine(), "load": load})


if __name__ == "__main__":
    main()
