"""The comparison of likelihoods: equal budgets, bounds and their errors against the models, differences by image."""

import dataclasses
import time

import numpy as np
import pytest
from experiment_tables import TABLES

from green_vae import presets
from green_vae.experiments import NotRun
from green_vae.experiments.bench import Bench
from green_vae.experiments.papers import slides_bounds
from green_vae.experiments.run import Run
from green_vae.experiments.spec import Settings
from green_vae.models.likelihood import log_likelihood, log_weights

TABLE = TABLES["slides_likelihood"]
PLAIN, FLOW, FREE, LADDER = TABLE.rows


def run_of(row, folder, **settings):
    return Run(Bench(TABLE, Settings(out=folder, **{"smoke": True, **settings})), row)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def plain(folder):
    return run_of(PLAIN, folder).prepare()


@pytest.fixture(scope="module")
def ladder(folder):
    return run_of(LADDER, folder).prepare()


# equal budgets


def test_all_rows_have_one_budget_and_differ_in_the_posterior_only():
    chosen = [presets.preset(row.preset) for row in TABLE.rows]
    assert len({preset.recipe for preset in chosen}) == len({preset.dataset for preset in chosen}) == 1
    assert chosen[0].dataset == TABLE.reference.dataset == "mnist_binary"
    steps = 60_000 // chosen[0].recipe.batch_size
    for preset in (chosen[0], chosen[1], chosen[3]):  # free bits take the place of a warm-up
        assert preset.config["warmup_steps"] / (steps * preset.recipe.epochs) == 200 / 2000
    plain, flow, _, _ = (preset.config for preset in chosen)
    added = ("posterior", "posterior_options")
    assert {name: value for name, value in flow.items() if name not in added} == plain
    assert all(preset.codes == "sample" for preset in chosen)


def test_every_preset_with_a_flow_takes_draws_as_codes():
    flows = [preset for preset in presets.PRESETS.values() if "posterior" in preset.config]
    assert len(flows) == 2 and {preset.codes for preset in flows} == {"sample"}


def test_the_plain_row_is_the_first_level_of_the_ladder():
    plain, ladder = (presets.preset(row.preset).build(0) for row in (PLAIN, LADDER))
    assert plain.latent_dim == ladder.latent_dims[0]
    assert plain.decoder.count_params() == ladder.decoder.count_params()
    below = ladder.encoder.layers[:8]  # up to the second leaky ReLU
    first = sum(int(np.prod(weight.shape)) for layer in below for weight in layer.weights)
    assert plain.encoder.count_params() == first + 2 * (512 + 1) * 64


# what is measured


class Busy:
    """A model that works for so many milliseconds, whatever it is asked."""

    def __init__(self, milliseconds, asked):
        self.seconds, self.asked = milliseconds / 1000, asked

    def encode(self, images, sample, batch_size):
        self.asked.append(len(images))
        end = time.process_time() + self.seconds
        while time.process_time() < end:
            pass


def test_models_take_turns_and_the_slower_one_takes_longer():
    asked = []
    slow, quick = slides_bounds.least_seconds([Busy(30, asked), Busy(10, asked)], "encode", np.zeros((300, 2)))
    assert 2 < slow / quick < 4 and quick >= 0.01
    assert asked == [200] * 2 + [300] * 2 * slides_bounds.REPEATS


def test_bounds_are_those_of_the_model(plain):
    images = plain.bench.reference_images
    elbo, bound = slides_bounds.log_bounds(plain)
    assert elbo.shape == bound.shape == (96,) and (elbo < bound).all()
    np.testing.assert_allclose(bound, log_likelihood(plain.trained, images, k=slides_bounds.SMOKE_K), rtol=1e-6)
    weights = log_weights(plain.trained, images, k=slides_bounds.SMOKE_K)
    assert weights.shape == (96, slides_bounds.SMOKE_K)
    np.testing.assert_allclose(elbo, weights.mean(axis=1), rtol=1e-6)


def test_bounds_are_kept_and_measured_anew_if_asked(plain, folder):
    kept = next(plain.folder.glob("bounds-*.npy"))
    slides_bounds.log_bounds(plain)
    np.save(kept, np.zeros((2, 96)))
    assert not slides_bounds.log_bounds(plain).any()
    fresh = run_of(PLAIN, folder, fresh=True).prepare()
    assert slides_bounds.log_bounds(fresh).all() and np.load(kept).all()


def test_the_gain_is_the_mean_of_paired_differences(plain, ladder):
    """Against SciPy's standard error; it is not that of two independent samples."""
    from scipy.stats import sem

    gain = slides_bounds.gain().measure(ladder)
    differences = slides_bounds.log_bounds(ladder)[0] - slides_bounds.log_bounds(plain)[0]
    assert gain.value == pytest.approx(differences.mean())
    assert gain.remark == f"standard error {sem(differences):.2g} of the differences, image by image"
    elbo = [slides_bounds.elbo().measure(run).value for run in (ladder, plain)]
    assert gain.value == pytest.approx(elbo[0] - elbo[1])
    assert slides_bounds.gain().identity(ladder)["baseline"] == plain.weights_hash


def test_the_first_row_has_no_gain_and_others_need_it(plain, tmp_path):
    with pytest.raises(NotRun, match="compared with this one"):
        slides_bounds.gain().measure(plain)
    alone = run_of(FLOW, tmp_path, smoke=False, train=True)
    with pytest.raises(NotRun, match="--train --rows 'plain VAE'` trains the row"):
        slides_bounds.baseline(alone)


def test_the_divergence_of_a_ladder_comes_level_by_level(ladder, plain):
    found = slides_bounds.kl().measure(ladder)
    levels = [float(value) for value in found.remark.removeprefix("levels from z_1 upwards: ").split(", ")]
    assert len(levels) == 5 and found.value == pytest.approx(sum(levels), abs=0.05)
    assert slides_bounds.kl().measure(plain).remark == ""


def test_seconds_of_the_training(plain):
    history = plain.history
    assert slides_bounds.seconds().measure(plain).value == pytest.approx(sum(epoch["seconds"] for epoch in history))
    silent = type("Silent", (), {"history": [{"seconds": 1.0}, {}]})
    with pytest.raises(NotRun, match="seconds of every epoch"):
        slides_bounds.seconds().measure(silent)


# a ladder in a table


def test_images_of_a_ladder_come_from_its_priors(ladder):
    images = np.concatenate(list(ladder.images("prior")))
    z = ladder.trained.draw(96, seed=0)
    np.testing.assert_allclose(images, ladder.trained.decode(z), atol=1e-6)
    assert ladder.made("prior") == "samples from the model's own priors, from the top level down"
    table = dataclasses.replace(TABLE, samplers={"gmm": None})
    other = Run(Bench(table, ladder.settings), LADDER)
    with pytest.raises(NotRun, match="prior only: slides/ladder-mnist-binary generates from its own priors"):
        other.sampling("gmm")


def test_parameters_of_a_row_are_all_of_the_model(ladder, plain):
    for run in (ladder, plain):
        assert run.parameters() == run.model.count_params() - 1  # the counter of the warm-up
    assert ladder.latent_activity["active_means"] <= 5 * 4
