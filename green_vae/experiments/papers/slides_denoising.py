"""What a table of denoising needs: test images with noise, what models make of them, and the verdict."""

import functools

import numpy as np
from scipy import stats

from green_vae import metrics
from green_vae.experiments.evidence import FAILS, HOLDS, OPEN
from green_vae.experiments.spec import Column, Measurement
from green_vae.presets.slides import NOISES
from green_vae.utils.corruption import corrupted
from green_vae.utils.images import unit_floats

CONFIDENCE = 0.95
VAE, AUTOENCODER = "VAE", "autoencoder"
MEASURES = {"psnr": ("PSNR, dB", metrics.psnr, "{:,.2f}"), "ssim": ("SSIM", metrics.ssim, "{:,.3f}")}


def quality(measure, how):
    """PSNR or SSIM of test images that were damaged and then reconstructed from the means of their codes.

    Args:
        measure: a name of `MEASURES`. how: a corruption of `NOISES`.
    """
    title, function, shown = MEASURES[measure]

    def measured(run):
        clean = _clean(run)
        made = f"{how} on the first {len(clean):,} test images, reconstructed from the means of their codes"
        return Measurement(function(clean, cleaned(run, how)), made=made, images=len(clean))

    def identity(run):
        return {**run.identity(), "quantity": f"{measure} after {how}", "n": run.reference_count}

    return Column(column(measure, how), f"{title}, noise {how.partition(':')[2]}", measured, identity, shown)


def column(measure, how):
    return f"{measure}_{how.partition(':')[2]}"


@functools.lru_cache(maxsize=2)
def cleaned(run, how):
    """What a trained row makes of the noisy images; the noise is the same for all rows and seeds."""
    return run.trained.reconstruct(corrupted(_clean(run), how, seed=0), sample=False)


def _clean(run):
    return unit_floats(run.bench.data(run.preset.dataset, "test").images[: run.reference_count])


def noisy(measure, how, images):
    """The same measure of the noisy images themselves."""
    return MEASURES[measure][1](unit_floats(images), corrupted(images, how, seed=0))


def trained_for(kind, how):
    """The row of a kind of model that was trained with this noise; `how` "" for clean images."""
    return f"{kind}, trained with noise {how.partition(':')[2]}" if how else f"{kind}, trained on clean images"


def conclusions(report):
    """`Table.conclusions`: differences of the rows that belong to a noise, with intervals over the seeds."""
    if report["smoke"]:
        return
    for how in NOISES:
        for measure, (title, _, shown) in MEASURES.items():
            rows = {
                "trained with it instead of on clean images": (trained_for(VAE, how), trained_for(VAE, "")),
                "autoencoder instead of VAE, both trained with it": (
                    trained_for(AUTOENCODER, how),
                    trained_for(VAE, how),
                ),
            }
            found = {what: difference(report, column(measure, how), *pair) for what, pair in rows.items()}
            told = [
                f"{what} {shown.format(mean)} ({shown.format(low)} to {shown.format(high)})"
                for what, (mean, low, high) in ((what, one) for what, one in found.items() if one)
            ]
            if told:
                yield f"{title} at noise {how.partition(':')[2]}, differences with 95 %: {'; '.join(told)}."
    if word := verdict(report):
        yield f"A VAE that is trained with the noise removes it better than one that saw clean images alone: {word}."


def difference(report, name, row, other):
    """(mean of row - other seed by seed, lower and upper end of its 95 % interval); None without two common seeds."""
    values, others = (_values(report, name, one) for one in (row, other))
    seeds = sorted(values.keys() & others.keys())
    if len(seeds) < 2:
        return None
    apart = np.array([values[seed] - others[seed] for seed in seeds])
    half = stats.t.ppf(0.5 + CONFIDENCE / 2, len(apart) - 1) * apart.std(ddof=1) / np.sqrt(len(apart))
    return float(apart.mean()), float(apart.mean() - half), float(apart.mean() + half)


def verdict(report):
    """Of "training with the noise helps", by PSNR: at every noise, at none, or open; "" if not measured."""
    found = [difference(report, column("psnr", how), trained_for(VAE, how), trained_for(VAE, "")) for how in NOISES]
    if not all(found):
        return ""
    if all(low > 0 for _, low, _ in found):
        return HOLDS
    return FAILS if any(high < 0 for *_, high in found) else OPEN


def _values(report, name, row):
    return report["rows"].get(row, {}).get(name, {}).get("details", {}).get("values", {})
