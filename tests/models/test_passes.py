"""Passes of the networks inside a model: what they keep in memory, and that they are those of the model as it is."""

import json
import tracemalloc

import keras
import numpy as np
import pytest
from core_models import blobs, build

from green_vae.keras_internals import layers_inside
from green_vae.models import VAE
from green_vae.models.passes import joined
from green_vae.presets.store import load_preset, save_preset

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


# networks that change


def tiny(**changes):
    keras.utils.set_random_seed(3)
    options = {"network_options": {"widths": (5,), "split": True}, "image_shape": (4, 4, 1), "latent_dim": 2}
    return VAE(**{**options, "network": "mlp", "seed": 3, **changes})


def x_and_z():
    rng = np.random.default_rng(0)
    return rng.random((6, 4, 4, 1), dtype="float32"), rng.standard_normal((6, 2), dtype="float32")


def check_that_passes_are_those_of_the_network(model, *before):
    """`encode`, `decode` and `generate` against the networks called by hand; all differ from `before`."""
    x, z = x_and_z()
    found = model.encode(x), model.decode(z), model.decode(z, part="x1")
    by_hand = model.encoder(x)["mean"], model.decoder(z), model.parts.network(z)[..., 1:2]
    for one, other in zip(found, by_hand, strict=True):
        close(one, keras.ops.convert_to_numpy(other), atol=1e-6)
    close(model.generate(6, seed=0), keras.ops.convert_to_numpy(model.decoder(model.draw(6))), atol=1e-6)
    assert all(not np.array_equal(one, other) for one, other in zip(found, before, strict=False))
    return found


def with_lora(model):
    for network in (model.encoder, model.decoder):
        layer = next(layer for layer in network.layers if isinstance(layer, keras.layers.Dense))
        layer.enable_lora(2)
        layer.lora_kernel_b.assign(np.ones(layer.lora_kernel_b.shape))


CHANGES = {
    "lora": with_lora,
    "int8": lambda model: model.quantize("int8"),
    "int8 of the networks": lambda model: [network.quantize("int8") for network in (model.encoder, model.decoder)],
    "compile": lambda model: model.compile("adam"),
}


@pytest.mark.filterwarnings("ignore:Layer .* does not have a .quantize")
@pytest.mark.parametrize("change", CHANGES)
def test_fault_21_passes_are_those_of_a_network_that_changed(change):
    model = tiny()
    before = check_that_passes_are_those_of_the_network(model)
    if change == "compile":  # as Keras says: a layer's attributes count from the next compile on
        for network in (model.encoder, model.decoder):
            next(layer for layer in network.layers if isinstance(layer, keras.layers.Dense)).activation = keras.ops.sin
    CHANGES[change](model)
    check_that_passes_are_those_of_the_network(model, *before)


@pytest.mark.filterwarnings("ignore:Layer .* does not have a .quantize")
def test_fault_21_a_layer_that_is_thawed_is_trained_and_seen():
    model, (x, _) = tiny(), x_and_z()
    model.decoder.trainable = False
    before = check_that_passes_are_those_of_the_network(model)
    model.decoder.trainable = True
    with_lora(model)
    model.compile("adam")
    model.fit(x, verbose=0)
    check_that_passes_are_those_of_the_network(model, *before)


def test_fault_21_nothing_is_compiled_twice_for_a_network_that_stays():
    model, (x, z) = tiny(), x_and_z()
    model.encode(x), model.decode(z)
    functions = model.encoder.predict_function, model.decoder.predict_function
    model.encode(x), model.decode(z)
    assert functions == (model.encoder.predict_function, model.decoder.predict_function)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_fault_21_a_quantised_model_is_saved_and_loaded(tmp_path):
    model, (x, z) = tiny(), x_and_z()
    model.quantize("int8")
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert json.dumps(loaded.get_config()) == json.dumps(model.get_config())
    np.testing.assert_array_equal(loaded.encode(x), model.encode(x))
    np.testing.assert_array_equal(loaded.decode(z), model.decode(z))
    save_preset(model, tmp_path / "preset", dtype="float32")
    np.testing.assert_array_equal(load_preset(tmp_path / "preset").encode(x), model.encode(x))


def test_fault_21_a_model_with_lora_is_saved_with_its_sum(tmp_path):
    model, (x, _) = tiny(), x_and_z()
    with_lora(model)
    model.save(tmp_path / "m.keras")
    close(keras.models.load_model(tmp_path / "m.keras").encode(x), model.encode(x), atol=1e-6)


@pytest.mark.skipif(not hasattr(keras.quantizers, "GPTQConfig"), reason="the installed Keras has no calibrated mode")
def test_fault_21_another_quantisation_is_refused_before_anything_changes():
    model = tiny()
    before = json.dumps(model.get_config()), [variable.name for variable in model.variables]
    calibrated = keras.quantizers.GPTQConfig(dataset=["a"], tokenizer=None, quantization_layer_structure={})
    for settings in ({"mode": "int2"}, {"mode": "gptq"}, {"config": calibrated}, {}):
        with pytest.raises(ValueError):  # noqa: PT011, Keras's own words but for the third
            model.quantize(**settings)
    with pytest.raises(ValueError, match="int8, int4, float8. Received: mode='gptq'"):
        model.quantize(config=calibrated)
    assert before == (json.dumps(model.get_config()), [variable.name for variable in model.variables])


@pytest.mark.filterwarnings("ignore")
def test_fault_21_a_model_that_was_never_called_is_quantised_whole():
    model = build("vae_iaf")
    model.quantize("int8")
    dense = [layer for layer in layers_inside(model) if type(layer) is keras.layers.Dense]
    assert dense and {layer.quantization_mode for layer in dense} == {"int8"}


def test_batches_are_joined_without_a_second_copy():
    rows = np.arange(12, dtype="float32").reshape(6, 2)
    np.testing.assert_array_equal(joined(iter([rows[:4], rows[2:]]), 6), np.concatenate([rows[:4], rows[2:4]]))
    assert np.shares_memory(joined(iter([rows]), 4), rows)  # the rows that filled up a batch are left out
    lent = rows.copy()
    lent.flags.writeable = False  # as JAX lends its memory
    found = joined(iter([lent]), 6)
    found[0] = 7
    assert found.dtype == np.float32 and lent[0, 0] == 0

    tracemalloc.start()
    found = joined((np.ones((10, 10_000), "float32") for _ in range(100)), 1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.sum() == 1e7 and peak < 1.1 * found.nbytes
