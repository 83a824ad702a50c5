"""Numbers of posteriors, against TensorFlow Probability and closed forms."""

import numpy as np
import pytest
from experiment_tables import TABLES

from green_vae.experiments.bench import Bench
from green_vae.experiments.papers.posteriors import conclusions, gain, of_moments, quantity
from green_vae.experiments.run import Run
from green_vae.experiments.spec import Row, Settings
from green_vae.samplers import SAMPLERS

ROW = Row("mini CNN", preset="survey/cnn-mini")


def test_kl_is_that_of_tensorflow_probability():
    distributions = pytest.importorskip("tensorflow_probability").distributions
    rng = np.random.default_rng(0)
    means, variances = rng.normal(size=(20, 3)), rng.uniform(0.1, 2, (20, 3))
    divergences = distributions.kl_divergence(
        distributions.MultivariateNormalDiag(means, np.sqrt(variances)),
        distributions.MultivariateNormalDiag(np.zeros(3)),
    )
    assert of_moments(means, variances)["kl"] == pytest.approx(np.mean(divergences))


def test_a_posterior_that_is_the_prior_has_no_active_unit():
    found = of_moments(np.zeros((9, 4)), np.ones((9, 4)))
    assert found == {"centre": 0, "variance": 1, "active_posterior": 0, "active_means": 0, "kl": 0}


def test_units_in_use_are_counted_in_per_cent():
    means = np.zeros((100, 4))
    means[:, 0] = np.linspace(-1, 1, 100)
    variances = np.ones((100, 4))
    variances[:, :2] = 0.5
    found = of_moments(means, variances)
    assert (found["active_posterior"], found["active_means"]) == (50, 25)


def test_gain_of_one_gaussian_is_its_divergence_from_the_prior():
    codes = np.random.default_rng(0).normal(1.0, 0.5, (50_000, 2)).astype("float32")
    mixture = SAMPLERS["gmm"](n_components=1).fit(codes)
    closed = 0.5 * (1.0 + 0.25 - np.log(0.25) - 1)  # KL(N(1, 0.25) || N(0, 1)), of each unit
    assert gain(mixture, codes) == pytest.approx(closed, abs=0.01)


@pytest.mark.parametrize(
    ("column", "depends"),
    [
        (quantity("gain", "gain"), True),
        (quantity("kl", "KL"), False),  # of the posteriors alone
        *((one, one.name != "spread") for one in TABLES["survey_codes"].columns),
    ],
)
def test_numbers_of_samplers_know_of_how_many_codes_these_were_fitted_on(column, depends, tmp_path):
    """Else a run with --limit-train would show the recorded number of all training images as its own."""
    found = []
    for limit in (None, 24):
        run = Run(Bench(TABLES["survey_codes"], Settings(tmp_path, smoke=True, limit_train=limit)), ROW)
        run.prepared, run.weights_hash = True, "the same"
        found.append(column.identity(run))
    assert (found[0] != found[1]) is depends
    assert found[1] == found[0] | ({"train_images": 24} if depends else {})


def test_conclusions_tell_ratios_and_rows_by_the_variance_law():
    def cells(variance, gained, loss):
        return {
            name: {"value": value}
            for name, value in {"variance": variance, "gain": gained, "variance_loss": loss, "mse": 2.0}.items()
        }

    blur, law = conclusions({"rows": {"a": cells(1.05, 0.1, 1.0), "b": cells(2.0, 0.3, 2.1), "c": cells(None, 1, 3.0)}})
    assert "0.50 (a) to 1.50 (c) times the MSE, and within 10 % of it in 1 of 3 rows" in blur
    assert "In 1 of 2 rows" in law and "0.100 to 0.100 nats" in law
    assert conclusions({"rows": {"a": cells(None, None, None)}}) == []
