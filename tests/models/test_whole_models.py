"""Costs of whole models, priors of a ladder and flows included, against Keras's own counts and the profiler."""

import keras
import numpy as np
import pytest
from core_models import VARIANTS, build, examples

from green_vae.cost import (
    flops,
    forward_seconds,
    layer_traffic,
    networks_of,
    parameters,
    profiler_flops,
    trainable_parameters,
    training_flops,
)

BALANCES = {"steps", "mse", "gamma", "log_gamma", "log_sigma", "variance", "batches"}
BALANCES |= {"aggressive_left", "turn", "joint", "best_information", "fallen"}  # of the lagging schedule
BALANCES |= {"kl_weight", "total"}  # of a controller
close = np.testing.assert_allclose


def numbers_of_the_loss(model):
    """Weights that belong to no network: schedules, computed or trained balances."""
    scalars = [weight for weight in model.weights if weight.shape == ()]
    assert {weight.name for weight in scalars} <= BALANCES
    return [
        *scalars,
        *(weight for weight in model.weights if weight.name == "log_sigma" and len(weight.shape)),
    ]  # of pixels


@pytest.mark.parametrize("variant", VARIANTS)
def test_parameters_are_those_that_keras_counts(variant):
    model = build(variant)
    balances = numbers_of_the_loss(model)
    vectors = sum(int(np.prod(weight.shape)) for weight in model.weights if weight.name.startswith(("vector_u", "v_")))
    networks = networks_of(model).values()
    numbers = sum(int(np.prod(weight.shape)) for weight in balances)
    assert parameters(*networks) + numbers + vectors == model.count_params()
    trained = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    moved = sum(int(np.prod(weight.shape)) for weight in balances if weight.trainable)
    assert trainable_parameters(*networks) + moved == trained


def test_the_networks_of_a_ladder_and_of_a_flow():
    assert list(networks_of(build("ladder_vae"))) == ["encoder", "prior_2", "prior_1", "decoder"]
    assert list(networks_of(build("vae_iaf"))) == ["encoder", "flow", "decoder"]
    assert list(networks_of(build("rae_l2"))) == list(networks_of(build("vae"))) == ["encoder", "decoder"]


def test_the_flow_by_hand():
    """4 units, a context of 4, one hidden layer of 8 and two heads, twice; masked products cost what full ones do."""
    flow = networks_of(build("vae_iaf"))["flow"]
    assert parameters(flow) == 2 * ((4 * 8 + 8) + 4 * 8 + 2 * (8 * 4 + 4))
    assert flops(flow, "macs") == 2 * 2 * (4 * 8 + 4 * 8 + 2 * 8 * 4)


def test_asking_for_the_networks_changes_nothing():
    model, x = build("vae_iaf"), examples("vae_iaf", 3)
    before = len(model.weights)
    for _ in range(3):
        networks_of(model)
    assert len(model.weights) == before
    z, context = np.ones((2, 4), "float32"), np.zeros((2, 4), "float32")
    for a, b in zip(networks_of(model)["flow"]([z, context]), model.flow(z, context), strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(a), keras.ops.convert_to_numpy(b))
    assert model(x)["z"].shape == (3, 4)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts of TensorFlow")
@pytest.mark.parametrize("variant", ["ladder_vae", "vae_iaf"])
def test_products_against_the_profiler(variant):
    """Element by element it counts a few operations more, and the masks of the flow once per batch."""
    for name, network in networks_of(build(variant)).items():
        ours, theirs = flops(network, "macs"), profiler_flops(network)
        elements = sum(int(np.prod(row.shape)) for row in layer_traffic(network))
        masks = sum(int(np.prod(weight.shape)) for weight in network.weights if len(weight.shape) == 2)
        assert ours < theirs <= ours + 8 * elements + masks, name


@pytest.mark.skipif(keras.backend.backend() not in ("tensorflow", "jax"), reason="no graph to count")
@pytest.mark.parametrize("variant", ["ladder_vae", "vae_iaf"])
def test_a_training_step_is_counted_whole(variant):
    """The estimate sums the networks, the graph knows nothing of them."""
    model = build(variant)
    counted, estimate = training_flops(model, 50), training_flops(model, 50, estimate=True)
    assert counted.source != estimate.source == "estimated"
    assert estimate.per_image == 3 * sum(flops(network, "macs") for network in networks_of(model).values())
    assert counted.per_image == pytest.approx(estimate.per_image, rel=0.35)


def test_traffic_names_every_network():
    found = {row.name.split("/")[0] for row in layer_traffic(build("ladder_vae"))}
    assert found == {"encoder", "prior_1", "prior_2", "decoder"}
    rows = layer_traffic(build("vae_iaf"))
    assert sum(row.parameters for row in rows) == parameters(*networks_of(build("vae_iaf")).values())


@pytest.mark.parametrize("variant", ["ladder_vae", "vae_iaf", "rae_l2", "vae"])
def test_what_is_timed_is_the_pass_without_noise(variant):
    model, x = build(variant), examples(variant, 4)
    assert forward_seconds(model, x, (4,), repeats=1)[4].images == 4
    if variant != "vae_iaf":  # whose means are no codes
        images = keras.ops.convert_to_numpy(model.without_noise(x.astype("float32") / 255))
        close(images, model.reconstruct(x, sample=False), atol=1e-5)
