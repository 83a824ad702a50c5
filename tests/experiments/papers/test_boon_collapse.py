"""Collapse made visible: the true posterior by quadrature, the model of sequences, both trainings, and the verdict."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from keras import ops
from scipy import stats

from green_vae.experiments.papers import boon_claims, boon_collapse
from green_vae.experiments.papers.boon_collapse import AHEAD, PLAIN, Look, SequenceVAE, Training


def test_the_true_posterior_of_a_linear_gaussian_decoder():
    """x = b + w z + sigma noise: the mean is w (x - b) / (w w + sigma^2), and x is N(b, w w^T + sigma^2 I)."""
    w, b, sigma = np.array([0.8, -0.5, 0.3]), np.array([0.1, 0.0, -0.4]), 0.7
    x = np.random.default_rng(0).normal(size=(50, 3))

    def log_likelihood(x, z):
        return stats.norm.logpdf(x, b + z * w, sigma).sum(axis=1)

    mean, log_evidence = boon_collapse.true_posterior(log_likelihood, x)
    np.testing.assert_allclose(mean, (x - b) @ w / (w @ w + sigma**2), atol=1e-5)
    exact = stats.multivariate_normal(b, np.outer(w, w) + sigma**2 * np.eye(3)).logpdf(x)
    np.testing.assert_allclose(log_evidence, exact, atol=1e-5)


def test_the_likelihood_is_one_of_all_sequences_and_looks_at_no_later_token():
    model = SequenceVAE(tokens=3, length=4)
    for index, weight in enumerate(model.trainable_variables):
        weight.assign(np.random.default_rng(index).normal(size=weight.shape))
    every = np.array([(1, *rest) for rest in itertools.product(range(3), repeat=3)], "int32")
    z = np.full((len(every), 1), 0.7, "float32")
    likelihood = np.exp(ops.convert_to_numpy(model.log_likelihood(every, z)))
    assert likelihood.sum() == pytest.approx(1, abs=1e-5) and likelihood.std() > 0.01
    logits = ops.convert_to_numpy(model.decoder([every, z]))
    for place in range(3):  # the same past, the same prediction
        pasts = {tuple(x[: place + 1]): row[place] for x, row in zip(every, logits, strict=True)}
        assert all(np.allclose(row[place], pasts[tuple(x[: place + 1])]) for x, row in zip(every, logits, strict=True))


def test_the_loss_is_the_bound():
    model, x = SequenceVAE(), boon_collapse.sequences(6)
    model(x)
    mean, log_var = (ops.convert_to_numpy(part) for part in model.posterior(x))
    kl = 0.5 * (mean**2 + np.exp(log_var) - log_var - 1).mean()
    # z has no weight yet in the decoder that counts, so any draw gives the same likelihood, nearly
    likelihood = ops.convert_to_numpy(model.log_likelihood(x, np.zeros((6, 1), "float32"))).mean()
    assert float(sum(model.losses)) == pytest.approx(kl - likelihood, abs=0.05)


def test_sequences_are_steered():
    x = boon_collapse.sequences(400)
    assert x.shape == (400, boon_collapse.LENGTH) and x.dtype == "int32"
    assert 0 <= x.min() and x.max() < boon_collapse.TOKENS
    shared = [len(set(a) & set(b)) for a, b in itertools.combinations([set(row[1:]) for row in x], 2)]
    assert np.std(shared) > 1  # some pairs have one hidden point, and share many tokens; most share few
    np.testing.assert_array_equal(x, boon_collapse.sequences(400))


def test_the_decoder_moves_in_the_last_step_of_an_update_alone():
    training = Training(boon_collapse.sequences(64))
    values = [training.model.encoder.get_weights(), training.model.decoder.get_weights()]
    training.model.optimizer.joint.assign(0.0)
    training.model.train_on_batch(training.x[:32])
    assert any((a != b).any() for a, b in zip(values[0], training.model.encoder.get_weights(), strict=True))
    assert all((a == b).all() for a, b in zip(values[1], training.model.decoder.get_weights(), strict=True))
    training.update(3)
    assert any((a != b).any() for a, b in zip(values[1], training.model.decoder.get_weights(), strict=True))
    optimizer = training.model.optimizer
    assert (int(optimizer.iterations), int(optimizer.joint_steps), training.steps) == (4, 1, 3)


# the verdict


def runs_of(**variances):
    """Trainings that end with these variances of the means."""

    def look(variance):
        return Look(np.zeros(2), np.sqrt(variance) * np.array([-1, 1]), 0.3, 0.2, 30.0)

    looks = {arm: [look(variance) for variance in values] for arm, values in variances.items()}
    return {arm: [({0: end, 2: end}, end) for end in ends] for arm, ends in looks.items()}


@pytest.mark.parametrize(
    ("plain", "ahead", "word"),
    [
        ((0.001, 0.002, 0.009), (0.5, 0.4, 0.011), "holds"),
        ((0.001, 0.002, 0.3), (0.5, 0.4, 0.3), "open"),
        ((0.001, 0.002, 0.003), (0.5, 0.4, 0.002), "open"),
        ((0.5, 0.5, 0.5), (0.5, 0.4, 0.6), "does not hold"),
        ((0.001, 0.002, 0.003), (0.001, 0.002, 0.003), "does not hold"),
    ],
)
def test_verdicts(plain, ahead, word):
    sentence = boon_collapse.told(runs_of(**{PLAIN: plain, AHEAD: ahead}))
    assert sentence.endswith(f"{boon_collapse.VERDICT}: {word}.")
    _, ours = boon_claims.given_up(SimpleNamespace(sentence=lambda gallery, figure: sentence))
    assert ours.says == {"holds": None, "open": None, "does not hold": False}[word]  # a first run told otherwise
    assert ours.text.endswith("; a first run, with another decoder and rule: does not hold")
    _, ours = boon_claims.given_up(SimpleNamespace(sentence=lambda gallery, figure: ""))
    assert (ours.text, ours.says) == ("not measured", None)


def test_panels_show_true_means_across():
    runs = runs_of(**{PLAIN: (1.0, 1.0), AHEAD: (0.5, 0.4)})
    found = boon_collapse.panels(runs, 3)
    assert list(found) == ["plain, 3 updates", "aggressive, 3 updates"]
    np.testing.assert_array_equal(found["plain, 3 updates"], [[[0, -1], [0, 1]]] * 2)
