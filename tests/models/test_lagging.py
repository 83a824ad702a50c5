"""InfoVAE's discrepancy, both sigmas, mutual information and the aggressive schedule against independent answers."""

import keras
import numpy as np
import pytest
from core_models import as_float, blobs, build, numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from green_vae.models.info_vae import mmd_floor, squared_mmd
from green_vae.models.lagging_vae import LaggingAdam, mutual_information, passes
from green_vae.presets import PRESETS
from green_vae.training import Recipe, train

RECIPE = Recipe(1e-3, (), 8, 8)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


# discrepancy


def by_two_loops(x, y):
    total = 0.0
    for a, b, sign in ((x, x, 1), (y, y, 1), (x, y, -2)):
        for p in a:
            for q in b:
                total += sign * np.exp(-np.mean((p - q) ** 2) / len(p)) / (len(a) * len(b))
    return total


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 5), st.floats(-3, 3))
def test_squared_mmd_against_two_loops(n, m, d, shift):
    x, y = draw(n, d), shift + draw(m, d, seed=1)
    assert float(squared_mmd(x, y)) == pytest.approx(by_two_loops(x, y), abs=2e-6)


@pytest.mark.parametrize("d, times_f", [(5, 0.01931), (10, 0.01109), (100, 0.00123), (150, 0.00083)])
def test_the_floor_of_the_discrepancy(d, times_f):
    """What the study prints for 10 and more latents is the floor of its 32 codes against 32 draws."""
    assert mmd_floor(32, d) * 312 / 313 == pytest.approx(times_f, abs=6e-6)
    found = [float(squared_mmd(draw(32, d, seed=seed), draw(32, d, seed=1000 + seed))) for seed in range(200)]
    error = np.std(found) / np.sqrt(len(found))
    assert np.mean(found) == pytest.approx(mmd_floor(32, d), abs=4 * error)
    assert 4 * error < 0.2 * mmd_floor(32, d)


# sigma


@pytest.mark.parametrize("sigma", ["mse", "data"])
def test_the_loss_of_a_sigma_against_tensorflow_probability(sigma):
    normal = pytest.importorskip("tensorflow_probability").distributions.Normal
    model, x = build("sigma_vae_data", sigma=sigma), blobs(6)
    outputs = model(x)
    loss = float(model.compute_loss(x=ops.convert_to_tensor(x), y_pred=outputs, training=False))
    found, unit = numpy(outputs), as_float(x).astype("float64")
    variance = unit.var() if sigma == "data" else np.mean((unit - found["reconstruction"]) ** 2)
    likelihood = normal(found["reconstruction"], np.sqrt(variance)).log_prob(unit).numpy().sum()
    posterior = normal(found["mean"], np.exp(0.5 * found["log_var"]))
    kl = posterior.kl_divergence(normal(np.float64(0), np.float64(1))).numpy().sum()
    # the soft limit of log sigma moves the optimum a little
    assert loss == pytest.approx((kl - likelihood) / len(x), rel=1e-5 if sigma == "data" else 2e-3)


# mutual information


@pytest.mark.parametrize("spread", [0.0, 0.5, 3.0])
def test_mutual_information_of_a_gaussian_channel(spread):
    """Means from N(0, spread^2) and a posterior of variance 1/4: I = d/2 log(1 + 4 spread^2)."""
    n, d = 1500, 2
    mean, log_var = spread * draw(n, d), np.full((n, d), np.log(0.25))
    found = mutual_information(mean, log_var, draw(n, d, seed=1))
    assert found == pytest.approx(d / 2 * np.log1p(4 * spread**2), abs=0.12)


def test_mutual_information_of_posteriors_far_apart_is_that_of_the_image_number():
    mean = 100.0 * np.arange(50)[:, None]
    noise = np.where(np.arange(50)[:, None] % 2, 1.0, -1.0)  # of variance 1, as its entropy assumes
    assert mutual_information(mean, np.zeros((50, 1)), noise) == pytest.approx(np.log(50), abs=1e-6)


# two Adams


def test_the_lagging_adam_is_two_adams():
    """Against two plain ones, of which the second is used in some steps only."""
    start, gradients = draw(2, 3), draw(6, 2, 3, seed=1)
    both = [keras.Variable(value.astype("float32")) for value in start]
    apart = [keras.Variable(value.astype("float32")) for value in start]
    optimizer = LaggingAdam(learning_rate=0.1)
    optimizer.build(both)
    optimizer.lags = {1}
    adams = [keras.optimizers.Adam(learning_rate=0.1) for _ in apart]
    for step, joint in enumerate([0, 1, 0, 0, 1, 1]):
        optimizer.joint.assign(float(joint))
        optimizer.apply(list(map(ops.convert_to_tensor, gradients[step].astype("float32"))))
        for part in range(1 + joint):
            adams[part].apply([ops.convert_to_tensor(gradients[step][part].astype("float32"))], [apart[part]])
    for one, other in zip(both, apart, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-5)
    assert (int(optimizer.iterations), int(optimizer.joint_steps)) == (6, 3)


# schedule


class Moved(keras.callbacks.Callback):
    """Whether weights of each network moved in an epoch, and the decoder's statistics."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def copies(self):
        model = self.model
        parts = (model.encoder.trainable_weights, model.decoder.trainable_weights,
                 model.decoder.non_trainable_weights)  # fmt: skip
        return [[weight.numpy().copy() for weight in part] for part in parts]

    def on_epoch_begin(self, epoch, logs=None):
        self.before = self.copies()

    def on_epoch_end(self, epoch, logs=None):
        pairs = zip(self.before, self.copies(), strict=True)
        self.seen.append([any((a != b).any() for a, b in zip(old, new, strict=True)) for old, new in pairs])


def test_the_aggressive_schedule_by_its_updates(tmp_path):
    """Ratio 3, two aggressive epochs: the decoder moves in passes 3 and 6, then in all; its statistics always."""
    moved, model = Moved(), build("lagging_vae", ratio=3, falls=None)
    history = train(model, blobs(20), RECIPE, tmp_path, callbacks=[moved])
    joint = [0, 0, 1, 0, 0, 1, 1, 1]
    assert moved.seen == [[True, bool(both), True] for both in joint]
    assert [epoch["joint"] for epoch in history] == joint
    assert int(model.optimizer.iterations) == 2 * 8 and int(model.optimizer.joint_steps) == 2 * sum(joint)


@pytest.mark.parametrize("informations, joint", [
    ([1.0, 2.0, 1.5], [0, 1, 0, 1, 0, 1, 1, 1]),
    pytest.param([1.0, 0.5], [0, 1, 0, 1, 1, 1, 1, 1], marks=pytest.mark.slow),
    pytest.param([1.0, 2.0, 3.0, 4.0], [0, 1, 0, 1, 0, 1, 0, 1], marks=pytest.mark.slow),
])  # fmt: skip
def test_aggression_ends_when_the_information_falls(informations, joint, tmp_path, monkeypatch):
    coming = iter(informations)
    monkeypatch.setattr("green_vae.models.lagging_vae.mutual_information", lambda *args: next(coming))
    model = build("lagging_vae", aggressive_epochs=4)
    history = train(model, blobs(20), RECIPE, tmp_path, validation=blobs(8))
    assert [epoch["joint"] for epoch in history] == joint
    assert [epoch["information"] for epoch in history if "information" in epoch] == informations


def test_the_information_needs_validation_images(tmp_path):
    with pytest.raises(ValueError, match="validation images.*Received: None"):
        train(build("lagging_vae"), blobs(20), RECIPE, tmp_path)


@pytest.mark.parametrize("change", [{"ratio": 0}, {"falls": 0}, {"falls": 1, "posterior": "iaf"}])
def test_a_schedule_that_cannot_be_is_refused(change):
    with pytest.raises(ValueError, match="Received: "):
        build("lagging_vae", **change)


def test_passes_of_the_study():
    """Section on training: 50 and 40 passes on the digits, 120 and 40 on CIFAR, 60 and 20 on CelebA."""
    assert [passes(40, 5, 3), passes(40, 20, 5), passes(20, 10, 5), passes(3, 5, 2)] == [50, 120, 60, 6]
    expected = {"lagging-mnist": 50, "lagging-fashion": 50, "reslag-cifar10": 120, "reslag-light-celeba": 60}
    expected["lagging-he-mnist"] = 50
    assert {name: PRESETS[f"boon/{name}"].recipe.epochs for name in expected} == expected
