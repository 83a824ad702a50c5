"""What Keras lets a user say about a training: targets, weights of examples, a loss; each is honoured or refused."""

import keras
import numpy as np
import pytest
from core_models import HIERARCHICAL, blobs, build
from keras import ops

from green_vae.models import MODELS, VAE, LaggingVAE
from green_vae.models.lagging_vae import LaggingAdam
from green_vae.models.train_step import schedules_move

SHAPE = (4, 4, 1)
TINY = {"image_shape": SHAPE, "latent_dim": 2, "network": "mlp", "network_options": {"widths": (5,)}, "seed": 3}
rng = np.random.default_rng(0)
NOISY, CLEAN = rng.random((2, 12, *SHAPE), dtype="float32")
WEIGHTS = np.arange(12, dtype="float32") / 4


def tiny(model=VAE, **changes):
    keras.utils.set_random_seed(3)
    return model(**{**TINY, **changes})


def terms_by_hand(model, x, target):
    """Squared error and KL of every image, (n,), in float64, of the noise that the next call of a fresh twin draws."""
    outputs = {name: ops.convert_to_numpy(value).astype("float64") for name, value in model(x, training=True).items()}
    errors = ((target - outputs["reconstruction"]) ** 2).reshape(len(x), -1).sum(axis=1)
    mean, log_var = outputs["mean"], outputs["log_var"]
    return errors, 0.5 * (mean**2 + np.exp(log_var) - log_var - 1).sum(axis=1)


def dataset(*arrays):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices(arrays).batch(12)


FORMS = {
    "arrays": lambda *arrays: {"x": arrays[0], "y": arrays[1], "sample_weight": arrays[2] if arrays[2:] else None},
    "dataset": lambda *arrays: {"x": dataset(*arrays)},
}


SETTINGS = {"arrays": {"batch_size": 12, "shuffle": False, "verbose": 0}, "dataset": {"shuffle": False, "verbose": 0}}


@pytest.mark.parametrize("form", FORMS)
def test_fault_8_y_is_what_x_is_reconstructed_as(form):
    errors, kl = terms_by_hand(tiny(), NOISY, CLEAN)
    model = tiny(beta=0.3)
    model.compile("adam")
    logs = model.fit(**FORMS[form](NOISY, CLEAN), **SETTINGS[form])
    found = {name: values[0] for name, values in logs.history.items()}
    expected = {"loss": np.mean(0.5 * errors + 0.3 * kl), "reconstruction": errors.mean(), "kl": kl.mean()}
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_fault_8_sample_weight_weighs_examples(form):
    errors, kl = terms_by_hand(tiny(), NOISY, CLEAN)
    model = tiny(beta=0.3)
    model.compile("adam")
    logs = model.fit(**FORMS[form](NOISY, CLEAN, WEIGHTS), **SETTINGS[form]).history
    assert logs["loss"][0] == pytest.approx(np.sum(WEIGHTS * (0.5 * errors + 0.3 * kl)) / 12, rel=1e-5)
    assert logs["reconstruction"][0] == pytest.approx(np.average(errors, weights=WEIGHTS), rel=1e-5)


def test_fault_8_weights_alone_are_those_of_images_that_are_their_own_target():
    errors, kl = terms_by_hand(tiny(), NOISY, NOISY)
    model = tiny(beta=0.3)
    model.compile("adam")
    expected = np.sum(WEIGHTS * (0.5 * errors + 0.3 * kl)) / 12
    state, start = model.sample.generator.state, np.asarray(ops.convert_to_numpy(model.sample.generator.state.value))
    uses = {
        "evaluate": lambda: model.evaluate(NOISY, sample_weight=WEIGHTS, batch_size=12, verbose=0)[0],
        "on batch": lambda: model.test_on_batch(NOISY, sample_weight=WEIGHTS)[0],
        "fit": lambda: model.fit(NOISY, sample_weight=WEIGHTS, **SETTINGS["arrays"]).history["loss"][0],
    }
    for name, use in uses.items():
        state.assign(start)
        assert use() == pytest.approx(expected, rel=1e-5), name
    with pytest.raises(ValueError, match="give sample_weight. Received: class_weight"):
        model.fit(NOISY, class_weight={0: 1.0})


def test_fault_8_examples_without_weight_might_as_well_not_be_there():
    """The loss, its gradient and what a schedule learns: 0 for some, against the others alone."""
    some = np.array([1.0] * 5 + [0.0] * 7, "float32")
    found = []
    for x, weights in ((NOISY, some), (NOISY[:5], None)):
        model = tiny(MODELS["computed_gamma_vae"])
        outputs = model(x)
        outputs = {**outputs, "reconstruction": model.decoder(outputs["mean"])}  # noise depends on the batch
        weights = None if weights is None else ops.convert_to_tensor(weights)
        with schedules_move():
            loss = model.compute_loss(x=ops.convert_to_tensor(x), y_pred=outputs, sample_weight=weights)
        found.append((float(loss) * len(x), float(model.gamma.mse), float(model.trackers["kl"].result())))
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_fault_8_y_and_weights_in_evaluation_and_of_bytes():
    model, bytes_ = tiny(), np.round(255 * CLEAN).astype("uint8")
    model.compile("adam")
    start = np.asarray(ops.convert_to_numpy(model.sample.generator.state.value))
    logs = []
    for y in (bytes_, bytes_ / np.float32(255)):
        model.sample.generator.state.assign(start)
        logs.append(model.evaluate(NOISY, y, sample_weight=WEIGHTS, batch_size=12, verbose=0, return_dict=True))
    assert logs[0] == pytest.approx(logs[1], rel=1e-5)


def test_fault_8_labels_are_no_images():
    model = tiny()
    model.compile("adam")
    for labels in (np.arange(12), np.eye(12), CLEAN[..., 0], CLEAN[:, :3]):
        for use in (model.fit, model.evaluate, model.train_on_batch):
            with pytest.raises(
                ValueError, match="y is what x is reconstructed as.*leave them out.*Received: y of shape"
            ):
                use(NOISY, labels)
    with pytest.raises(ValueError, match=r"in \[0, 1\].*Received: values from"):
        model.fit(NOISY, 2 * CLEAN)


@pytest.mark.parametrize("name", ["info_vae", "free_bits_vae", "capacity_vae", "sigma_vae", "lagging_vae"])
def test_fault_8_weights_of_examples_are_refused_where_the_batch_counts_whole(name):
    model = tiny(MODELS[name])
    model.compile("adam")
    with pytest.raises(ValueError, match="sample_weight weighs examples, but .* of a whole batch. Received: sample_"):
        model.fit(NOISY, sample_weight=WEIGHTS, verbose=0)


def test_fault_8_weights_have_one_number_for_an_example():
    model = tiny(MODELS["sigma_vae"], sigma="learned")
    model.compile("adam")
    assert np.isfinite(model.train_on_batch(NOISY, sample_weight=WEIGHTS)[0])
    for wrong in (WEIGHTS[:, None], WEIGHTS[:5]):
        with pytest.raises(ValueError, match=r"one number for each example, \(12,\). Received: shape \("):
            model.fit(NOISY, sample_weight=wrong, verbose=0)
    for wrong in (-WEIGHTS, np.where(WEIGHTS == 1, np.nan, WEIGHTS), np.where(WEIGHTS == 1, np.inf, WEIGHTS)):
        with pytest.raises(ValueError, match="0 or more, and finite. Received: values from"):
            model.train_on_batch(NOISY, sample_weight=wrong)
    with pytest.raises(ValueError, match=r"one number for each example.*Received: shape \("):
        model.compute_loss(x=NOISY, y_pred=model(NOISY), sample_weight=ops.ones((12, 2)))


def test_fault_8_a_loss_of_the_user_is_refused():
    for settings in ({"loss": "mse"}, {"loss_weights": [2.0]}):
        with pytest.raises(ValueError, match="VAE has a loss of its own.*Received: loss"):
            tiny().compile("adam", **settings)


def test_fault_8_a_reconstruction_has_the_parts_that_there_are():
    for variant in (HIERARCHICAL[0], "ladder_vae", "vae"):
        model = build(variant)
        with pytest.raises(ValueError, match="only 'x', without a split head. Received: 'x1'"):
            model.reconstruct(blobs(2), part="x1")


def test_fault_8_the_lagging_optimizer_keeps_what_lags(tmp_path):
    model = tiny(LaggingVAE, ratio=2)
    model.compile(model.make_optimizer(learning_rate=0.01))
    model.fit(NOISY, batch_size=6, verbose=0)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert type(loaded.optimizer) is LaggingAdam and loaded.optimizer.lags == model.optimizer.lags != set()
    assert LaggingAdam.from_config(loaded.optimizer.get_config()).lags == model.optimizer.lags
    loaded.optimizer.joint.assign(0.0)
    before = [weight.numpy() for weight in loaded.decoder.trainable_weights]
    loaded.fit(NOISY, batch_size=6, verbose=0)
    for old, weight in zip(before, loaded.decoder.trainable_weights, strict=True):
        np.testing.assert_array_equal(old, weight.numpy())


@pytest.mark.parametrize("name", ["hierarchical_vae", "ladder_vae"])
def test_fault_7_a_flow_and_a_split_head_are_refused_where_they_do_not_go(name):
    with pytest.raises(
        ValueError, match=r"one Gaussian posterior, of VAE, .*SplitVAE. Received: posterior='iaf'"
    ) as caught:
        MODELS[name](posterior="iaf")
    assert not any(other in str(caught.value) for other in ("Hierarchical", "Ladder", "RAE", "Autoencoder"))
    with pytest.raises(
        ValueError, match=r"the decoder of VAE, Autoencoder.*Received: network_options=.*split"
    ) as caught:
        MODELS[name](network_options={"split": True})
    assert not any(other in str(caught.value) for other in ("Hierarchical", "Ladder", "SecondStage"))
