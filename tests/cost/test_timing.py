"""Timing of a forward pass: what is run and reported, and ratios only; absolute times belong in no test."""

import sys
import time
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from green_vae.cost import device_name, forward_energy, forward_seconds, timing
from green_vae.models import VAE


def model_of(*stack, shape=(8, 8, 1)):
    return keras.Sequential([keras.Input(shape), *stack])


def test_every_batch_size_has_mean_spread_and_device():
    found = forward_seconds(model_of(layers.Flatten(), layers.Dense(2)), np.zeros((25, 8, 8, 1), "uint8"), (10, 4))
    assert list(found) == [10, 4]
    for size, timed in found.items():
        assert timed.mean > 0 and timed.spread >= 0
        assert timed[2:] == (3, 25, size, device_name())


class Meter:
    """Tells which batches went through while it was open, instead of joules."""

    seen = []

    def __enter__(self):
        self.seen.clear()  # what went before is no part of it
        return self

    def __exit__(self, *error):
        self.energy = list(self.seen)


@pytest.mark.parametrize(("seconds", "passes"), [(0.0, 1), (2.5, 3)])
def test_an_energy_is_that_of_whole_passes_without_the_compilation(seconds, passes, monkeypatch):
    monkeypatch.setattr(timing, "_run", lambda network, images, size: Meter.seen.append((len(images), size)))
    clock = iter(range(100))  # a second for each look at it
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    energy, done = forward_energy(model_of(layers.Flatten()), np.zeros((7, 8, 8, 1)), 2, seconds, Meter)
    assert (energy, done) == ([(7, 2)] * passes, 7 * passes)


def test_an_energy_of_nothing_is_refused():
    with pytest.raises(ValueError, match="Received: 0 images, batch_size=1"):
        forward_energy(model_of(layers.Flatten()), np.zeros((0, 8, 8, 1)))
    with pytest.raises(ValueError, match="Received: 2 images, batch_size=0"):
        forward_energy(model_of(layers.Flatten()), np.zeros((2, 8, 8, 1)), 0)


def test_one_repeat_has_no_spread():
    found = forward_seconds(model_of(layers.Flatten()), np.zeros((4, 8, 8, 1)), (4,), repeats=1)
    assert found[4].spread is None


def test_more_images_and_smaller_batches_take_longer():
    model = model_of(layers.Flatten(), layers.Dense(2))
    few = forward_seconds(model, np.zeros((20, 8, 8, 1)), (1,), repeats=2)
    many = forward_seconds(model, np.zeros((400, 8, 8, 1)), (400, 1), repeats=2)
    assert many[1].mean > 4 * many[400].mean  # 400 calls instead of one
    assert many[1].mean > 4 * few[1].mean  # 20 times as many images


@pytest.fixture
def batches(monkeypatch):
    """The batches that networks are given, calls of the warm-up included."""
    seen = []
    original = timing._Forward.predict_on_batch

    def spy(network, images):
        outputs = original(network, images)
        seen.append((images, outputs))
        return outputs

    monkeypatch.setattr(timing._Forward, "predict_on_batch", spy)
    return seen


def test_all_images_pass_once_per_repeat_after_the_warm_up(batches):
    images = np.arange(7, dtype="float32")[:, None]
    forward_seconds(model_of(layers.Rescaling(2.0), shape=(1,)), images, (3,), repeats=2, warmup=1)
    sizes = [len(batch) for batch, _ in batches]
    assert sizes == [3, 1, *2 * [3, 3, 1]]  # both shapes are compiled before the clock runs
    np.testing.assert_array_equal(np.concatenate([out for _, out in batches[2:5]]), 2 * images)


def test_uint8_becomes_what_the_networks_take(batches):
    forward_seconds(model_of(layers.Rescaling(1.0)), np.full((2, 8, 8, 1), 255, "uint8"), (2,), repeats=1, warmup=1)
    assert batches[0][0].dtype == np.float32 and (batches[0][0] == 1).all()


def test_a_model_of_two_networks_runs_both_without_noise(batches):
    model = VAE(image_shape=(32, 32, 1), latent_dim=4, network_options={"base": 2}, seed=0)
    images = np.random.default_rng(0).integers(0, 255, (3, 32, 32, 1), "uint8")
    forward_seconds(model, images, (3,), repeats=1, warmup=1)
    np.testing.assert_allclose(batches[-1][1], model.reconstruct(images, sample=False), atol=1e-6)


def test_any_other_model_is_called_as_it_is(batches):
    class Doubling(keras.Model):
        def call(self, inputs, training=None):
            assert training is False
            return {"doubled": 2 * inputs}

    forward_seconds(Doubling(), np.ones((2, 3)), (2,), repeats=1)
    np.testing.assert_array_equal(batches[-1][1]["doubled"], 2 * np.ones((2, 3)))


def test_mean_and_spread_over_repeats(monkeypatch):
    seconds = iter([1.0, 10.0, 3.0, 14.0])  # repeats go round the batch sizes

    def run(network, images, size):
        return next(seconds) if len(images) == 5 else 0.0

    monkeypatch.setattr(timing, "_run", run)
    found = forward_seconds(model_of(layers.Flatten()), np.zeros((5, 8, 8, 1)), (2, 1), repeats=2)
    assert found[2][:2] == (2.0, pytest.approx(2**0.5))
    assert found[1][:2] == (12.0, pytest.approx(8**0.5))


def test_results_are_waited_for():
    """A layer that sleeps in the middle of the graph must be seen by the clock."""
    if keras.backend.backend() != "jax":
        pytest.skip("a callback into Python from a compiled graph")
    import jax

    class Sleepy(keras.Layer):
        def call(self, x):
            def slow(value):
                time.sleep(0.05)
                return value

            return jax.pure_callback(slow, jax.ShapeDtypeStruct(x.shape, x.dtype), x)

        def compute_output_shape(self, shape):
            return shape

    found = forward_seconds(model_of(Sleepy(), shape=(2,)), np.ones((4, 2)), (2,), repeats=1)
    assert found[2].mean > 0.1


def test_the_device_is_named():
    name = device_name()
    assert name and "\n" not in name
    if sys.platform == "linux" and name.endswith("cores"):
        assert name.split(", ")[-1].removesuffix(" cores").isdecimal()


def test_an_accelerator_goes_before_the_processor(monkeypatch):
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        monkeypatch.setattr(jax, "devices", lambda: [SimpleNamespace(platform="gpu", device_kind="Test GPU")])
    else:
        monkeypatch.setattr(timing, "tensorflow_accelerator", lambda: "Test GPU")
        monkeypatch.setattr(timing, "_torch_accelerator", lambda: "Test GPU")
    assert device_name() == "Test GPU"


@pytest.mark.parametrize("wrong", [{"batch_sizes": (0,)}, {"repeats": 0}, {"warmup": 0}, {"images": np.zeros((0, 3))}])
def test_errors_say_what_was_received(wrong):
    with pytest.raises(ValueError, match="Received: "):
        forward_seconds(**{"model": model_of(layers.Flatten()), "images": np.zeros((2, 8, 8, 1)), **wrong})
