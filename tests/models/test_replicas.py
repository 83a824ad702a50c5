"""Two replicas under tf.distribute train like one process with the whole batch."""

import json

import keras
import numpy as np
import pytest
from core_models import run_script

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.distribute is TensorFlow's"),
]
exact = pytest.mark.parametrize("name", ["autoencoder", "gamma"])  # without batch norm and noise


@pytest.fixture(scope="module")
def runs():
    return json.loads(run_script("script_replicas.py", KERAS_BACKEND="tensorflow").splitlines()[-1])


@exact
def test_the_same_losses_and_logs(name, runs):
    one, two = runs[name]["one"], runs[name]["two"]
    assert set(one["history"]) == set(two["history"])
    for key, values in one["history"].items():
        np.testing.assert_allclose(two["history"][key], values, rtol=1e-4, err_msg=key)
    for key, value in one["evaluation"].items():
        np.testing.assert_allclose(two["evaluation"][key], value, rtol=1e-4, err_msg=key)


@exact
def test_the_same_weights(name, runs):
    one, two = runs[name]["one"], runs[name]["two"]
    np.testing.assert_allclose(two["weights"], one["weights"], rtol=1e-4, atol=1e-5)
    assert len(one["weights"]) > 10_000


def test_replicas_share_gamma(runs):
    one, two = runs["gamma"]["one"]["state"], runs["gamma"]["two"]["state"]
    assert len(one) == 2 and 0.9 < min(one) < 1
    np.testing.assert_allclose(two, one, rtol=1e-5)


def test_losses_are_not_doubled_with_batch_norm_and_noise(runs):
    one, two = runs["vae"]["one"], runs["vae"]["two"]
    np.testing.assert_allclose(two["history"]["loss"], one["history"]["loss"], rtol=0.1)
    np.testing.assert_allclose(two["evaluation"]["loss"], one["evaluation"]["loss"], rtol=0.1)
