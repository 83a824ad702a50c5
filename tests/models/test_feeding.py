"""What users feed models with: each form gives what its images alone give, and wrong numbers are refused in each."""

import functools

import keras
import numpy as np
import pytest
from keras import ops

from green_vae.data import Dataset
from green_vae.models import RAE, VAE, BetaVAE, ComputedGammaVAE
from green_vae.models.inputs import is_labels

SHAPE = (6, 5, 1)
TINY = {"image_shape": SHAPE, "latent_dim": 2, "network": "mlp", "network_options": {"widths": (5,)}, "seed": 3}
IMAGES = np.random.default_rng(0).integers(0, 256, (12, *SHAPE), dtype=np.uint8)
LABELS = np.arange(12) % 3
WRONG = {
    "0 to 255": IMAGES.astype("float32"),
    "-1 to 1": IMAGES.astype("float32") / 127.5 - 1,
    "NaN": np.where(np.arange(12)[:, None, None, None] == 1, np.nan, IMAGES / 255).astype("float32"),
    "16 bits": IMAGES.astype("uint16"),
    "another size": np.zeros((12, 5, 6, 1), "uint8"),
}


def tiny(kind=VAE, **changes):
    keras.utils.set_random_seed(3)
    model = kind(**{**TINY, **changes})
    model.compile("sgd")
    return model


class Pieces(keras.utils.PyDataset):
    """Batches of 4 of what `make` makes of positions."""

    def __init__(self, make):
        super().__init__()
        self.make = make

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return self.make(slice(4 * index, 4 * index + 4))


def in_tensorflow(make):
    tf = pytest.importorskip("tensorflow")
    whole = make(slice(0, 12))
    return tf.data.Dataset.from_tensor_slices(tuple(whole) if isinstance(whole, list) else whole).batch(4)


def loader(make):
    """What a `DataLoader` is to Keras's models and ours: an iterable of batches that may be asked again."""
    return type("Loader", (), {"__iter__": lambda self: (make(slice(n, n + 4)) for n in (0, 4, 8))})()


STREAMS = {
    "tf.data": in_tensorflow,
    "PyDataset": Pieces,
    "generator": lambda make: (make(slice(n, n + 4)) for n in (0, 4, 8)),
}
BATCHES = {
    "images": lambda part: (IMAGES[part],),
    "no tuple": lambda part: IMAGES[part],
    "a dict": lambda part: {"image": IMAGES[part], "label": LABELS[part]},
    "a dict by rank": lambda part: {"pixels": IMAGES[part], "label": LABELS[part]},
    "labels": lambda part: (IMAGES[part], LABELS[part]),
    "labels in a column": lambda part: (IMAGES[part], LABELS[part, None]),
    "classes": lambda part: (IMAGES[part], np.eye(3, dtype="float32")[LABELS[part]]),
    "a list": lambda part: [IMAGES[part], LABELS[part]],
}
WHOLE = {
    "a dict": lambda: {"image": IMAGES, "label": LABELS},
    "a list of images": lambda: list(IMAGES),
    "a list of arrays": lambda: [IMAGES[:7], IMAGES[7:]],
    "a list of one": lambda: [IMAGES],
    "a Dataset": lambda: Dataset("mine", "train", IMAGES, LABELS),
    "a tensor": lambda: ops.convert_to_tensor(IMAGES),
}


def means(history):
    return {name: values[0] for name, values in history.history.items()}


@functools.cache
def _compiled():
    """(model, values of its variables at the start)."""
    model = tiny()
    start = [ops.convert_to_numpy(variable) for variable in model.variables]
    model.fit(IMAGES, batch_size=4, validation_data=IMAGES, verbose=0)
    return model, start


def again():
    """What `tiny` gives, with steps that are compiled already: weights and noise are set back to the start."""
    model, start = _compiled()
    for variable, value in zip(model.variables, start, strict=False):  # metrics come last, and start by themselves
        variable.assign(value)
    return model


def trained(x, **settings):
    """(weights, logs) after one pass without shuffling."""
    model = again()
    logs = means(model.fit(x, epochs=1, shuffle=False, verbose=0, **settings))
    return model.get_weights(), logs


def test_a_model_that_is_set_back_trains_as_a_fresh_one():
    model = tiny()
    logs = means(model.fit(IMAGES, batch_size=4, shuffle=False, verbose=0))
    same(trained(IMAGES, batch_size=4), (model.get_weights(), logs))


@pytest.fixture(scope="module")
def of_arrays():
    return trained(IMAGES, batch_size=4)


def same(found, expected):
    assert found[1] == pytest.approx(expected[1], rel=1e-5)
    for one, other in zip(found[0], expected[0], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


FEW = ("a dict", "labels")  # where the way of a batch is the same: a compiled step takes it apart


@pytest.mark.parametrize(
    ("stream", "batch"), [(stream, batch) for stream in STREAMS for batch in (FEW if stream == "tf.data" else BATCHES)]
)
def test_a_stream_trains_as_its_images_do(stream, batch, of_arrays):
    same(trained(STREAMS[stream](BATCHES[batch])), of_arrays)


def test_a_model_takes_labels_of_one_shape_after_another():
    same(trained(Pieces(BATCHES["labels"])), trained(Pieces(BATCHES["labels in a column"])))
    model, (flat, column) = tiny(), (np.zeros(shape, "float32") for shape in (12, (12, 1)))
    for labels in (flat, column):  # as floats, they might have been images
        model.fit(Pieces(lambda part, labels=labels: (IMAGES[part], labels[part])), verbose=0)


def test_y_of_any_rank_is_refused():
    """TensorFlow traces a step for y of any rank where it saw two."""
    tf = pytest.importorskip("tensorflow")
    with pytest.raises(ValueError, match="compile it again. Received: .*float32.* of any rank"):
        tf.function(lambda y: is_labels(y, SHAPE)).get_concrete_function(tf.TensorSpec(None, "float32"))


@pytest.mark.parametrize("whole", WHOLE)
def test_what_holds_all_images_trains_as_they_do(whole, of_arrays):
    validation = WHOLE["a dict" if whole == "a list of arrays" else whole]()  # two arrays are Keras's (x, y)
    weights, logs = trained(WHOLE[whole](), batch_size=4, validation_data=validation)
    assert logs.keys() >= {"val_loss"}
    same((weights, {name: logs[name] for name in of_arrays[1]}), of_arrays)


def test_codes_and_outputs_of_every_form():
    model = tiny()
    expected = model.encode(IMAGES)
    forms = {**WHOLE, "loader": lambda: loader(BATCHES["labels"]), "a tuple": lambda: (IMAGES, LABELS)}
    forms |= {(s, b): lambda s=s, b=b: STREAMS[s](BATCHES[b]) for s in STREAMS for b in ("images", "a dict", "labels")}
    for name, form in forms.items():
        np.testing.assert_allclose(model.encode(form()), expected, rtol=1e-5, atol=1e-6, err_msg=str(name))
    for form in (WHOLE["a dict"], WHOLE["a list of images"], WHOLE["a Dataset"]):
        for use in (model, model.predict_on_batch, lambda x: model.predict(x, verbose=0)):
            np.testing.assert_allclose(ops.convert_to_numpy(use(form())["mean"]), expected, rtol=1e-5, atol=1e-6)
    assert model.reconstruct(WHOLE["a Dataset"]()).shape == IMAGES.shape
    assert np.isfinite(model.train_on_batch(WHOLE["a dict"]())).all()
    predicted = model.predict(STREAMS["PyDataset"](BATCHES["a dict"]), verbose=0)["mean"]
    assert predicted.shape == (12, 2)


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_numbers_are_refused_whatever_they_come_in(wrong):
    model, x = again(), WRONG[wrong]
    start = model.get_weights()
    forms = {name: lambda name=name: STREAMS[name](lambda part: (x[part],)) for name in STREAMS}
    forms |= {"array": lambda: x, "loader": lambda: loader(lambda part: (x[part],))}
    if x.dtype != "uint16":
        forms["tensor"] = lambda: ops.convert_to_tensor(x)
    fit, evaluate, predict = (
        lambda form, use=use: use(form(), verbose=0) for use in (model.fit, model.evaluate, model.predict)
    )
    for name, form in forms.items():
        for use in (fit, evaluate, predict, lambda form: model.encode(form())):
            with pytest.raises(ValueError, match="expected .*Received: "):
                use(form)
                pytest.fail(f"taken: {name}")
    for use in (model, model.train_on_batch, model.test_on_batch, model.predict_on_batch):
        with pytest.raises(ValueError, match="expected .*Received: "):
            use(x)
    with pytest.raises(ValueError, match="expected .*Received: "):
        model.fit(IMAGES, validation_data=STREAMS["PyDataset"](lambda part: (x[part],)), verbose=0)
    for one, other in zip(start, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def spoilt(wrong):
    """Images as floats, of which the last batch of four is wrong."""
    x = IMAGES.astype("float32") / 255
    x[8:] = wrong[8:]
    return x


@pytest.mark.parametrize("stream", STREAMS)
def test_a_later_batch_is_looked_at_as_the_first(stream):
    for name in ("NaN", "0 to 255", "another size", "of bytes"):
        x = spoilt(np.full_like(WRONG["NaN"], np.nan) if name == "NaN" else WRONG["0 to 255"])
        parts = {0: x[:4], 4: x[4:8], 8: x[8:]}
        if name in ("another size", "of bytes"):
            parts[8] = WRONG["another size"][:4] / np.float32(255) if name == "another size" else IMAGES[8:]
        if stream == "tf.data" and name in ("another size", "of bytes"):  # one array cannot be both
            continue

        def make(part, parts=parts, x=x):
            return (parts[part.start] if part.start in parts and part.stop - part.start == 4 else x[part],)

        for use in ("fit", "evaluate", "predict"):
            with pytest.raises(ValueError, match="expected .*Received: |all batches have one type. Received: "):
                getattr(again(), use)(STREAMS[stream](make), verbose=0)
                pytest.fail(f"taken: {name} by {use}")


def test_batches_of_unknown_shape_are_taken(of_arrays):
    tf = pytest.importorskip("tensorflow")
    same(trained(tf.data.Dataset.from_generator(lambda: iter(IMAGES), tf.uint8).batch(4)), of_arrays)


def test_weights_come_beside_labels():
    tf = pytest.importorskip("tensorflow")
    weights = np.arange(12, dtype="float32")
    settings = {"shuffle": False, "verbose": 0}
    batches = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS, weights)).batch(4)
    expected = means(again().fit(IMAGES, sample_weight=weights, batch_size=4, **settings))
    assert means(again().fit(batches, **settings)) == pytest.approx(expected, rel=1e-5)


def test_a_tuple_of_arrays_is_what_a_batch_of_them_is():
    weights = np.arange(12, dtype="float32")
    settings = {"batch_size": 4, "shuffle": False, "verbose": 0}
    expected = means(again().fit(IMAGES, 255 - IMAGES, sample_weight=weights, **settings))
    assert means(again().fit((IMAGES, 255 - IMAGES, weights), **settings)) == pytest.approx(expected, rel=1e-5)


def test_a_loss_that_is_no_number_gets_a_word():
    model = tiny()
    model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])
    with pytest.warns(UserWarning, match="the loss is no finite number: .* Received: nan in epoch 1"):
        model.fit(IMAGES, epochs=2, verbose=0)


@pytest.mark.parametrize(("kind", "changes", "says"), [
    (ComputedGammaVAE, {}, 'monitor="val_elbo", mode="max"'),
    (BetaVAE, {"warmup_steps": 9}, "after 9 steps"),
    (VAE, {}, None),
])  # fmt: skip
def test_who_stops_by_a_loss_whose_scale_moves_is_warned(kind, changes, says, recwarn):
    stop = keras.callbacks.EarlyStopping("val_loss")
    tiny(kind, **changes).fit(IMAGES, validation_data=IMAGES, verbose=0, callbacks=stop)
    told = [str(warning.message) for warning in recwarn if "changes its scale" in str(warning.message)]
    assert len(told) == (says is not None) and all(says in one for one in told)


JUNK = ("cifar10", None, 3, [IMAGES[0], IMAGES[1][:4]], Pieces(lambda part: (IMAGES[:0],)))


@pytest.mark.parametrize("junk", JUNK, ids=["a name", "nothing", "a number", "several sizes", "no image"])
def test_what_holds_no_images_is_refused_by_name(junk):
    for use in (lambda: again().fit(junk, verbose=0), lambda: again().encode(junk)):
        with pytest.raises(ValueError, match="expected .*Received: "):
            use()


def test_a_generator_for_validation_is_read_by_one():
    """Three batches, of which none is lost to whoever looks at the first."""
    batches = ((IMAGES[n : n + 4], LABELS[n : n + 4]) for n in (0, 4, 8))
    settings = {"batch_size": 4, "shuffle": False, "verbose": 0}
    found = means(again().fit(IMAGES, validation_data=batches, **settings))
    expected = means(again().fit(IMAGES, validation_data=IMAGES, validation_batch_size=4, **settings))
    assert found == pytest.approx(expected, rel=1e-5)


def test_images_of_jax_are_checked_too():
    jnp = pytest.importorskip("jax.numpy")
    model = tiny()
    assert np.isfinite(model.fit(jnp.asarray(IMAGES), verbose=0).history["loss"]).all()
    with pytest.raises(ValueError, match="values from 0 to 255"):
        model.fit(jnp.asarray(WRONG["0 to 255"]), verbose=0)


def test_streams_that_cannot_be_taken_say_why():
    model = tiny()
    with pytest.raises(ValueError, match="at least one batch"):
        model.fit((batch for batch in ()), verbose=0)
    with pytest.raises(ValueError, match="a dict names its images.*label"):
        model.encode({"label": LABELS})
    with pytest.raises(ValueError, match="an empty list"):
        model.encode([])
    tf = pytest.importorskip("tensorflow")
    with pytest.raises(ValueError, match="without an end"):
        model.encode(tf.data.Dataset.from_tensor_slices(IMAGES).batch(4).repeat())
    with pytest.raises(ValueError, match=r"put images into batches.*Received: shape \(6, 5, 1\)"):
        model.fit(tf.data.Dataset.from_tensor_slices(IMAGES), verbose=0)
    with pytest.raises(ValueError, match="y is what x is reconstructed as"):  # flattened images are no labels
        model.fit(tf.data.Dataset.from_tensor_slices((IMAGES, IMAGES.reshape(12, -1))).batch(4), verbose=0)


@pytest.mark.parametrize("stream", STREAMS)
def test_a_stream_brings_targets_and_weights(stream):
    weights = np.arange(12, dtype="float32")
    clean = 255 - IMAGES

    def logs(x, *more, **settings):
        return means(again().fit(x, *more, shuffle=False, verbose=0, **settings))

    expected = logs(IMAGES, clean, sample_weight=weights, batch_size=4)
    found = logs(STREAMS[stream](lambda part: (IMAGES[part], clean[part], weights[part])))
    assert found == pytest.approx(expected, rel=1e-5)
    named = logs(IMAGES, {"reconstruction": clean}, sample_weight=weights, batch_size=4)
    assert named == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", [VAE, ComputedGammaVAE, RAE])
def test_metrics_of_keras_compare_reconstructions(kind):
    """The mean squared error per pixel is the raw term, a sum over pixels, divided by their number."""
    model = tiny(kind) if kind is not RAE else RAE(**{**TINY, "network": "mlp"}, regularizer="gp")
    model.compile("sgd", metrics={"reconstruction": "mse"}, weighted_metrics=["mae"])
    validation = Pieces(BATCHES["a dict"])
    history = model.fit(IMAGES, validation_data=validation, batch_size=12, verbose=0).history
    for prefix in ("", "val_"):
        expected = history[f"{prefix}reconstruction"][0] / np.prod(SHAPE)
        assert history[f"{prefix}mse"][0] == pytest.approx(expected, rel=1e-5)
    assert 0 < history["mae"][0] < 1


def test_metrics_of_another_output_are_refused():
    with pytest.raises(ValueError, match="compare the output .reconstruction. alone. Received: metrics=.*z"):
        tiny().compile("sgd", metrics={"z": "mse"})


def test_a_model_is_exported_before_it_was_called(tmp_path):
    tf = pytest.importorskip("tensorflow")
    model = tiny()
    model.export(str(tmp_path / "exported"), verbose=False)
    exported = tf.saved_model.load(str(tmp_path / "exported"))  # kept: its variables go with it
    served = exported.serve(IMAGES[:2].astype("float32") / 255)
    np.testing.assert_allclose(served["mean"], model.encode(IMAGES[:2]), rtol=1e-4, atol=1e-6)
