"""What a posterior says of its units, in units of the prior: Gaussian, with a flow, ladder; and what hangs on it."""

import keras
import numpy as np
import pytest
from core_models import DETERMINISTIC, OF_IMAGES, as_float, blobs, build, kinds_first, numpy

from green_vae.models import LadderVAE
from green_vae.samplers import GaussianMixture
from green_vae.training import Recipe, recalibrate_batch_norm, train
from green_vae.training.callbacks import LatentActivity, latent_activity
from green_vae.training.statistics import batch_norms

close = np.testing.assert_allclose


def scrambled(model):
    """Random weights, so that posteriors and priors are nothing simple."""
    for index, weight in enumerate(model.trainable_weights):
        weight.assign_add(0.2 * np.random.default_rng(index).normal(size=weight.shape))
    return model


def test_of_a_gaussian_they_are_the_heads():
    model, x = scrambled(build("vae")), blobs(5)
    posterior = model.posterior(x)
    means, variances = model.latent_moments(x)
    close(means, posterior["mean"])
    close(variances, np.exp(posterior["log_var"]))


def test_of_a_ladder_they_have_the_kl_of_every_level():
    """KL(q || p) of a unit is that of its mean and variance in units of p to N(0, 1)."""
    model, x = scrambled(build("ladder_vae")), blobs(5)
    means, variances = model.latent_moments(x, seed=3)
    assert means.shape == variances.shape == (5, 4 + 3 + 2)
    outputs = {name: keras.ops.convert_to_tensor(value) for name, value in same_draws(model, x, 3).items()}
    outputs["reconstruction"] = keras.ops.zeros(x.shape)
    terms = numpy(model.terms(as_float(x), outputs))
    kl = 0.5 * (means.astype("float64") ** 2 + variances - np.log(variances) - 1)
    first = 0
    for level, dim in enumerate((4, 3, 2), start=1):
        close(kl[:, first : first + dim].sum(axis=1), terms[f"kl_{level}"], rtol=1e-3, atol=1e-4)
        own = model.latent_moments(x, seed=3, level=level)
        np.testing.assert_array_equal(own[0], means[:, first : first + dim])
        first += dim


def same_draws(model, x, seed):
    """Outputs of a pass with NumPy's noise, drawn from the top down."""
    rng = np.random.default_rng(seed)

    def sample(mean, log_var):
        noise = rng.standard_normal(tuple(mean.shape), dtype="float32")
        mean, log_var = (keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(v)) for v in (mean, log_var))
        return mean + np.exp(0.5 * log_var) * noise

    return model.descend(model.posterior(x), sample)


def test_the_units_of_a_ladder_whose_posterior_is_its_prior_are_all_inactive():
    model = LadderVAE(image_shape=(8, 8, 1), latent_dims=(3, 2), widths=(6, 5), seed=0)
    for level in (1, 2):  # the image says nothing: a variance of 20,000 against the prior's
        for head in (f"up_mean_{level}", f"raw_up_log_var_{level}"):
            layer = model.encoder.get_layer(head)
            layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
        model.encoder.get_layer(f"raw_up_log_var_{level}").bias.assign(
            np.full(layer.bias.shape, 2e4 if level == 1 else np.log(np.e - 1))
        )
    means, variances = model.latent_moments(blobs(200, side=8))
    found = latent_activity(means, variances)
    assert (found["active_posterior"], found["active_means"]) == (0, 0)
    assert found["variance_law"] == pytest.approx(1, abs=0.02)


def test_with_a_flow_they_are_moments_of_draws():
    model, x = scrambled(build("vae_iaf")), blobs(3)
    means, variances = model.latent_moments(x, draws=300)
    z = model.encode(np.repeat(x, 20_000, axis=0), sample=True, seed=5).reshape(3, 20_000, -1)
    error = z.std(axis=1) / np.sqrt(300)
    assert (abs(means - z.mean(axis=1)) < 5 * error).all()
    close(variances, z.var(axis=1), rtol=0.5)
    assert not np.allclose(means, model.posterior(x)["mean"], atol=0.05)


@pytest.mark.parametrize("variant", kinds_first(OF_IMAGES, "autoencoder"))
def test_activity_of_every_variational_model_can_be_watched(variant):
    model, x = build(variant), blobs(20)
    assert model.variational == (variant not in DETERMINISTIC) == ("kl" in model.logged)
    if not model.variational:
        with pytest.raises(ValueError, match="no posterior. Received: "):
            model.latent_moments(x)
        return
    callback = LatentActivity(x)
    callback.set_model(model)
    assert set(callback.measure()) == {"active_posterior", "active_means", "variance_law"}


def test_the_activity_of_a_ladder_stands_in_its_history(tmp_path):
    x, model = blobs(16), build("ladder_vae")
    history = train(model, x, Recipe(1e-3, (), 8, 1), tmp_path, callbacks=[LatentActivity(x)])
    expected = latent_activity(*model.latent_moments(x))
    assert {name: history[-1][name] for name in expected} == pytest.approx(expected)


# batch norm of the priors


def test_the_norms_of_the_priors_are_recalibrated_too():
    model, x = build("ladder_vae"), blobs(40)
    assert len(batch_norms(model)) == 2 * (3 + 2 + 1)  # encoder, priors, decoder
    norms = [
        layer for prior in model.priors for layer in prior.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    before = [norm.moving_mean.numpy().copy() for norm in norms]
    recalibrate_batch_norm(model, x, batch_size=20, batches=2)
    for norm, old in zip(norms, before, strict=True):
        assert (norm.moving_mean.numpy() != old).any() and norm.momentum == 0.99


# new codes


def test_a_ladder_generates_from_its_priors_only():
    model = build("ladder_vae")
    sampler = GaussianMixture(n_components=1).fit(model.encode(blobs(10)))
    with pytest.raises(ValueError, match="LadderVAE generates from its priors only. Received: sampler="):
        model.generate(2, sampler)
    assert build("vae").generate(2, GaussianMixture(n_components=1).fit(build("vae").encode(blobs(10)))).shape[0] == 2
