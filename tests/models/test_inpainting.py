"""Pixels that are not known, taken from the most probable code: against the closed form of a linear decoder."""

import keras
import numpy as np
import pytest
from core_models import blobs, build
from keras import ops

from green_vae.models.inpainting import most_probable

RNG = np.random.default_rng(0)
MATRIX, OFFSET = RNG.normal(size=(3, 16)).astype("float32") / 4, RNG.random(16).astype("float32")


def linear_decoder():
    """z (n, 3) -> images (n, 4, 4, 1): z A + b."""
    z = keras.Input((3,))
    dense = keras.layers.Dense(16)
    decoder = keras.Model(z, keras.layers.Reshape((4, 4, 1))(dense(z)))
    dense.set_weights([MATRIX, OFFSET])
    return decoder


@pytest.mark.parametrize("sigma", [0.3, np.linspace(0.2, 0.5, 16)], ids=["one", "every pixel"])
def test_the_most_probable_code_of_a_linear_gaussian_model(sigma):
    """z = (I + A_k A_k' / s^2)^-1 A_k (x - b)_k / s^2, with the known pixels k of each image."""
    images = RNG.random((2, 4, 4, 1)).astype("float32")
    known = (RNG.random((2, 4, 4, 1)) < 0.6).astype("float32")
    decoder = linear_decoder()
    found = most_probable(decoder, images, known, np.zeros((2, 3)), "gaussian", sigma, 400, 0.2)
    for z, x, k in zip(found, images.reshape(2, 16), known.reshape(2, 16).astype(bool), strict=True):
        a = MATRIX[:, k].astype("float64")
        precise = 1 / np.broadcast_to(sigma, 16)[k] ** 2
        exact = np.linalg.solve(np.eye(3) + a * precise @ a.T, a @ ((x - OFFSET)[k] * precise))
        np.testing.assert_allclose(z, exact, atol=2e-3)
    np.testing.assert_array_equal(decoder.weights[0].numpy(), MATRIX)  # only codes were moved


def test_known_pixels_stay_and_the_others_come_from_the_model():
    model, x = build("sigma_vae_learned"), blobs(3)
    known = np.ones((32, 32), bool)
    known[:, 16:] = False
    weights = [np.array(w) for w in model.get_weights()]
    made = model.inpaint(x, known, steps=3)
    assert made.shape == x.shape and made.dtype == np.float32
    np.testing.assert_allclose(made[:, :, :16], x[:, :, :16] / 255, atol=1e-6)
    changed = x.copy()
    changed[:, :, 16:] = 77  # what is not known is not looked at
    np.testing.assert_allclose(model.inpaint(changed, known, steps=3), made, atol=1e-5)
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_more_steps_make_code_and_known_pixels_more_probable():
    model, x = build("bernoulli_vae"), (blobs(2) > 127).astype("float32")
    known = np.zeros((2, 32, 32), bool)
    known[:, :20] = True

    def error(steps):
        z = most_probable(
            model.decoder, x, np.broadcast_to(known[..., None], x.shape).astype("float32"),
            np.full((2, model.latent_dim), 2.0), "bernoulli", None, steps, 0.1,
        )  # fmt: skip
        p = np.clip(model.decode(z), 1e-6, 1 - 1e-6)
        likelihood = (x * np.log(p) + (1 - x) * np.log(1 - p))[known].sum()
        return 0.5 * np.square(z).sum() - likelihood

    assert error(40) < error(1) - 1


@pytest.mark.parametrize(
    ("variant", "changes", "words"),
    [
        ("sigma_vae", {"known": np.ones((32, 31), bool)}, r"bool, \(32, 32\) or \(2, 32, 32\). Received: bool"),
        ("sigma_vae", {"known": np.ones((32, 32))}, "Received: float64"),
        ("sigma_vae", {"known": np.zeros((32, 32), bool)}, "at least one known pixel"),
        ("sigma_vae", {"steps": 0}, "steps=0"),
        ("vae", {}, "give sigma"),
        ("rae_l2", {}, "one code with a prior.* Received: RAE"),
        ("hfvae", {}, "Received: HierarchicalVAE"),
        ("ladder_vae", {}, "Received: LadderVAE"),
    ],
)
def test_what_cannot_be_completed(variant, changes, words):
    with pytest.raises(ValueError, match=words):
        build(variant).inpaint(blobs(2), **{"known": np.ones((32, 32), bool), **changes})


def test_a_sigma_is_given_to_a_model_that_states_none():
    made = build("vae").inpaint(blobs(1), np.ones((32, 32), bool), steps=1, sigma=0.1)
    np.testing.assert_allclose(made, blobs(1) / 255, atol=1e-6)
    assert ops.is_tensor(made) is False
