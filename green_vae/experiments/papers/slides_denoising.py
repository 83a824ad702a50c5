"""What a table of denoising needs: test images with noise, what models make of them, and the verdict."""

import functools

from green_vae import metrics
from green_vae.experiments.evidence import FAILS, HOLDS, OPEN
from green_vae.experiments.papers.paired import difference, interval
from green_vae.experiments.spec import Column, Measurement
from green_vae.presets.slides import NOISES
from green_vae.utils.corruption import corrupted
from green_vae.utils.images import unit_floats

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


@functools.lru_cache(maxsize=9)  # every column goes through all seeds of a row; three noises
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
        rows = {
            "trained with it instead of on clean images": (trained_for(VAE, how), trained_for(VAE, "")),
            "autoencoder instead of VAE, both trained with it": (trained_for(AUTOENCODER, how), trained_for(VAE, how)),
        }
        for measure, (title, _, _) in MEASURES.items():
            found = {what: difference(report, column(measure, how), *pair) for what, pair in rows.items()}
            told = [f"{what} {interval(*pair)}" for what, pair in found.items() if pair]
            if told:
                yield f"{title} at noise {how.partition(':')[2]}, differences with 95 %: {'; '.join(told)}."
    if word := verdict(report):
        yield f"A VAE that is trained with the noise removes it better than one that saw clean images alone: {word}."


def gain(report, how):
    """(mean difference, half of its interval) of the PSNR by training with a noise, of a VAE; None if not measured."""
    return difference(report, column("psnr", how), trained_for(VAE, how), trained_for(VAE, ""))


def verdict(report):
    """Of "training with the noise helps", by PSNR: at every noise, at none, or open; "" if not measured."""
    found = [gain(report, how) for how in NOISES]
    if not all(found):
        return ""
    if all(estimate > half for estimate, half in found):
        return HOLDS
    return FAILS if any(estimate < -half for estimate, half in found) else OPEN
