"""What many latent units bring: rows that differ by one thing, and verdicts from made reports."""

import numpy as np
import pytest
from experiment_tables import TABLES

from green_vae import presets
from green_vae.experiments.papers import latent_sizes
from green_vae.presets.survey import LATENT_SIZES

FEW, MANY = (latent_sizes.row_name("factor 1", units) for units in (32, 256))


def test_the_networks_of_a_factor_differ_by_their_latent_size_alone():
    rows = {row.name: presets.preset(row.preset) for row in TABLES["survey_latent_sizes"].rows if row.preset}
    for factor in latent_sizes.FACTORS:
        own = [rows[latent_sizes.row_name(factor, units)] for units in LATENT_SIZES]
        assert [chosen.config["latent_dim"] for chosen in own] == list(LATENT_SIZES)
        betas = [chosen.config["beta"] for chosen in own]
        assert betas == ([1.0] * 4 if factor == "factor 1" else [4.0, 1.0, 0.25, 0.0625])
        shared = {str({**chosen.config, "latent_dim": 0, "beta": 0}) for chosen in own}
        assert len(shared) == 1 and len({chosen.recipe for chosen in own}) == 1


@pytest.mark.parametrize("units", LATENT_SIZES)
def test_the_network_has_the_parameters_of_its_layers(units):
    """Kernels of 2 and batch norm; sides 32, 17, 9, 5 and back; two heads."""
    down = sum(4 * a * b + b + 2 * b for a, b in ((3, 16), (16, 32), (32, 64))) + 2 * (5 * 5 * 64 + 1) * units
    up = (units + 1) * 5 * 5 * 64 + sum(4 * a * b + b + 2 * b for a, b in ((64, 32), (32, 16), (16, 3))) + 4 * 3 * 3 + 3
    model = presets.preset(f"survey/latent-{units}-mini").blueprint()
    weights = [*model.encoder.trainable_weights, *model.decoder.trainable_weights]
    assert sum(np.prod(weight.shape) for weight in weights) == down + up


def report(**values):
    """Column -> values of the seeds with the fewest and with the most units."""
    rows = {FEW: {}, MANY: {}}
    for column, both in values.items():
        for row, own in zip((FEW, MANY), both, strict=True):
            numbers = {str(seed): value for seed, value in enumerate(own)}
            rows[row][column] = {"value": np.mean(own), "details": {"values": numbers}}
    return {"smoke": False, "rows": rows}


@pytest.mark.parametrize(
    ("few", "many", "word"),
    [
        ((10, 11, 12), (10.1, 11, 12.1), "holds"),  # no lower at all
        ((10, 11, 12), (9.5, 10.5, 11.5), "holds"),  # by 0.5, and a tenth would be 1.1
        ((10, 11, 12), (8, 9, 10), "does not hold"),
        ((10, 11, 12), (8, 11, 13), "open"),
    ],
)
def test_samples_are_no_better_within_a_tenth(few, many, word):
    made = report(mse_test_x1e3=((3, 3.1, 3.2), (2, 2.1, 2.2)), kid_prior=(few, many))
    told = list(latent_sizes.conclusions(made))
    assert told[0].endswith("new images are reconstructed better: -1.00 ± 0.00, holds.")
    assert told[1].startswith("256 latent units instead of 32, factor 1: codes of N(0, I) give no better images: ")
    assert told[1].endswith(f", {word}.") and len(told) == 2
    assert not list(latent_sizes.conclusions({**made, "smoke": True}))


class Made:
    """Reports of which two tables are there."""

    published = dict(zip(latent_sizes.PAIRED, zip((2.1, 60, 50, 40), (2.0, 61, 50, 41), strict=True), strict=True))

    def __init__(self, rows):
        self.made = rows

    def rows(self, table):
        return self.made

    def number(self, table, row, column, side):
        return self.published[column][row.endswith("128")]


def test_the_claim_needs_all_of_it():
    made = report(mse_test_x1e3=((3, 3.1, 3.2), (2, 2.1, 2.2)), kid_gmm=((10, 11, 12), (10.1, 11, 12.1)))
    paper, ours = latent_sizes.claim(Made(made["rows"]))
    assert paper.says and paper.text.endswith("MSE x 1000 2.1 and 2.0; GEN1 60 and 61; GEN2 50 and 50; GMM 40 and 41")
    assert ours.says is True and ours.text.startswith("narrow: factor 1: new images are reconstructed better: -1.00")
    made = report(mse_test_x1e3=((3, 3.1, 3.2), (2, 2.1, 2.2)), kid_gmm=((10, 11, 12), (8, 9, 10)))
    assert latent_sizes.claim(Made(made["rows"]))[1].says is False
    assert latent_sizes.claim(Made({}))[1].text == "not measured"
