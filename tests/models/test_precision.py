"""float32 where 8 bits of mantissa are too few: heads, draws and images under every policy; and a model's own dtype."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from core_models import VARIANTS, build, examples
from keras import ops
from keras.layers import SpectralNormalization

import green_vae
from green_vae.keras_internals import layers_inside
from green_vae.models import VAE
from green_vae.models.lagging_vae import mutual_information
from green_vae.networks.common import reparametrised

COARSE = ("features_",)  # maps on their way through a network, which may be of few bits
SMALL = {"image_shape": (8, 8, 1), "latent_dim": 2, "network": "mlp", "network_options": {"widths": (4,)}, "seed": 1}


@pytest.fixture(params=["mixed_bfloat16", "mixed_float16"])
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


def dtypes(tensors):
    named = {name: keras.backend.standardize_dtype(x.dtype) for name, x in tensors.items()}
    return {name: dtype for name, dtype in named.items() if not name.startswith(COARSE)}


@pytest.mark.parametrize("policy", ["mixed_bfloat16"], indirect=True)
@pytest.mark.parametrize("variant", VARIANTS)
def test_fault_4_heads_draws_and_images_are_float32(variant, policy):
    """From the functional graphs: nothing is computed."""
    model = build(variant)
    inside = {name: dtypes(network.output) for name, network in model.networks().items() if _named(network)}
    assert inside and all(set(found.values()) <= {"float32"} for found in inside.values()), inside
    images = [network.output for network in (model.decoder, *([model.parts.network] if model.parts else []))]
    assert set(dtypes(dict(enumerate_names(images))).values()) == {"float32"}
    assert any(layer.compute_dtype == "bfloat16" for layer in model.encoder.layers)  # the policy did count


def _named(network):
    return isinstance(network.output, dict)


def enumerate_names(tensors):
    return ((f"image {number}", x) for number, x in enumerate(tensors))


@pytest.mark.parametrize("variant", ["vae", "second_stage_gaussian", "vae_iaf"])
def test_fault_4_a_call_gives_float32(variant, policy):
    model, x = build(variant), examples(variant, 2)
    outputs = model(x)
    assert set(dtypes(outputs).values()) == {"float32"}
    # bfloat16 knows 256 steps between powers of two: a head of that type would lie on them
    mean = ops.convert_to_numpy(outputs["mean"])
    assert not np.array_equal(mean, np.asarray(ops.convert_to_numpy(ops.cast(ops.cast(mean, "bfloat16"), "float32"))))


def test_fault_4_the_one_reparametrisation_rounds_nothing(policy):
    rng = np.random.default_rng(0)
    mean, log_var, noise = rng.normal(size=(3, 5, 4)).astype("float32")
    expected = mean.astype("float64") + np.sqrt(np.exp(log_var.astype("float64"))) * noise
    drawn = reparametrised(mean, log_var, noise)
    assert keras.backend.standardize_dtype(drawn.dtype) == "float32"
    np.testing.assert_allclose(ops.convert_to_numpy(drawn), expected, rtol=1e-6, atol=1e-6)


def test_fault_4_there_is_one_reparametrisation_in_the_package():
    """Half the log variance in an exponent is what all spellings of it have in common."""
    root, spelling = Path(green_vae.__file__).parent, re.compile(r"\bexp\(0\.5 \* .*\) \* ")
    found = {path: spelling.findall(path.read_text(encoding="utf-8")) for path in root.rglob("*.py")}
    assert {path.relative_to(root): len(lines) for path, lines in found.items() if lines} == {
        Path("networks/common.py"): 1
    }


def test_fault_4_draws_for_arrays_are_the_same_reparametrisation():
    model, x = VAE(**SMALL), np.random.default_rng(1).random((3, 8, 8, 1), dtype="float32")
    posterior = model.posterior(x)
    noise = np.random.default_rng(5).standard_normal((3, 2), dtype="float32")
    expected = ops.convert_to_numpy(reparametrised(posterior["mean"], posterior["log_var"], noise))
    # NumPy's exponential function and the backend's may differ in the last bit
    np.testing.assert_allclose(model.encode(x, sample=True, seed=5), expected, rtol=1e-6, atol=1e-7)
    assert mutual_information(posterior["mean"], posterior["log_var"], noise) <= np.log(3) + 1


@pytest.mark.parametrize("policy", ["mixed_bfloat16"], indirect=True)
def test_spectral_norm_rounds_neither_weights_nor_codes(policy):
    """It assigns what it has divided, in every step: in bfloat16 the weights would keep no step below 1/512 of them."""
    model, x = build("rae_sn", sn_on="all"), examples("rae_sn", 4)
    assert set(dtypes(model.encoder.output).values()) == {"float32"}
    kernel = next(layer.layer.kernel for layer in model.decoder.layers if isinstance(layer, SpectralNormalization))
    for _ in range(2):  # the first may have been drawn so
        model(x, training=True)
    values = ops.convert_to_numpy(kernel)
    rounded = ops.convert_to_numpy(ops.cast(ops.cast(values, "bfloat16"), "float32"))
    assert (values == rounded).mean() < 0.1
    assert any(layer.layer.compute_dtype == "bfloat16" for layer in model.decoder.layers if hasattr(layer, "layer"))


# dtype= of one model


@pytest.mark.parametrize("variant", ["vae", "ladder_vae", "hfvae", "second_stage_cosine"])
def test_fault_8_dtype_is_that_of_all_networks(variant):
    before = keras.config.dtype_policy()
    model = build(variant, dtype="mixed_bfloat16")
    assert keras.config.dtype_policy() == before
    for network in model.networks().values():
        assert any(layer.compute_dtype == "bfloat16" for layer in layers_inside(network, itself=False)), network
    assert {keras.backend.standardize_dtype(weight.dtype) for weight in model.trainable_weights} == {"float32"}
    assert build(variant).encoder.layers[1].compute_dtype == "float32"


def test_fault_8_dtype_is_saved(tmp_path):
    model, x = VAE(**SMALL, dtype="mixed_bfloat16"), np.random.default_rng(1).random((3, 8, 8, 1), dtype="float32")
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert loaded.encoder.layers[-1].dtype_policy.name == "float32"
    assert loaded.dtype_policy.name == loaded.encoder.layers[2].dtype_policy.name == "mixed_bfloat16"
    np.testing.assert_array_equal(loaded.encode(x), model.encode(x))
    single = VAE(**SMALL)
    single.set_weights(model.get_weights())
    assert 0 < abs(single.encode(x) - model.encode(x)).max() < 0.05
