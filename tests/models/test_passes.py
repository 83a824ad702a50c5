"""Passes of the networks inside a model: what they keep in memory, and that they are those of the model as it is."""

import tracemalloc

import keras
import numpy as np
import pytest
from core_models import blobs, build

close = np.testing.assert_allclose


def fetched(monkeypatch):
    """The names of all outputs that networks give from here on."""
    names, run = set(), keras.Model.predict_on_batch

    def naming(network, x):
        outputs = run(network, x)
        names.update(outputs)
        return outputs

    monkeypatch.setattr(keras.Model, "predict_on_batch", naming)
    return names


def peak(use):
    """The most bytes that NumPy and Python held at a time while `use` ran."""
    tracemalloc.start()
    try:
        use()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("variant", ["hfvae", "nvae"])
def test_fault_2_encode_fetches_the_heads_alone(variant, monkeypatch):
    model, names = build(variant), fetched(monkeypatch)
    assert any(name.startswith("features_") for name in model.encoder.output)
    assert model.encode(blobs(10), batch_size=4).shape == (10, model.latent_dim)
    assert names == {"mean", "log_var"}


def test_fault_2_memory_for_moments_grows_by_the_result_alone():
    model, few, many = build("nvae"), blobs(100), blobs(400)
    means, _ = model.latent_moments(few, batch_size=20)  # compiles
    model.activity(few, batch_size=20)
    growth = {
        name: peak(lambda use=use: use(many, batch_size=20)) - peak(lambda use=use: use(few, batch_size=20))
        for name, use in (("moments", model.latent_moments), ("activity", model.activity))
    }
    unit_bytes = 300 * means.shape[1] * 4
    assert growth["activity"] < 0.5 * unit_bytes
    assert growth["moments"] < 4.5 * unit_bytes  # means and variances, in parts and whole


def test_fault_2_moments_in_batches_are_those_of_all_images_at_once():
    model, x = build("nvae"), blobs(11)
    whole, parts = model.latent_moments(x, batch_size=11), model.latent_moments(x, batch_size=4)
    for one, other in zip(whole, parts, strict=True):
        close(other, one, atol=1e-5)
    assert whole[0].shape == (11, sum(row["size"] for row in model.activity(x)))
    for one, other in zip(model.activity(x, batch_size=4), model.activity(x), strict=True):
        assert one == {**other, "kl": pytest.approx(other["kl"], rel=1e-4)}
