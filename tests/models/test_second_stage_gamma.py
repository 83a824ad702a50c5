"""The variance of a second stage, trained and computed, by closed forms: networks of zeros give z_hat = 0 and no KL."""

import keras
import numpy as np
import pytest

from green_vae.models import SecondStageVAE, SigmaVAE
from green_vae.models.second_stage import RECONSTRUCTIONS

DIM = 5


def zeros(reconstruction):
    """A second stage whose networks give 0 for everything: the error is ||z||^2 and the KL is 0."""
    model = SecondStageVAE(latent_dim=DIM, reconstruction=reconstruction, widths=(3,), beta=1.0, seed=0)
    for weight in (*model.encoder.weights, *model.decoder.weights):
        weight.assign(np.zeros(weight.shape))
    return model


def codes(n, scale=1.0):
    return (scale * np.random.default_rng(n).normal(size=(n, DIM))).astype("float32")


def squares(z):
    return float((z.astype("float64") ** 2).sum(axis=1).mean())


def test_a_trained_gamma_follows_the_slope_of_the_likelihood():
    """d/d log gamma of d log gamma + SSE / (2 gamma^2) is d - SSE / gamma^2, which is 0 at gamma^2 = SSE / d."""
    z, rate = codes(8, 0.5), 0.01
    model = zeros("gaussian")
    model.compile(keras.optimizers.SGD(rate))
    for start, slope in ((0.3, DIM - squares(z) * np.exp(-0.6)), (0.5 * np.log(squares(z) / DIM), 0.0)):
        for weight in (*model.encoder.weights, *model.decoder.weights):
            weight.assign(np.zeros(weight.shape))
        model.log_gamma.assign(start)
        model.train_on_batch(z)
        assert float(model.log_gamma) == pytest.approx(start - rate * slope, abs=1e-5)
    assert model.observation()[1] ** 2 == pytest.approx(squares(z) / DIM, rel=1e-4)


def test_a_computed_gamma_is_the_average_that_never_rises():
    """Asperti and Trentin: mse <- min(mse, 0.99 mse + 0.01 of the batch's), after the batch has been weighted by it."""
    model, gamma = zeros("computed_gamma"), 1.0
    model.compile(keras.optimizers.SGD(0.0))
    for z in (codes(8, 0.2), codes(6, 3.0), codes(7, 0.1)):  # the second one would raise it
        told = model.train_on_batch(z, return_dict=True)
        assert told["loss"] == pytest.approx(0.5 * squares(z) / gamma, rel=1e-5)
        gamma = min(gamma, 0.99 * gamma + 0.01 * squares(z) / DIM)
        assert float(model.gamma.value()) == pytest.approx(gamma, rel=1e-6)
        model.reset_metrics()
    assert model.observation() == ("gaussian", pytest.approx(np.sqrt(gamma), rel=1e-6)) and gamma < 0.99
    assert model.logged == ("reconstruction", "kl", "gamma")


def test_the_error_beside_the_cosine_is_weighed_by_a_gamma_that_never_rises():
    """The survey's earlier code: 0.0005 * SSE / (2 gamma) beside minus the cosine; here z_hat is (1, 0, 0, 0, 0)."""
    model, gamma, average = zeros("cosine_and_error"), 1.0, 1.0
    made = np.eye(DIM)[0]
    model.decoder.weights[-1].assign(made)
    model.compile(keras.optimizers.SGD(0.0))
    for z in (codes(8, 0.2), codes(6, 3.0), codes(7, 0.1)):  # the second one raises the average alone
        told = model.train_on_batch(z, return_dict=True)
        cosine, error = (z[:, 0] / np.linalg.norm(z, axis=1)).mean(), squares(z - made)
        assert told["loss"] == pytest.approx(0.0005 * 0.5 * error / gamma - cosine, rel=1e-5)
        assert (told["reconstruction"], told["error"]) == pytest.approx((-cosine, error), rel=1e-5)
        average = 0.99 * average + 0.01 * error / DIM
        gamma = min(gamma, average)
        assert float(model.gamma.value()) == pytest.approx(gamma, rel=1e-6)
        model.reset_metrics()
    assert gamma < average and model.observation() is None


@pytest.mark.parametrize("kind", RECONSTRUCTIONS)
def test_the_weight_of_the_error_is_the_slope_of_the_loss(kind):
    """1/2 w of the difference of two errors is that of the losses; for a cosine where z and z_hat have one length."""
    model, length = zeros(kind), 3.0
    model.decoder.weights[-1].assign(length * np.eye(DIM)[0])
    if model.gamma is not None:
        model.gamma.gamma.assign(0.3)
    if model.log_gamma is not None:
        model.log_gamma.assign(-0.7)
    sets = [z * length / np.linalg.norm(z, axis=1, keepdims=True) for z in (codes(8), codes(6))]
    losses = [float(model.compute_loss(z, None, model(z))) for z in sets]
    errors = [squares(z - length * np.eye(DIM)[0]) for z in sets]
    weight = model.error_weight(length**2)
    assert losses[0] - losses[1] == pytest.approx(0.5 * weight * (errors[0] - errors[1]), rel=1e-4)


def test_only_the_earlier_code_has_a_linear_layer_before_the_heads():
    for kind in RECONSTRUCTIONS:
        model = SecondStageVAE(latent_dim=DIM, reconstruction=kind, widths=(4, 3), seed=0)
        used = {
            name: [layer.activation.__name__ for layer in part.layers if hasattr(layer, "activation")]
            for name, part in (("encoder", model.encoder), ("decoder", model.decoder))
        }
        last = "linear" if kind == "cosine_and_error" else "relu"
        assert (used["encoder"][:2], used["decoder"][:2]) == (["relu", last], ["relu", "relu"])


def test_both_state_the_same_likelihood_but_for_its_constant():
    """With one gamma, losses differ by the logarithm of the normalising constant alone."""
    z, trained, computed = codes(8), zeros("gaussian"), zeros("computed_gamma")
    trained.log_gamma.assign(0.5 * np.log(0.3))
    computed.gamma.gamma.assign(0.3)
    losses = [float(model.compute_loss(z, None, model(z))) for model in (trained, computed)]
    assert losses[0] - losses[1] == pytest.approx(0.5 * DIM * np.log(2 * np.pi * 0.3), rel=1e-5)


def test_a_learned_sigma_without_a_limit():
    """Dai and Wipf: log sigma as it is, however low; with the limit of sigma-VAE it stays above -6."""
    shape = {"image_shape": (8, 8, 1), "latent_dim": 2, "network": "mlp", "network_options": {"widths": [4]}}
    free, limited = (SigmaVAE(**shape, sigma="learned", **lowest) for lowest in ({"lowest": None}, {}))
    for model in (free, limited):
        model.log_sigma.assign(-8.0)
    assert free.observation()[1] == pytest.approx(np.exp(-8.0), rel=1e-5)
    assert limited.observation()[1] == pytest.approx(np.exp(-6 + np.log1p(np.exp(-2.0))), rel=1e-5)
    assert SigmaVAE.from_config(free.get_config()).lowest is None
    with pytest.raises(ValueError, match="without a limit. Received: lowest=None with sigma='mse'"):
        SigmaVAE(**shape, lowest=None)
