"""The table of denoising: its verdict from made reports, and the noisy images themselves."""

import os

import numpy as np
import pytest
from experiment_tables import TABLES

from green_vae import data, presets
from green_vae.experiments.papers import slides_denoising as made

REAL = os.environ.get("GREEN_VAE_DATA")
TABLE = TABLES["slides_denoising"]


def report(*gains):
    """PSNRs of three seeds; a VAE trained with the n-th noise is better by the n-th gain there, give or take 0.1."""
    rows = {made.trained_for(made.VAE, ""): dict.fromkeys(made.NOISES, (10.0, 11.0, 12.0))}
    for how, gain in zip(made.NOISES, gains, strict=True):
        values = tuple(10.0 + seed + gain + 0.1 * (seed - 1) for seed in range(3))
        rows[made.trained_for(made.VAE, how)] = {how: values}
    cells = {
        row: {
            made.column("psnr", how): {"details": {"values": {str(seed): v for seed, v in enumerate(values)}}}
            for how, values in found.items()
        }
        for row, found in rows.items()
    }
    return {"smoke": False, "rows": cells}


def test_seeds_are_compared_with_themselves():
    mean, half = made.difference(
        report(1, 2, 3), "psnr_0.25", made.trained_for(made.VAE, "gaussian:0.25"), made.trained_for(made.VAE, "")
    )
    assert mean == pytest.approx(2) and half == pytest.approx(4.302653 * 0.1 / np.sqrt(3), rel=1e-5)


@pytest.mark.parametrize(
    ("gains", "word"), [((1, 2, 3), "holds"), ((1, 0, 3), "open"), ((1, 2, -3), "does not hold"), ((0, 0, 0), "open")]
)
def test_verdicts(gains, word):
    assert made.verdict(report(*gains)) == word
    assert list(made.conclusions(report(*gains)))[-1].endswith(f"clean images alone: {word}.")
    assert not list(made.conclusions({**report(*gains), "smoke": True}))


def test_every_row_is_trained_with_the_noise_that_it_names():
    for row in TABLE.rows:
        config = presets.preset(row.preset).config
        how = config["corruption"] or ""
        kind = made.AUTOENCODER if presets.preset(row.preset).model == "autoencoder" else made.VAE
        assert row.name == made.trained_for(kind, how)
    assert len(TABLE.rows) == 2 * (1 + len(made.NOISES))


@pytest.mark.skipif(not REAL, reason="GREEN_VAE_DATA not set")
def test_the_noisy_images_are_as_the_note_says():
    images = data.load("mnist", "test", data_dir=REAL).images[:2_000]
    told = [f"{made.noisy('psnr', how, images):.1f}" for how in made.NOISES]
    told += [f"{made.noisy('ssim', how, images):.2f}" for how in made.NOISES]
    (note,) = (note for note in TABLE.notes if "themselves" in note)
    assert "PSNRs of {}, {} and {} dB, and SSIMs of {}, {} and {}".format(*told) in note
