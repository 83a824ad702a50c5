"""Splitting: the paper's counts, the mixture, its parts, and what the loss does not see."""

import numpy as np
import pytest
from core_models import (
    HIERARCHICAL,
    OF_IMAGES,
    VARIANTS,
    as_float,
    at_mean,
    blobs,
    build,
    fresh,
    loss_of,
    numpy,
    only,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from scipy.special import expit

from green_vae.cost import flops, parameters, trainable_parameters
from green_vae.keras_internals import adam_moments
from green_vae.models import MODELS, SplitVAE
from green_vae.networks import PARTS
from green_vae.networks.split import Parts, Recompose
from green_vae.presets import preset
from green_vae.training.loop import compile_by

close = np.testing.assert_allclose
# the ladder and the hierarchies have networks of their own
UNSPLIT = [name for name in OF_IMAGES if name not in ("split_vae", "vae_split", "ladder_vae", *HIERARCHICAL)]


# (preset, total, trainable, MFLOPs): the sheet of counts made from the authors' repository
@pytest.mark.parametrize(
    ("name", "total", "trainable", "millions"),
    [
        ("svae/mnist", 12_799_299, 12_793_667, 1005),
        ("svae/cifar10", 13_061_143, 13_055_511, 1011),
        ("svae/celeba", 28_989_363, None, 5077),
    ],
)
def test_counts_of_the_paper(name, total, trainable, millions):
    model = preset(name).blueprint()
    nets = (model.encoder, model.decoder)
    assert parameters(*nets) == total
    assert trainable is None or trainable_parameters(*nets) == trainable
    assert round(sum(map(flops, nets)) / 1e6) == millions


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("svae/gp-rae-mnist", 22_386_449),
        ("svae/l2-rae-mnist", 22_386_449),
        ("svae/sn-rae-mnist", 22_386_449),
        ("svae/2s-vae-mnist", 9_032_769),
        ("svae/2s-vae-celeba", 65_527_299),
        ("svae/sn-rae-celeba", 27_359_043),
    ],
)
def test_counts_of_what_the_paper_compares_with(name, total):
    model = preset(name).blueprint()
    assert parameters(model.encoder, model.decoder) == total


@pytest.mark.parametrize("size", ["mnist", "mnist-mini"])
def test_the_plain_twin_lacks_the_head_alone(size):
    split, plain = preset(f"svae/{size}"), preset(f"svae/{size}-plain")
    base = split.config["network_options"]["base"]
    # a 3x3 convolution from `base` maps to 3 channels instead of 1, with biases
    difference = parameters(split.blueprint().decoder) - parameters(plain.blueprint().decoder)
    assert difference == (9 * base + 1) * 2
    assert parameters(split.blueprint().encoder) == parameters(plain.blueprint().encoder)
    assert (split.recipe, split.dataset, split.codes) == (plain.recipe, plain.dataset, plain.codes)


@pytest.mark.parametrize("name", ["mnist", "cifar10", "celeba", "mnist-plain"])
def test_the_full_width_recipes_bound_the_gradient(name):
    """The narrow ones do not: they ship as they were trained, without."""
    recipe = preset(f"svae/{name}").recipe
    assert recipe.clip_norm == 100.0 and "norm of at most 100" in recipe.note and recipe.learning_rate == 1e-4


def test_adam_sees_gradients_of_a_norm_of_100_however_steep_the_loss():
    """1/2 SSE / gamma grows as gamma falls. After one step the first moments are a tenth of the gradient."""
    model, gamma = build("split_vae"), 1e-6
    compile_by(preset("svae/cifar10").recipe, model)
    model.gamma.gamma.assign(gamma)
    model.train_on_batch(blobs(4))
    moments = [adam_moments(model.optimizer, index)[0] for index in range(len(model.trainable_variables))]
    seen = 10 * np.sqrt(sum(np.square(ops.convert_to_numpy(moment)).sum() for moment in moments))
    close(seen, 100.0, rtol=1e-3)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_an_image_is_the_weighted_mean_of_two(channels, seed):
    parts = np.random.default_rng(seed).random((2, 3, 5, 2 * channels + 1)).astype("float32")
    made = ops.convert_to_numpy(Recompose()(parts))
    first, second = parts[..., 1 : channels + 1], parts[..., channels + 1 :]
    close(made, first * parts[..., :1] + second * (1 - parts[..., :1]), rtol=1e-6, atol=1e-6)
    assert (np.minimum(first, second) - 1e-6 <= made).all() and (made <= np.maximum(first, second) + 1e-6).all()
    for name, expected in (("map", parts[..., :1]), ("x1", first), ("x2", second)):
        assert np.array_equal(Parts.take(parts, name), expected)


@pytest.fixture(scope="module", params=only(UNSPLIT, "rae_gp", "info_vae"))
def headed(request):
    """Every variant with the head put on by one argument."""
    config = VARIANTS[request.param][1]
    return build(request.param, network_options={**config["network_options"], "split": True})


def test_the_head_goes_on_every_model(headed):
    z = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    image, first, second, weight = (headed.decode(z, part=part) for part in ("x", "x1", "x2", "map"))
    assert image.shape == first.shape == second.shape == (5, 32, 32, 1) == weight.shape
    close(image, weight * first + (1 - weight) * second, atol=2e-6)
    mix = headed.decode(z, part="mix")
    assert np.array_equal(mix, np.concatenate([first[:2], second[2:]]))
    x = blobs(8)
    headed.compile(optimizer="adam")
    assert np.isfinite(headed.fit(x, batch_size=4, verbose=0).history["loss"][0])


def test_colour_images_share_one_map():
    model = build("split_vae", image_shape=(32, 32, 3))
    shapes = {part: model.generate(4, part=part).shape for part in PARTS}
    assert shapes == {part: (4, 32, 32, 1 if part == "map" else 3) for part in PARTS}
    image = model.generate(4, seed=3)
    first, second, weight = (model.generate(4, seed=3, part=part) for part in ("x1", "x2", "map"))
    close(image, weight * first + (1 - weight) * second, atol=2e-6)


def test_parts_of_reconstructions_are_of_the_same_codes():
    model, x = build("split_vae"), blobs(6)
    first, second, weight = (model.reconstruct(x, part=part) for part in ("x1", "x2", "map"))
    close(model.reconstruct(x), weight * first + (1 - weight) * second, atol=2e-6)


def test_the_channels_are_map_first_second_and_all_are_sigmoids():
    """Weights of the last convolution set by hand: its biases alone decide the parts."""
    model = build("split_vae")
    last = [layer for layer in model.decoder.layers if "conv" in layer.name][-1]
    last.kernel.assign(np.zeros(last.kernel.shape))
    last.bias.assign(np.array([-1.0, 2.0, 0.5]))
    z = np.zeros((1, 4), "float32")
    for part, value in (("map", -1.0), ("x1", 2.0), ("x2", 0.5)):
        close(model.decode(z, part=part), expit(value), rtol=1e-6)


def test_the_loss_sees_the_mixture_alone():
    model, x = build("split_vae"), blobs(8)
    model.gamma.gamma.assign(0.37)
    loss = loss_of(model, x)
    model.sample.generator.state.assign(np.asarray((1, 2), "uint32"))
    outputs = numpy(model(x))
    mean, log_var = outputs["mean"], outputs["log_var"]
    error = ((as_float(x) - outputs["reconstruction"]) ** 2).sum((1, 2, 3))
    kl = 0.5 * (mean**2 + np.exp(log_var) - log_var - 1).sum(1)
    close(loss, (0.5 * error / 0.37 + 8.0 * kl).mean(), rtol=1e-5)
    assert outputs["reconstruction"].shape == x.shape


def test_training_moves_map_and_both_images():
    model, x = build("split_vae"), blobs(16)
    last = [layer for layer in model.decoder.layers if "conv" in layer.name][-1]
    before = ops.convert_to_numpy(last.kernel).copy()
    model.compile(optimizer="adam")
    model.fit(x, batch_size=16, verbose=0)
    moved = np.abs(ops.convert_to_numpy(last.kernel) - before).max((0, 1, 2))
    assert moved.shape == (3,) and (moved > 1e-5).all()


def test_the_encoder_gives_the_log_variance_itself():
    """The survey's residual networks give log sigma and double it; Split-VAE's do not."""
    model = build("split_vae")
    head = model.encoder.get_layer("log_var")
    head.kernel.assign(np.zeros(head.kernel.shape))
    head.bias.assign(np.full(4, 0.3))
    close(numpy(at_mean(model, blobs(2)))["log_var"], 0.3, rtol=1e-6)


def test_the_backbone_is_the_papers():
    config = SplitVAE(image_shape=(32, 32, 1), latent_dim=8, network_options={"base": 2}).get_config()
    options = config["network_options"]
    assert options["split"] is True and options["base"] == 2 and options["projection"] == 512
    other = MODELS["split_vae"](image_shape=(32, 32, 1), latent_dim=4, network="cnn", network_options={"base": 2})
    assert other.get_config()["network_options"] == {"base": 2, "split": True}


@pytest.mark.parametrize("part", ["X1", "", "x3", None])
def test_unknown_part(part):
    with pytest.raises(ValueError, match="there is x, x1, x2, map, mix.*Received"):
        fresh("split_vae").generate(2, part=part)


@pytest.mark.parametrize("part", ["x1", "map", "mix"])
def test_a_model_without_the_head_says_so(part):
    with pytest.raises(ValueError, match="without a split head. Received"):
        fresh("vae").generate(2, part=part)
