"""Damage that models learn to undo: what it does to images, that only training sees it, and that it is saved."""

import keras
import numpy as np
import pytest
from core_models import blobs, build
from keras import ops

from green_vae.models.layers import Corruption
from green_vae.presets import load, save_preset
from green_vae.presets.store import float32_twin
from green_vae.utils.corruption import corrupted, parsed

GREY = np.full((50, 32, 32, 3), 0.5, "float32")


@pytest.mark.parametrize("how", ["gaussian:0.1", "mask:0.3"])
def test_both_ways_do_what_the_name_says(how):
    """The layer of training and the function for arrays, by their moments: neither knows of the other."""
    for made in (corrupted(GREY, how, seed=1), ops.convert_to_numpy(Corruption(how, seed=1)(GREY))):
        assert made.shape == GREY.shape and made.dtype == np.float32 and made.min() >= 0 and made.max() <= 1
        if how == "gaussian:0.1":
            assert made.mean() == pytest.approx(0.5, abs=2e-3) and made.std() == pytest.approx(0.1, abs=2e-3)
        else:
            black = (made == 0).all(-1)
            np.testing.assert_array_equal(made, np.where(black[..., None], 0, GREY))  # all channels, or none
            assert black.mean() == pytest.approx(0.3, abs=0.01)


def test_bytes_are_taken_and_seeds_decide():
    bytes_ = np.full((2, 8, 8, 1), 255, "uint8")
    first, again, other = (corrupted(bytes_, "gaussian:0.5", seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any() and first.max() == 1


@pytest.mark.parametrize(
    "how", ["gaussian", "gaussian:0", "gaussian:x", "gaussian:nan", "mask:1", "mask:-0.1", "blur:2", 3]
)
def test_other_damage_is_refused(how):
    with pytest.raises(ValueError, match="a corruption is .* Received"):
        parsed(how)
    with pytest.raises(ValueError, match="a corruption is"):
        build("autoencoder", corruption=how)


def test_only_training_sees_it():
    model, x = build("autoencoder", corruption="mask:0.9"), blobs(4)
    clean = build("autoencoder")
    for one in (model, clean):
        one.encoder.trainable = False  # its batch norm is that of evaluation, so that nothing but the damage differs
    same = [ops.convert_to_numpy(one(x)["z"]) for one in (model, clean)]
    np.testing.assert_array_equal(*same)
    damaged = ops.convert_to_numpy(model(x, training=True)["z"])
    assert np.abs(damaged - same[1]).max() > 1e-3
    np.testing.assert_allclose(ops.convert_to_numpy(clean(x, training=True)["z"]), same[1], atol=1e-5)


def test_the_loss_asks_for_the_clean_image():
    """With all of an image's pixels black but a few, the target of the loss is still the image."""
    model, x = build("autoencoder", corruption="mask:0.99"), blobs(4)
    outputs = model(x, training=True)
    loss = float(model.compute_loss(x=ops.convert_to_tensor(x), y_pred=outputs, training=True))
    images = ops.convert_to_numpy(outputs["reconstruction"]).astype("float64")
    expected = 0.5 * np.square(x / 255 - images).sum((1, 2, 3)).mean()
    assert loss == pytest.approx(expected, rel=1e-4)


def test_it_is_kept_with_the_model(tmp_path):
    model, x = build("autoencoder", corruption="gaussian:0.3"), blobs(4)
    model.encoder.trainable = False
    model(x, training=True)  # moves the generator
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    loaded.encoder.trainable = False
    assert loaded.corruption == "gaussian:0.3" and loaded.get_config()["corruption"] == "gaussian:0.3"
    both = [ops.convert_to_numpy(one(x, training=True)["z"]) for one in (model, loaded)]
    np.testing.assert_array_equal(*both)  # the same noise goes on


def test_damage_and_codes_have_noise_of_their_own():
    """One seed decides both, but a code's noise is not that of the pixels that it comes from."""
    model, grey = build("vae", corruption="gaussian:0.1", seed=3), ops.convert_to_tensor(GREY)
    pixels = (ops.convert_to_numpy(model.corrupt(grey)).reshape(-1) - 0.5) / 0.1
    zeros = ops.zeros((50, 32))
    codes = ops.convert_to_numpy(model.sample(zeros, zeros)).reshape(-1)
    assert abs(np.corrcoef(codes, pixels[: codes.size])[0, 1]) < 4 / np.sqrt(codes.size)


def test_a_seed_starts_the_damage_anew_where_a_model_is_loaded(tmp_path):
    model, x = build("vae", corruption="gaussian:0.1", seed=3), blobs(4)
    start = ops.convert_to_numpy(model.corrupt.generator.state)
    model(x, training=True)  # moves the generator
    save_preset(model, tmp_path / "model")
    on, anew = (load(tmp_path / "model", seed=seed).corrupt.generator.state for seed in (None, 3))
    np.testing.assert_array_equal(ops.convert_to_numpy(anew), start)
    np.testing.assert_array_equal(ops.convert_to_numpy(on), ops.convert_to_numpy(model.corrupt.generator.state))
    assert (ops.convert_to_numpy(on) != start).any()


def test_what_ships_of_mixed_precision_goes_on_with_the_same_damage():
    model = build("autoencoder", corruption="gaussian:0.1", seed=3, dtype="mixed_bfloat16")
    model(blobs(4), training=True)  # moves the generator
    states = [ops.convert_to_numpy(one.corrupt.generator.state) for one in (model, float32_twin(model))]
    np.testing.assert_array_equal(*states)


def test_it_is_learnt_to_be_undone():
    """An autoencoder of two grey levels: with noise in training it cleans noisy images better than without."""
    rng = np.random.default_rng(0)
    images = np.repeat(rng.random((256, 1, 1, 1)), 64, axis=1).reshape(-1, 8, 8, 1).astype("float32")
    noisy = corrupted(images, "gaussian:0.5", seed=3)
    errors = {}
    for how in (None, "gaussian:0.5"):
        config = {"image_shape": (8, 8, 1), "network": "mlp", "network_options": {"widths": (32,)}, "latent_dim": 8}
        model = build("autoencoder", corruption=how, **config)
        model.compile(optimizer=keras.optimizers.Adam(3e-3))
        model.fit(images, batch_size=64, epochs=25, verbose=0)
        errors[how] = np.square(model.reconstruct(noisy) - images).mean()
    assert errors["gaussian:0.5"] < 0.6 * errors[None]
