"""What computed gamma logs beside its loss: the evidence lower bound, on one scale while gamma falls."""

import keras
import numpy as np
import pytest
from core_models import blobs, build
from keras import ops
from scipy.stats import norm

from green_vae.models import ComputedGammaVAE
from green_vae.training.loop import best_epoch

TINY = {"image_shape": (32, 32, 1), "latent_dim": 2, "network": "mlp", "network_options": {"widths": (8,)}, "seed": 3}


@pytest.mark.parametrize("variant", ["computed_gamma_vae", "split_vae", "hfvae"])
def test_the_bound_by_the_densities_of_scipy(variant):
    model = build(variant, likelihood="computed_gamma") if variant == "hfvae" else build(variant)
    model.gamma.gamma.assign(0.03)
    x = (blobs(5) / 255).astype("float32") if blobs(5).dtype == np.uint8 else blobs(5)
    outputs = model(x)
    terms = {name: ops.convert_to_numpy(term) for name, term in model.terms(ops.convert_to_tensor(x), outputs).items()}
    density = norm.logpdf(x, ops.convert_to_numpy(outputs["reconstruction"]), np.sqrt(0.03)).reshape(5, -1).sum(axis=1)
    kl = terms["kl"]
    if variant != "hfvae":
        mean, log_var = (ops.convert_to_numpy(outputs[name]).astype("float64") for name in ("mean", "log_var"))
        kl = 0.5 * (mean**2 + np.exp(log_var) - log_var - 1).sum(axis=1)
    np.testing.assert_allclose(terms["elbo"], density - kl, rtol=1e-4)
    assert "elbo" not in model.term_weights() and "elbo" in model.logged


def test_stopping_by_the_bound_goes_on_where_the_loss_would_stop():
    """The bound of a constant model rises with gamma falling to its error, and so does the loss."""
    stopped = {}
    for monitor, mode in (("val_loss", "min"), ("val_elbo", "max")):
        keras.utils.set_random_seed(1)
        model = ComputedGammaVAE(**TINY)
        model.compile(keras.optimizers.Adam(1e-3))
        stop = keras.callbacks.EarlyStopping(monitor, mode=mode)
        x = blobs(64)
        stopped[monitor] = model.fit(x, validation_data=x, batch_size=4, epochs=6, callbacks=[stop], verbose=0).history
    assert len(stopped["val_loss"]["loss"]) < 4 <= len(stopped["val_elbo"]["loss"])
    assert np.all(np.diff(stopped["val_elbo"]["val_elbo"][:4]) > 0)


def test_the_best_epoch_of_a_training_is_that_of_the_bound():
    losses, bounds = (1.0, 2.0, 3.0), (-7.0, -5.0, -6.0)
    history = [{"val_loss": loss, "val_elbo": bound} for loss, bound in zip(losses, bounds, strict=True)]
    assert best_epoch(history) == 2
    assert best_epoch([{"val_loss": 5.0}, *history]) == 2  # begun by an older version: the loss, for all epochs
