"""What holds for every entry of MODELS, on tiny networks.

The golden outputs in golden.json are those of weights set by a formula (`core_models.fixed_weights`) on fixed input;
GREEN_VAE_WRITE_GOLDEN=1 python -m pytest tests/models/test_every_model.py -k golden
writes them anew, to be looked at in the diff.
"""

import functools
import json
import math
import os
from pathlib import Path

import keras
import numpy as np
import pytest
from core_models import (
    DETERMINISTIC,
    FLOWING,
    HIERARCHICAL,
    OF_IMAGES,
    OF_VECTORS,
    SIDE,
    VARIANTS,
    as_float,
    at_mean,
    build,
    codes_of,
    examples,
    fixed_weights,
    fresh,
    kinds_first,
    loss_of,
    only,
)
from keras import ops

from green_vae.models import MODELS, BaseVAE
from green_vae.models.train_step import Adam

WITHOUT_BETA = ("autoencoder", "rae", "info_vae", "control_vae")
WARMING = ("beta_vae", "bernoulli_vae", "capacity_vae", "ladder_vae", *HIERARCHICAL)  # with a counter of steps
GOLDEN = Path(__file__).with_name("golden.json")
close = np.testing.assert_allclose
every = pytest.mark.parametrize("variant", VARIANTS)
# the kinds of networks, and the steps of training that are of their own; a slow run has all
trained_ones = pytest.mark.parametrize(
    "variant", kinds_first(VARIANTS, "computed_gamma_vae", "rae_gp", "lagging_vae", "second_stage_cosine")
)
of_images = pytest.mark.parametrize("variant", OF_IMAGES)


def state(model, *names):
    return [weight.numpy().copy() for weight in model.weights if weight.name in names]


def moving(model):
    return state(model, "moving_mean", "moving_variance")


def images(model, x):
    return ops.convert_to_numpy(at_mean(model, x)["reconstruction"])


def schedule(model):
    return [value for value in state(model, "gamma", "mse", "steps") if value.shape == ()]  # batch norm has a gamma too


def same(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@functools.lru_cache(maxsize=2)
def trained(variant):
    """(model, first loss, last loss, state before, state after) of 24 compiled training steps."""
    model, x = build(variant), examples(variant, 32)
    model.compile(optimizer=Adam(learning_rate=3e-3))
    before = (moving(model), schedule(model))
    history = model.fit(x, batch_size=16, epochs=12, verbose=0).history["loss"]
    return model, history[0], history[-1], before, (moving(model), schedule(model))


def test_every_entry_of_the_table_is_covered():
    assert {model for model, _ in VARIANTS.values()} == set(MODELS)


@every
def test_built_from_the_start(variant):
    model = fresh(variant)
    assert type(model) is MODELS[VARIANTS[variant][0]]
    assert model.built and model.weights and model.count_params() > 0
    assert (model.__doc__ or "").strip() and "Args" in model.__doc__


@pytest.mark.parametrize("name", MODELS)
def test_arguments_have_names_and_a_wrong_one_is_named(name):
    for wrong in ({"latent_dimension": 4}, {"warm_up": 3}, *([{"beta": 2.0}] if name in WITHOUT_BETA else [])):
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{next(iter(wrong))}'"):
            MODELS[name](**wrong)
    with pytest.raises(TypeError, match="positional argument"):
        MODELS[name]((SIDE, SIDE, 1))


@pytest.mark.parametrize("name", MODELS)
def test_a_number_without_sense_is_refused_before_anything_is_built(name):
    wrong = {"beta": (-1, math.nan, math.inf, "1"), "warmup_steps": (-1,), "latent_dim": (0, -3, 2.5, "4")}
    wrong |= {"image_shape": ((8, 8), (0, 8, 1), "8x8", 8), "latent_weight": (-1.0,), "reconstruction_weight": (-1.0,)}
    for argument, values in wrong.items():
        for value in values if argument in MODELS[name].arguments() else ():
            with pytest.raises(ValueError, match=f"{argument} is .*Received: {argument}="):
                MODELS[name](**{argument: value})


def test_options_that_a_network_does_not_have_are_named():
    image = {"image_shape": (8, 8, 1), "latent_dim": 2, "network": "mlp"}
    with pytest.raises(ValueError, match="'mlp' has the options widths, .*split. Received: widht"):
        MODELS["vae"](**image, network_options={"widht": (5,)})
    with pytest.raises(ValueError, match="regularizer='l2' needs layers of the network cnn.*Received: network='mlp'"):
        MODELS["rae"](**image)


def test_sizes_of_numpy_are_numbers(tmp_path):
    model = MODELS["vae"](image_shape=np.array([8, 8, 1]), latent_dim=np.int64(2), network="mlp")
    model.save(tmp_path / "m.keras")
    assert keras.saving.load_model(tmp_path / "m.keras").image_shape == (8, 8, 1)


def test_a_format_that_keras_cannot_load_is_refused(tmp_path):
    with pytest.raises(ValueError, match="saved as .keras.*Received: .*m.h5"):
        fresh("vae").save(tmp_path / "m.h5")


def test_the_skeleton_has_no_loss_of_its_own():
    with pytest.raises(TypeError, match="abstract.*terms"):
        BaseVAE(image_shape=(SIDE, SIDE, 1), latent_dim=4, network="cnn")


def test_a_weight_is_that_of_a_term(monkeypatch):
    model, x = build("autoencoder"), examples("autoencoder", 2)
    monkeypatch.setattr(model, "term_weights", lambda: {"reconstruction": 0.5, "kl": 1.0})
    with pytest.raises(ValueError, match=r"there is reconstruction. Received: weights of \['reconstruction', 'kl'\]"):
        loss_of(model, x)


def test_a_term_that_is_not_logged_is_named(monkeypatch):
    model, x = build("autoencoder"), examples("autoencoder", 2)
    terms = model.terms
    monkeypatch.setattr(model, "terms", lambda x, outputs: {**terms(x, outputs), "extra": 1.0})
    with pytest.raises(ValueError, match=r"`logged` lists all terms, .*Received: terms of the names \['extra'\]"):
        loss_of(model, x)


@every
def test_shapes_of_a_call(variant):
    model, x = fresh(variant), examples(variant, 3)
    outputs = model(x)
    assert tuple(outputs["z"].shape) == (3, model.latent_dim)
    assert tuple(outputs["reconstruction"].shape) == x.shape
    assert set(model.heads) <= set(outputs)


@trained_ones
def test_fit_lowers_the_loss(variant):
    _, first, last, _, _ = trained(variant)
    # a warm-up raises the weight of a term, and the cosine is at most 1: each has its own bound
    assert last < first - 0.05 * abs(first)


@trained_ones
def test_training_moves_batch_norm_and_schedules_and_evaluation_does_not(variant):
    model, _, _, before, after = trained(variant)
    pairs = zip([*before[0], *before[1]], [*after[0], *after[1]], strict=True)
    still = [np.array_equal(old, new) for old, new in pairs]
    assert sum(still) == (variant == "second_stage_both")  # its codes have an error above 1, and gamma never rises
    assert bool(after[0]) == (variant in OF_IMAGES)
    counted = {**dict.fromkeys(WARMING, 1), "computed_gamma_vae": 2, "split_vae": 2, "second_stage_both": 2}
    assert len(after[1]) == counted.get(variant, 0)
    weights, x = model.get_weights(), examples(variant, 20, seed=5)
    first = model.evaluate(x, batch_size=10, verbose=0, return_dict=True)
    model.compute_loss(x=ops.convert_to_tensor(x), y_pred=model(x))  # to look at the loss is no training, either
    assert same(model.get_weights(), weights)
    assert set(first) == {"loss", *model.logged}
    if variant in DETERMINISTIC:
        assert model.evaluate(x, batch_size=10, verbose=0, return_dict=True) == first


@trained_ones
def test_logs_are_the_raw_terms_and_the_loss_their_weighted_sum(variant):
    model, *_ = trained(variant)
    x = examples(variant, 20, seed=6)
    logs = model.evaluate(x, batch_size=10, verbose=0, return_dict=True)
    weights = {name: float(weight) for name, weight in model.term_weights().items()}
    penalties = sum(float(penalty) for penalty in model.losses)
    expected = sum(weight * logs[name] for name, weight in weights.items()) + penalties
    assert logs["loss"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("variant", kinds_first(DETERMINISTIC, "rae_gp"))
def test_logged_reconstruction_is_the_mean_squared_error_per_image(variant):
    model, *_ = trained(variant)
    x = examples(variant, 20, seed=6)
    logs = model.evaluate(x, batch_size=10, verbose=0, return_dict=True)
    errors = (x / 255.0 - model.reconstruct(x).astype("float64")) ** 2
    assert logs["reconstruction"] == pytest.approx(errors.sum(axis=(1, 2, 3)).mean(), rel=1e-4)
    if "latent" in logs:
        codes = model.encode(x).astype("float64")
        assert logs["latent"] == pytest.approx(0.5 * (codes**2).sum(axis=1).mean(), rel=1e-4)


@of_images
def test_bytes_and_floats_give_the_same_loss(variant):
    model, x = fresh(variant), examples(variant, 6)
    assert loss_of(model, x) == pytest.approx(loss_of(model, x.astype("float32") / np.float32(255)), rel=1e-6)
    assert loss_of(model, x, training=True) > 0


@pytest.mark.parametrize("variant", only(VARIANTS, "vae", "autoencoder", "vae_iaf", "second_stage_cosine"))
def test_one_seed_one_loss(variant):
    x = examples(variant, 6)
    first = fresh(variant)
    assert loss_of(first, x) == loss_of(first, x) == loss_of(build(variant), x)
    assert loss_of(first, x) != loss_of(fresh(variant, seed=8), x)


@trained_ones
def test_a_saved_model_is_the_same(variant, tmp_path):
    model, *_ = trained(variant)
    x, path = examples(variant, 5), tmp_path / "model.keras"
    model.save(path)
    loaded = keras.models.load_model(path, safe_mode=True)
    assert type(loaded) is type(model)
    assert loaded.get_config() == model.get_config()
    assert same(loaded.get_weights(), model.get_weights())
    expected, outputs = model(x), loaded(x)  # also the noise: the state of the generator is saved
    for name in expected:
        np.testing.assert_array_equal(ops.convert_to_numpy(outputs[name]), ops.convert_to_numpy(expected[name]), name)
    assert loaded.optimizer.iterations.numpy() == model.optimizer.iterations.numpy() == 24


@trained_ones
def test_saved_weights_are_the_same(variant, tmp_path):
    model, *_ = trained(variant)
    x, path = examples(variant, 5), tmp_path / "model.weights.h5"
    model.save_weights(path)
    other = fresh(variant, seed=8)
    assert not np.array_equal(images(other, x), images(model, x))
    other.load_weights(path)
    np.testing.assert_array_equal(images(other, x), images(model, x))
    assert same(other.get_weights(), model.get_weights())


@every
def test_configuration_round_trip(variant):
    model = fresh(variant)
    config = json.loads(json.dumps(model.get_config()))
    copy = type(model).from_config(config)
    assert copy.get_config() == model.get_config()
    copy.set_weights(model.get_weights())
    x = examples(variant, 4)
    assert loss_of(copy, x) == loss_of(model, x)
    for name, value in VARIANTS[variant][1].items():
        if isinstance(value, dict):  # a variant may add its own
            assert config[name] | value == config[name]
        else:
            assert config[name] == (list(value) if isinstance(value, tuple) else value)


@every
def test_the_gradient_reaches_every_parameter(variant):
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("uses TensorFlow's tape")
    model, x = fresh(variant), examples(variant, 8)
    if variant in WARMING:
        model.steps.assign(10.0)
    for training in (True, False):  # in training, the bias before a batch norm has no influence
        with tf.GradientTape() as tape:
            loss = model.compute_loss(x=tf.constant(x), y_pred=model(x, training=training), training=False)
        gradients = tape.gradient(loss, model.trainable_weights)
        missing = [w.path for w, g in zip(model.trainable_weights, gradients, strict=True) if g is None]
        assert not missing
    still = [w.path for w, g in zip(model.trainable_weights, gradients, strict=True) if not np.any(g.numpy())]
    assert not still


@pytest.mark.parametrize("variant", only(VARIANTS, "vae", "vae_iaf", "hfvae", "second_stage_cosine"))
def test_finite_in_mixed_precision(variant):
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model, x = build(variant), examples(variant, 8)
        model.compile(optimizer=keras.optimizers.Adam(1e-3), run_eagerly=True)
        logs = model.fit(x, batch_size=8, verbose=0).history
        assert model.encoder.compute_dtype == "bfloat16"
        assert np.isfinite([*logs.values()]).all()
        assert all(np.isfinite(weight).all() for weight in model.get_weights())
        assert {keras.backend.standardize_dtype(w.dtype) for w in model.trainable_weights} == {"float32"}
        codes = model.encode(x)
        assert codes.dtype == np.float32
    finally:
        keras.config.set_dtype_policy(previous)
    exact = fresh(variant)
    exact.set_weights(model.get_weights())
    close(codes, exact.encode(x), atol=0.05)  # bfloat16 has 8 bits


@every
def test_golden_outputs(variant):
    model, x = fixed_weights(fresh(variant)), examples(variant, 4, seed=11)
    outputs, unit = at_mean(model, x), ops.convert_to_tensor(as_float(x))
    loss = model.compute_loss(x=unit, y_pred=outputs, training=False)
    flat = ops.convert_to_numpy(outputs["reconstruction"]).astype("float64").reshape(len(x), -1)
    codes = ops.convert_to_numpy(outputs["z"]).astype("float64")
    values = {
        "loss": float(loss),
        **{name: float(ops.mean(term)) for name, term in model.terms(unit, outputs).items()},
        "codes": codes[0, :8].tolist(),
        "decoded": float(model.decode(np.sin(np.arange(2.0 * model.latent_dim)).reshape(2, -1)).mean()),
        "outputs": [flat.mean(), flat.std(), *flat[1, :: flat.shape[1] // 3][:3]],
    }
    golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    if os.environ.get("GREEN_VAE_WRITE_GOLDEN"):
        golden[variant] = values
        lines = (f'"{name}": {json.dumps(golden[name])}' for name in sorted(golden))
        GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    assert values.keys() == golden[variant].keys()
    for name, value in values.items():
        close(value, golden[variant][name], rtol=1e-4, atol=1e-5, err_msg=name)


# using a trained model


@trained_ones
def test_encode_decode_reconstruct_generate(variant):
    model, *_ = trained(variant)
    x = examples(variant, 7, seed=3)
    z = model.encode(x)
    assert z.shape == (7, model.latent_dim) and z.dtype == np.float32
    images = model.decode(z)
    assert images.shape == x.shape and images.dtype == np.float32
    if variant not in (*FLOWING, *HIERARCHICAL):  # no mean, or more than one latent
        np.testing.assert_array_equal(model.reconstruct(x, sample=False), images)
    if variant in OF_IMAGES:
        assert 0 <= images.min() and images.max() <= 1


@trained_ones
def test_noise_of_encodings_follows_the_seed(variant):
    model, *_ = trained(variant)
    x = examples(variant, 7, seed=3)
    first, again, other = (model.encode(x, sample=True, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.array_equal(first, other) == (variant in DETERMINISTIC)
    if variant not in HIERARCHICAL:
        np.testing.assert_array_equal(model.reconstruct(x, seed=1), model.decode(first))
    if variant not in (*DETERMINISTIC, *FLOWING, "ladder_vae"):  # there the noise goes through more than one Gaussian
        posterior = model.posterior(x)
        noise = (first - posterior["mean"]) / np.exp(0.5 * posterior["log_var"])
        close(noise, np.random.default_rng(1).standard_normal(z_shape(model, 7), dtype="float32"), rtol=1e-3, atol=1e-4)


def z_shape(model, n):
    return (n, model.latent_dim)


@trained_ones
def test_batch_sizes_do_not_matter(variant):
    model, *_ = trained(variant)
    x = examples(variant, 11, seed=3)
    whole = model.encode(x, sample=True), model.reconstruct(x), model.decode(model.encode(x))
    for size in (4, 11):  # 4: the last batch is not full
        parts = model.encode(x, sample=True, batch_size=size), model.reconstruct(x, batch_size=size)
        for part, expected in zip((*parts, model.decode(model.encode(x), batch_size=size)), whole, strict=True):
            close(part, expected, atol=1e-5)
    close(model.encode(x)[:3], model.encode(x[:3]), atol=1e-5)


class FixedSampler:
    def sample(self, n, seed=0):
        return np.random.default_rng(seed).normal(size=(n, 4)).astype("float32")


@pytest.mark.parametrize("variant", kinds_first(OF_IMAGES))
def test_generate(variant):
    model, *_ = trained(variant)
    sampler = FixedSampler() if variant in DETERMINISTIC else None
    images = model.generate(7, sampler, seed=1)
    assert images.shape == (7, 32, 32, 1) and images.dtype == np.float32
    np.testing.assert_array_equal(images, model.generate(7, sampler, seed=1))
    assert not np.array_equal(images, model.generate(7, sampler, seed=2))
    close(model.generate(7, sampler, seed=1, batch_size=3), images, atol=1e-5)
    codes = model.draw(7, seed=1) if variant == "ladder_vae" else sampled(model, sampler)
    close(images, model.decode(codes, seed=1), atol=1e-6)
    if sampler:
        with pytest.raises(ValueError, match="no prior; fit a sampler first.*Received: None"):
            model.generate(7)
    for n in (0, -1, 1.5):
        with pytest.raises(ValueError, match="Received: "):
            model.generate(n, sampler)


def sampled(model, sampler):
    return sampler.sample(7, seed=1) if sampler else codes_of(model, 7, seed=1)


# what a model refuses


def bad_images(variant):
    good = examples(variant, 8)
    unit = good.astype("float32") / 255
    broken = unit.copy()
    broken[3, 4, 5, 0] = np.nan
    return {
        "size": good[:, :16],
        "channels": np.repeat(good, 3, axis=-1),
        "rank": good[..., 0],
        "one image": good[0],
        "int64": good.astype("int64"),
        "bool": good > 0,
        "0 to 255 as floats": good.astype("float32"),
        "-1 to 1": 2 * unit - 1,
        "NaN": broken,
        "infinity": np.where(unit > 0.5, np.inf, unit).astype("float32"),
        "none": good[:0],
    }


def bad_vectors(variant):
    good = examples(variant, 8)
    broken = np.where(good > 1, np.nan, good).astype("float32")
    return {"width": good[:, :3], "rank": good[0], "int64": good.astype("int64"), "uint8": good.astype("uint8"),
            "NaN": broken, "none": good[:0]}  # fmt: skip


@every
def test_bad_input_is_refused_with_a_reason(variant):
    model = fresh(variant)
    model.compile(optimizer="adam")
    cases = bad_vectors(variant) if variant in OF_VECTORS else bad_images(variant)
    for case, x in cases.items():
        for use in (model.check, model.encode, model.reconstruct, model.posterior, model.fit, model.evaluate):
            with pytest.raises(ValueError, match="Received: "):
                use(x)
                pytest.fail(f"{case} was taken by {use.__name__}")


@every
def test_bad_codes_are_refused(variant):
    model = fresh(variant)
    for z in (np.zeros((3, model.latent_dim + 1)), np.zeros(model.latent_dim), np.zeros((0, model.latent_dim)),
              np.full((3, model.latent_dim), np.nan)):  # fmt: skip
        with pytest.raises(ValueError, match="Received: "):
            model.decode(z)


def test_float64_and_float16_images_are_taken():
    model, x = build("autoencoder"), examples("autoencoder", 4)
    expected = model.encode(x)
    for dtype, tolerance in (("float64", 1e-5), ("float16", 1e-2)):
        close(model.encode((x / 255).astype(dtype)), expected, atol=tolerance)


def test_vectors_are_taken_as_they_are():
    model, x = build(OF_VECTORS[0]), 300 * examples(OF_VECTORS[0], 4)
    close(model.posterior(x)["mean"], ops.convert_to_numpy(model.encoder(x)["mean"]), rtol=1e-4, atol=1e-3)
