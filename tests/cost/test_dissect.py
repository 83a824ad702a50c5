"""Timing of single layers, and models of their time."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from green_vae.cost import dissect, flops, traffic
from green_vae.cost.dissect import (
    GRID,
    MODELS,
    SIDES,
    Layer,
    LayerTime,
    alpha,
    constant_flops,
    errors,
    fit_time,
    held_out,
    measure_layers,
)

TRUE = {
    "plain": {"latency": 1e-4, "flops_per_second": 1e11},
    "roofline": {"latency": 2e-5, "flops_per_second": 2e11, "bytes_per_second": 1e10},
    "sum": {"latency": 5e-5, "flops_per_second": 3e11, "bytes_per_second": 2e10},
    "alpha": {
        "latency": 1e-5,
        "flops_per_second": 5e10,
        "beta_1": 0.01,
        "gamma_1": 0.6,
        "beta_3": 0.05,
        "gamma_3": 0.8,
        "beta_5": 0.2,
        "gamma_5": 0.5,
    },
}


def synthetic(model, noise=0.0, seed=0):
    """Times of the default grid under a known model, with lognormal noise."""
    times = [LayerTime(*layer, 1, 1.0) for layer in GRID]
    seconds = dissect.TimeModel(model, TRUE[model]).seconds(times)
    factors = np.exp(noise * np.random.default_rng(seed).standard_normal(len(times)))
    return [row._replace(seconds=value) for row, value in zip(times, seconds * factors, strict=True)]


# the layers


def test_families_have_the_same_flops():
    for kernel, width, skew in [(1, 2048, 1), (3, 1024, 1), (5, 2048, 4)]:
        layers = constant_flops(kernel, width, SIDES, skew)
        assert {LayerTime(*layer, 1, 1.0).flops for layer in layers} == {2 * kernel**2 * width**2}
        assert [layer.outputs // layer.inputs for layer in layers] == [skew**2] * len(SIDES)


def test_the_grid_is_whole():
    assert len(set(GRID)) == len(GRID) > 50 and min(min(layer) for layer in GRID) >= 1
    assert {layer.side for layer in GRID} == set(SIDES)


@settings(deadline=None, max_examples=20)  # the first example imports the backend
@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 4), st.integers(1, 8), st.integers(1, 3))
def test_flops_and_bytes_are_those_of_the_other_counters(kernel, inputs, outputs, side, batch):
    row = LayerTime(kernel, inputs, outputs, side, batch, 1.0)
    convolution = keras.layers.Conv2D(outputs, kernel, padding="same", use_bias=False)
    model = keras.Sequential([keras.Input((side, side, inputs)), convolution])
    assert row.flops == batch * flops(model, "macs")
    assert row.bytes == traffic(model, batch)


# the measurement


def test_measures_every_layer_in_turns(monkeypatch):
    """Seconds from a clock that tells for how long each layer runs: the least of the timed calls, none of warm-up."""
    grid, seen = (Layer(1, 2, 3, 4), Layer(3, 3, 2, 5)), []

    def timed(network, images):
        seen.append(tuple(images.shape))
        return [9.0, 9.0, 0.1, 0.2, 5.0, 4.0, 3.0, 6.0][len(seen) - 1]  # the first two rounds warm up

    monkeypatch.setattr(dissect, "_timed", timed)
    times = measure_layers(grid, batch_size=2, repeats=2, warmup=2)
    assert times == [LayerTime(*grid[0], 2, 3.0), LayerTime(*grid[1], 2, 4.0)]
    assert seen == [(2, 4, 4, 2), (2, 5, 5, 3)] * 4


def test_precisions_are_timed_in_turns(monkeypatch):
    seen = []
    monkeypatch.setattr(dissect, "_timed", lambda network, images: seen.append(images.dtype.name) or len(seen))
    times = measure_layers((Layer(1, 2, 3, 4),), repeats=2, warmup=1, dtypes=("float32", "bfloat16"))
    assert seen == ["float32", "bfloat16"] * 3
    assert [(row.dtype, row.seconds) for row in times] == [("float32", 3), ("bfloat16", 4)]
    assert times[0].bytes == 2 * times[1].bytes and times[0].flops == times[1].flops


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_call_computes_the_layer(dtype):
    network, images = dissect._call_of(Layer(3, 2, 4, 5), dtype, 2)
    (convolution,) = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    assert convolution.kernel.dtype == dtype
    whole = keras.ops.convert_to_numpy(keras.ops.cast(convolution(images), "float32"))
    assert whole.shape == (2, 5, 5, 4)
    np.testing.assert_allclose(network.predict_on_batch(images), whole[:, :1, :1, :1], atol=1e-6)


def test_a_large_layer_takes_longer():
    """The large one takes tens of milliseconds, more than a busy machine adds to the small one."""
    small, large = measure_layers((Layer(1, 1, 1, 1), Layer(5, 128, 128, 64)), repeats=9)
    assert 0 < small.seconds < large.seconds


@pytest.mark.parametrize(
    ("grid", "options", "received"),
    [
        ((), {}, "0 layers"),
        ((Layer(3, 1, 1, 4),), {"repeats": 0}, "repeats=0"),
        ((Layer(3, 1, 1, 4),), {"batch_size": 0}, "batch_size=0"),
        ((Layer(3, 0, 1, 4),), {}, "1 layers"),
        ((Layer(3, 1, 1, 4),), {"dtypes": ("float32", "float16")}, "float16"),
    ],
)
def test_nothing_to_measure(grid, options, received):
    with pytest.raises(ValueError, match=f"Received: .*{received}"):
        measure_layers(grid, **options)


# alpha


@given(st.integers(1, 11), st.floats(0.001, 0.999), st.floats(0.01, 1.0), st.floats(1.01, 100.0))
def test_alpha_is_1_at_its_anchor_and_falls(kernel, beta, gamma, step):
    anchor = kernel**2
    assert alpha(anchor, kernel, beta, gamma) == 1
    values = alpha(anchor * step ** np.arange(4), kernel, beta, gamma)
    assert (np.diff(values) < 0).all() and (values > beta**gamma).all()


@given(st.integers(1, 7), st.integers(1, 200), st.floats(0.001, 0.999))
def test_alpha_of_hand(kernel, side, beta):
    positions, anchor = side**2, kernel**2
    by_hand = (anchor + beta * (positions - anchor)) / positions
    assert alpha(positions, kernel, beta, 1.0) == pytest.approx(by_hand)
    assert alpha(positions, kernel, beta, 0.5) == pytest.approx(by_hand**0.5)


# the fit


@pytest.mark.parametrize("model", MODELS)
def test_known_parameters_are_found_again(model):
    found = fit_time(synthetic(model), model)
    assert found.name == model and list(found.parameters) == list(TRUE[model])
    assert found.parameters == pytest.approx(TRUE[model], rel=1e-3)


@pytest.mark.parametrize("model", MODELS)
def test_with_noise_the_rates_are_found_nearly(model):
    times = synthetic(model, noise=0.02)
    found, true = fit_time(times, model), dissect.TimeModel(model, TRUE[model])
    np.testing.assert_allclose(found.seconds(times), true.seconds(times), rtol=0.05)
    if model != "alpha":
        assert found.parameters == pytest.approx(TRUE[model], rel=0.1)


def test_an_outlier_has_little_weight():
    times = synthetic("plain")
    times[3] = times[3]._replace(seconds=100 * times[3].seconds)
    assert fit_time(times, "plain").parameters == pytest.approx(TRUE["plain"], rel=0.02)


@pytest.mark.parametrize("true", ["alpha", "sum"])
def test_the_true_model_predicts_held_out_layers_better_than_flops(true):
    times = synthetic(true, noise=0.01)
    own, plain = (errors(held_out(times, model), times) for model in (true, "plain"))
    assert own.median < own.ninety < 0.04
    assert plain.ninety > 2 * own.ninety


def test_hand_values_of_errors():
    times = [LayerTime(1, 1, 1, 1, 1, seconds) for seconds in (1.0, 2.0, 4.0)]
    found = errors([1.1, 1.0, 4.0], times)  # 0.1, 0.5 and 0
    assert found.median == pytest.approx(0.1)
    assert found.ninety == pytest.approx(0.1 + 0.8 * 0.4)  # between the second and the third


def test_what_is_held_out_is_not_seen(monkeypatch):
    times, seen = synthetic("plain")[:7], []

    def fit(rows, model):
        seen.append([times.index(row) for row in rows])
        return dissect.TimeModel("plain", TRUE["plain"])

    monkeypatch.setattr(dissect, "fit_time", fit)
    np.testing.assert_allclose(held_out(times, "plain", 3), [row.seconds for row in times])
    assert seen == [[1, 2, 4, 5], [0, 2, 3, 5, 6], [0, 1, 3, 4, 6]]


def test_what_cannot_be_fitted():
    times = synthetic("plain")
    with pytest.raises(ValueError, match="one of plain, alpha, roofline, sum. Received: 'cube'"):
        fit_time(times, "cube")
    with pytest.raises(ValueError, match="Received: 2 measurements for 3 parameters"):
        fit_time(times[:2], "sum")
    with pytest.raises(ValueError, match="Received: 0 measurements"):
        fit_time([], "plain")
    with pytest.raises(ValueError, match="Received: .* 0 s the least"):
        fit_time([row._replace(seconds=0.0) for row in times], "plain")
    with pytest.raises(ValueError, match="Received: folds=1"):
        held_out(times, "plain", 1)
    with pytest.raises(ValueError, match=r"fitted to. Received: \[7\]"):
        fit_time(times, "alpha").seconds([LayerTime(7, 1, 1, 4, 1, 1.0)])
