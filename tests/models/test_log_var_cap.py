"""The cap on the log variance of the slides' networks: what overflows without it, and that it is no other model."""

import keras
import numpy as np
import pytest
from keras import ops

from green_vae.models import BernoulliVAE
from green_vae.presets import PRESETS

NOISE = np.random.default_rng(0).integers(0, 256, (32, 16, 16, 1), dtype="uint8")


def model(cap, bias=0.0):
    """A tiny face model before its first step: the weight of the KL is 0."""
    options = {"widths": (4, 8), "kernel": 3, "log_var_cap": cap}
    keras.utils.set_random_seed(0)
    networks = {"image_shape": (16, 16, 1), "latent_dim": 4, "network": "slides", "network_options": options}
    made = BernoulliVAE(**networks, beta=20.0, warmup_steps=1000, seed=0)
    head = made.encoder.get_layer("log_var")
    head.bias.assign(np.full(4, bias))
    return made


def trained(cap, bias, steps=8):
    made = model(cap, bias)
    made.compile(optimizer=keras.optimizers.Adam(1e-3))
    history = made.fit(NOISE, batch_size=16, epochs=steps // 2, verbose=0).history
    return made, history["loss"][-1]


def test_an_exponential_overflows_and_the_cap_keeps_it():
    """A weight of 0 does not help: 0 times infinity is no number."""
    broken, loss = trained(None, bias=100.0)
    assert not np.isfinite(loss) and not all(np.isfinite(weight).all() for weight in broken.get_weights())
    whole, loss = trained(10.0, bias=100.0)
    assert np.isfinite(loss) and all(np.isfinite(weight).all() for weight in whole.get_weights())


def test_noise_trains_under_a_kl_weight_near_zero():
    made, loss = trained(10.0, bias=0.0, steps=40)
    assert loss < 16 * 16 * 0.85  # nats of gray noise: ln 2 per pixel at best
    assert made.posterior(NOISE)["log_var"].max() <= 10


def test_below_the_cap_nothing_changes():
    x = ops.convert_to_tensor(NOISE[:4] / np.float32(255))
    free, capped = model(None), model(10.0)
    assert free.count_params() == capped.count_params()
    for name, value in free.encoder(x).items():
        np.testing.assert_array_equal(ops.convert_to_numpy(value), ops.convert_to_numpy(capped.encoder(x)[name]))
    high = model(1.0, bias=3.0).encoder(x)["log_var"]
    np.testing.assert_array_equal(ops.convert_to_numpy(high), np.ones((4, 4)))


@pytest.mark.parametrize("name", [name for name in PRESETS if name.startswith("slides/beta-celeba")])
def test_the_faces_say_that_they_are_capped(name):
    assert PRESETS[name].config["network_options"]["log_var_cap"] == 10.0
    assert "capped at 10" in PRESETS[name].recipe.note
