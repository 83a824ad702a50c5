"""A user's keras.json may say that channels come first; these models take them last, and give the same numbers."""

import keras
import numpy as np
import pytest
from core_models import blobs, build

IMAGES = blobs(6)


@pytest.fixture
def first():
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format(before)


@pytest.mark.parametrize("variant", ["vae", "split_vae", "nvae"])
def test_the_order_of_the_users_configuration_does_not_matter(variant, first):
    model = build(variant)
    assert keras.config.image_data_format() == "channels_first"  # left alone
    codes, images = model.encode(IMAGES), model.generate(2, seed=1)
    keras.config.set_image_data_format("channels_last")
    twin = build(variant)
    twin.set_weights(model.get_weights())
    np.testing.assert_allclose(twin.encode(IMAGES), codes, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(twin.generate(2, seed=1), images, rtol=1e-5, atol=1e-6)


def test_a_model_trains_and_is_saved_with_channels_first(first, tmp_path):
    model = build("vae")
    model.compile("sgd")
    assert np.isfinite(model.train_on_batch(IMAGES)).all()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.encode(IMAGES), model.encode(IMAGES), rtol=1e-5, atol=1e-6)
