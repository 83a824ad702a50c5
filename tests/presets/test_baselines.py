"""Baselines as their authors' code has them: counts, losses in the authors' own units, schedules."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from core_models import as_float, blobs, numpy, step
from keras import layers

from green_vae.cost import parameters
from green_vae.presets import PRESETS, preset

# of Ghosh et al. and of Dai and Wipf: counted by hand from their code, which the survey's networks differ from
COUNTS = {
    "dai-wipf-cifar10": 27_766_275 - 4 * (512 + 512),  # the survey's row without batch norm in the dense block
    "asperti-trentin-celeba": 19_330_627 - 4 * (256 + 512),
    "dai-wipf-celeba": 19_330_627 - 4 * (256 + 512) + 2 * 64 * 513 + 64 * 4 * 1024,  # 64 more units
    "ghosh-l2-cifar10": 30_510_339 - 4 * 1024,
    "ghosh-sn-cifar10": 30_510_339 - 4 * 1024,
    **dict.fromkeys(("ghosh-l2-mnist", "ghosh-gp-mnist", "ghosh-sn-mnist"), 22_695_057),
}
NARROW = ("dai-wipf-mini", "asperti-trentin-mini", "ghosh-l2-mini", "ghosh-gp-mini", "ghosh-sn-mini")


def second_stage(dim, width):
    """Three dense layers, a skip from the input, and one head or two; encoder and decoder."""
    hidden = dim * width + width + 2 * (width * width + width)
    return 2 * hidden + 3 * ((width + dim) * dim + dim)


def conv(inputs, outputs):
    return 9 * inputs * outputs + outputs


def block(inputs, outputs):
    return conv(inputs, outputs) * 2 + conv(outputs, outputs) + 4 * (inputs + outputs)


def test_every_baseline_is_tested_here():
    own = {name.removeprefix("baselines/") for name in PRESETS if name.startswith("baselines/")}
    assert own == {*COUNTS, *NARROW, "asperti-trentin-cifar10"}


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name):
    model = preset(f"baselines/{name}").blueprint()
    assert parameters(*model.networks().values()) == COUNTS[name]


def test_counts_of_the_network_with_three_scales():
    encoder = conv(3, 32) + sum(block(w, w) for w in (32, 64, 128)) + conv(32, 64) + conv(64, 128)
    encoder += 2 * (128 * 512 + 512) + 512 * 512 + 512 + 2 * (512 * 64 + 64)
    widths = (512, 256, 128, 64, 32)
    decoder = (
        4 * 512 * 65 + sum(conv(a, b) + block(b, b) for a, b in zip(widths, widths[1:], strict=False)) + conv(32, 3)
    )
    model = preset("baselines/asperti-trentin-cifar10").blueprint()
    assert [parameters(net) for net in model.networks().values()] == [encoder, decoder]


@pytest.mark.parametrize(
    ("name", "dim", "width"),
    [("dai-wipf-cifar10", 64, 1024), ("asperti-trentin-cifar10", 64, 2048), ("asperti-trentin-mini", 16, 128)],
)
def test_counts_of_second_stages(name, dim, width):
    from green_vae.keras_internals import without_values
    from green_vae.models.undrawn import undrawn_weights

    with undrawn_weights(), without_values():
        stage = preset(f"baselines/{name}").new_sampler("second_stage").network(dim)
    assert parameters(*stage.networks().values()) == second_stage(dim, width)


def test_gamma_is_what_the_names_say():
    for size in ("cifar10", "celeba", "mini"):
        trained, computed = (preset(f"baselines/{who}-{size}") for who in ("dai-wipf", "asperti-trentin"))
        assert (trained.model, trained.config["sigma"], trained.config["lowest"]) == ("sigma_vae", "learned", None)
        assert (computed.model, computed.config["minimum"]) == ("computed_gamma_vae", "average")
        side, dim = computed.config["image_shape"][0], computed.config["latent_dim"]
        assert computed.config["beta"] == (2 * side / dim) ** 2 and "beta" not in trained.config
        stages = [chosen.samplers["second_stage"]["reconstruction"] for chosen in (trained, computed)]
        assert stages == ["gaussian", "computed_gamma"]
        assert not any(chosen.config["network_options"]["dense_norm"] for chosen in (trained, computed))
        assert trained.codes == computed.codes == "sample"


# their own loss: the mean squared error of a value, a weight times the mean of z^2, and the penalty
WEIGHTS = {"ghosh-l2-mini": (1e-4, 1e-7), "ghosh-gp-mini": (1e-4, 0.5e-7), "ghosh-sn-mini": (0.009, None)}


@pytest.mark.parametrize("name", WEIGHTS)
def test_the_loss_of_ghosh_in_its_own_units(name):
    chosen = preset(f"baselines/{name}")
    options = {**chosen.config["network_options"], "base": 2}
    keras.utils.set_random_seed(0)
    model = dataclasses.replace(chosen, config={**chosen.config, "network_options": options}).build(0)
    x, (latent, weight) = blobs(3), WEIGHTS[name]
    loss, outputs = step(model, x, training=False)
    outputs = numpy(outputs)
    own = ((as_float(x) - outputs["reconstruction"]) ** 2).mean() + latent * (outputs["z"] ** 2).mean()
    if "l2" in name:
        kernels = [layer.kernel for layer in model.decoder.layers if isinstance(layer, layers.Conv2DTranspose)]
        own += weight * sum((np.asarray(kernel) ** 2).sum() for kernel in kernels)
    if "gp" in name:
        own += weight * (outputs["gradient"] ** 2).mean()
    assert loss == pytest.approx(32 * 32 / 2 * own, rel=1e-5)


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_weights_at_full_width_are_those_of_the_same_formula(name):
    values, units = (1024, 16) if name == "mnist" else (3072, 128)
    latent, weight = (1e-4, 1e-7) if name == "mnist" else (1e-3, 1e-6)
    config = preset(f"baselines/ghosh-l2-{name}").config
    assert config["latent_weight"] == pytest.approx(latent * values / units)
    assert config["regularizer_weight"] == pytest.approx(weight * values / 2)


def test_schedules():
    rates = {
        "dai-wipf-cifar10": (64, 400, {0: 1e-4, 149: 1e-4, 150: 5e-5, 300: 2.5e-5}),
        "dai-wipf-celeba": (64, 100, {39: 1e-4, 40: 5e-5, 80: 2.5e-5}),
        "asperti-trentin-cifar10": (100, 700, {249: 1e-4, 250: 5e-5, 500: 2.5e-5}),
        "asperti-trentin-celeba": (100, 70, {59: 5e-5, 60: 2.5e-5}),
    }
    for name, (batch, epochs, steps) in rates.items():
        recipe = preset(f"baselines/{name}").recipe
        assert (recipe.batch_size, recipe.epochs) == (batch, epochs)
        assert {epoch: recipe.rate(epoch) for epoch in steps} == steps
    recipe = preset("baselines/ghosh-l2-mnist").recipe
    assert (recipe.batch_size, recipe.epochs, recipe.validation, recipe.plateau) == (100, 100, "train", 5)
    assert recipe.rate(6, [2.0, *[3.0] * 5]) == 2.5e-4  # 5 epochs without a better one
    stages = {name: preset(f"baselines/{name}").new_sampler("second_stage") for name in rates}
    assert {name: (stage.epochs, stage.batch_size, stage.learning_rate) for name, stage in stages.items()} == {
        "dai-wipf-cifar10": (800, 64, 1e-4),
        "dai-wipf-celeba": (100, 64, 1e-4),
        "asperti-trentin-cifar10": (1400, 100, 1e-4),
        "asperti-trentin-celeba": (140, 100, 5e-5),
    }
    assert stages["asperti-trentin-celeba"].widths == (4096,) * 3
    assert json.loads(json.dumps(preset("baselines/dai-wipf-celeba").config))["lowest"] is None
