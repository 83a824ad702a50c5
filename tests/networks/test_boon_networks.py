"""The ResLag study's networks: trainable parameters as its code has them, layer by layer where that is known."""

import numpy as np
import pytest
from keras import initializers, layers

from green_vae import networks
from green_vae.cost import trainable_parameters
from green_vae.models.undrawn import undrawn_weights
from green_vae.networks import reslag
from green_vae.presets import preset

VARIATIONAL, DIGITS, CIFAR, FACES = ("mean", "log_var"), (28, 28, 1), (32, 32, 3), (64, 64, 3)
SEQUENTIAL = [
    ("digits-autoencoder", DIGITS, 5, ("z",), 88_286),
    ("digits-autoencoder", DIGITS, 10, ("z",), 89_571),
    ("digits", DIGITS, 5, VARIATIONAL, 88_899),
    ("digits", DIGITS, 10, VARIATIONAL, 90_829),
    ("digits-beta", DIGITS, 5, VARIATIONAL, 95_651),
    ("digits-beta", DIGITS, 10, VARIATIONAL, 97_581),
    ("digits-info", DIGITS, 5, VARIATIONAL, 13_133_195),
    ("digits-info", DIGITS, 10, VARIATIONAL, 13_148_565),
    ("cifar-beta", CIFAR, 100, VARIATIONAL, 2_979_083),
    ("cifar-info", CIFAR, 100, VARIATIONAL, 10_020_939),
    ("cifar", CIFAR, 100, ("z",), 1_854_119),
    ("cifar-multi-level", CIFAR, 100, ("z",), 4_094_055),
    ("cifar", CIFAR, 100, VARIATIONAL, 2_263_819),
    ("faces-beta", FACES, 150, VARIATIONAL, 874_415),
    ("faces-info", FACES, 150, VARIATIONAL, 12_273_327),
]
LIGHT_CELEBA = {"blocks": reslag.CELEBA, "sides": (1, 4, 16, 64)}
ORIGINAL_CELEBA = {"blocks": reslag.CELEBA, "sides": (4, 16, 64, None)}
ORIGINAL_CIFAR = {"sides": (16, 64, None)}
MULTI_LEVEL = [
    (FACES, 150, ORIGINAL_CELEBA, 8_931_944, 5_428_995),
    (FACES, 150, LIGHT_CELEBA, 5_378_987, 3_576_131),
    (CIFAR, 100, ORIGINAL_CIFAR, 4_844_216, 3_024_579),
    (CIFAR, 100, {}, 2_568_263, 1_856_771),
]


@pytest.fixture(autouse=True)
def undrawn():
    with undrawn_weights():
        yield


@pytest.mark.parametrize("layout, shape, latent, heads, published", SEQUENTIAL)
def test_sequential_networks_as_counted(layout, shape, latent, heads, published):
    encoder, decoder = networks.build("boon", shape, latent, heads, layout=layout)
    assert trainable_parameters(encoder, decoder) == published
    assert decoder.output_shape == (None, *shape)


@pytest.mark.parametrize("layout, shape, latent", [case[:3] for case in SEQUENTIAL if case[3] == VARIATIONAL])
def test_which_heads_start_at_zero_and_which_are_capped(layout, shape, latent):
    """As in the study's code: log sigma starts at 0 on CIFAR, but for InfoVAE; small encoders of digits have no cap."""
    encoder, _ = networks.build("boon", shape, latent, VARIATIONAL, layout=layout)
    zero = isinstance(encoder.get_layer("log_var").kernel_initializer, initializers.Zeros)
    assert zero == (layout in ("cifar", "cifar-beta"))
    capped = [(layer.lowest, layer.highest) for layer in encoder.layers if layer.name == "bounded"]
    assert capped == ([] if layout in ("digits", "digits-beta") else [(None, 1.0)])


@pytest.mark.parametrize("shape, latent, options, encoder, decoder", MULTI_LEVEL)
def test_multi_level_networks_as_counted(shape, latent, options, encoder, decoder):
    nets = networks.build("reslag", shape, latent, VARIATIONAL, **options)
    assert tuple(map(trainable_parameters, nets)) == (encoder, decoder)
    assert nets[1].output_shape == (None, *shape)


def test_other_readings_as_counted():
    """The last side branch as it is drawn, and the trunk without side branches."""
    for shape, latent, options, published in (
        (FACES, 150, {**LIGHT_CELEBA, "side_kernel": 1}, 8_824_046),
        (CIFAR, 100, {"side_kernel": 1}, 4_392_266),
        (FACES, 150, {"blocks": reslag.CELEBA, "sides": None}, 8_780_975),
    ):
        assert trainable_parameters(*networks.build("reslag", shape, latent, VARIATIONAL, **options)) == published


def conv(kernel, widths):
    """Parameters of a convolution with its bias, of its kernel's side and (channels in, out)."""
    return kernel**2 * widths[0] * widths[1] + widths[1]


def counted(base, sides, latent=100, side=32):
    """Trainable parameters of a network for CIFAR, added up by hand as in Figure 4; batch norm has two per channel."""
    blocks = [[width * base // 64 for width in block] for block in ((64,) * 3, (128,) * 2, (256,) * 3)]
    total, before, joined = 0, 3, 0
    for level, (block, width) in enumerate(zip(blocks, sides, strict=True)):
        for place, channels in enumerate(block):
            total += conv(4 if place == len(block) - 1 else 3, (before, channels)) + 2 * channels
            before = channels
        cells = (side >> (level + 1)) ** 2
        if width:
            total += conv(3 if level == 2 else 1, (before, width)) + 2 * width
            total += conv(1, (width, before))  # the decoder raises it again
        joined += cells * (before if width is None else width)
    total += 2 * (joined + 1) * latent + (latent + 1) * joined
    b1, b2, b3 = (block[-1] for block in blocks)
    for pair in ((b3, b3), (b3, b3), (b3, b2), (b2, b2), (b2, b1), (b1, b1), (b1, b1)):
        total += conv(3, pair) + 2 * pair[1]
    return total + conv(3, (b1, 3))


@pytest.mark.parametrize("sides, published", [((16, 64, None), 7_868_795), ((1, 4, 16), 4_425_034)])
def test_the_count_by_hand_is_that_of_the_study(sides, published):
    assert counted(64, sides) == published


@pytest.mark.parametrize(
    "name, sides",
    [
        ("optimal-sigma-trunk", (0, 0, None)),
        ("lagging-trunk", (0, 0, None)),
        ("optimal-sigma-multi-level", (16, 64, None)),
        ("reslag", (16, 64, None)),
        ("reslag-light", (1, 4, 16)),
    ],
)
def test_narrow_networks_as_counted_by_hand(name, sides):
    model = preset(f"boon/{name}-cifar10-mini").outline()
    assert trainable_parameters(model.encoder, model.decoder) == counted(16, sides)


def of_kind(network, kind):
    return [layer for layer in network.layers if type(layer) is kind]


def test_levels_of_the_light_network():
    """Figure 4: sides and channels of every branch, and the shares with which they are taken in."""
    encoder, decoder = networks.build("reslag", FACES, 150, VARIATIONAL, **LIGHT_CELEBA)
    branches = [layer.input.shape[1:] for layer in of_kind(encoder, layers.Flatten)]
    assert branches == [(32, 32, 1), (16, 16, 4), (8, 8, 16), (4, 4, 64)]
    assert of_kind(encoder, layers.Concatenate)[0].output.shape[1:] == (4096,)
    reshaped = [layer.output.shape[1:] for layer in of_kind(decoder, layers.Reshape)]
    assert sorted(reshaped) == sorted(branches)
    merged = [layer.output.shape[1:] for layer in of_kind(decoder, layers.Add)]
    assert merged == [(8, 8, 256), (16, 16, 128), (32, 32, 64)]
    shares = [layer.scale for layer in of_kind(decoder, layers.Rescaling)]
    np.testing.assert_allclose(shares, [1 / 2, 1 / 2, 2 / 3, 1 / 3, 3 / 4, 1 / 4])


@pytest.mark.parametrize("bounds, reached", [(None, 2 * 50.0), ((None, 1.0), 2.0), ((-2.0, 2.0), 4.0)])
def test_the_second_head_is_log_sigma_within_its_bounds(bounds, reached):
    encoder, _ = networks.build("reslag", (8, 8, 1), 3, VARIATIONAL, base=2, log_sigma=bounds)
    kernel, bias = encoder.get_layer("log_var").weights
    assert not kernel.numpy().any() and not bias.numpy().any()  # starts at sigma = 1
    for sign, expected in ((1.0, reached), (-1.0, -4.0 if bounds == (-2.0, 2.0) else -100.0)):
        bias.assign(np.full(3, sign * 50.0, "float32"))
        np.testing.assert_allclose(encoder(np.zeros((2, 8, 8, 1), "float32"))["log_var"], expected)


@pytest.mark.parametrize("name", ["multi-level-cifar10", "multi-level-cifar100", "multi-level-celeba", "celeba"])
def test_bounds_that_the_study_has_elsewhere_are_told(name):
    """Its Optimal Sigma encoders cap log sigma at 1; ours of many levels have the two bounds of the lagging ones."""
    chosen = preset(f"boon/optimal-sigma-{name}")
    assert tuple(chosen.config["network_options"]["log_sigma"]) == (-2.0, 2.0)
    assert "between -2 and 2" in chosen.recipe.note


def test_what_does_not_fit_is_refused():
    for name, shape, options in (
        ("boon", DIGITS, {"layout": "cifar"}),
        ("boon", DIGITS, {"layout": "letters"}),
        ("reslag", CIFAR, {"sides": (1, 2)}),
        ("reslag", DIGITS, {}),
    ):
        with pytest.raises(ValueError, match="Received: "):
            networks.build(name, shape, 4, VARIATIONAL, **options)
