"""Networks beside the presets: counts of other papers' rows, variants of one layout, sizes that do not fit."""

import keras
import numpy as np
import pytest
from keras import layers

from green_vae import networks
from green_vae.cost import flops, parameters
from green_vae.models import RAE, SecondStageVAE

VARIATIONAL = ("mean", "log_var")


def build(name, shape, latent, heads=VARIATIONAL, **options):
    return networks.build(name, shape, latent, heads, **options)


def test_regularised_autoencoder_on_mnist():
    """Parameters of the RAE row on MNIST in the Split-VAE paper."""
    nets = build("cnn", (32, 32, 1), 16, ("z",), seed_side=4)
    assert parameters(*nets) == 22_386_449


def test_light_residual_network_on_mnist():
    """Parameters of the two-stage VAE row on MNIST in the Split-VAE paper."""
    assert parameters(*build("resnet", (32, 32, 1), 64, layout="light")) == 9_032_769


SPLIT_BACKBONE = {"layout": "light", "full_resolution": True, "activation": "swish", "log_sigma_head": False}


@pytest.mark.parametrize(
    "shape, latent, published, missing",
    [((32, 32, 1), 32, 12_799_299, 2), ((32, 32, 3), 200, 13_061_143, 4), ((64, 64, 3), 150, 28_989_363, 4)],
)
def test_split_vae_backbone(shape, latent, published, missing):
    """The Split-VAE's last convolution has `missing` more output channels: 2 C + 1 instead of C."""
    nets = build("resnet", shape, latent, projection=512, **SPLIT_BACKBONE)
    assert parameters(*nets) == published - missing * (9 * 64 + 1)


def test_split_vae_options_change_what_they_say():
    encoder, decoder = build("resnet", (32, 32, 1), 4, base=2, projection=512, **SPLIT_BACKBONE)
    assert decoder.get_layer("projection").units == 512
    names = [layer.activation.__name__ for net in (encoder, decoder) for layer in net.layers
             if isinstance(layer, layers.Activation)]  # fmt: skip
    assert set(names) == {"silu", "sigmoid"} and names.count("sigmoid") == 1


@pytest.mark.parametrize("layout", ["full", "light"])
def test_two_ways_up_have_the_same_parameters_and_different_costs(layout):
    nearest, transposed = (
        build("resnet", (32, 32, 3), 8, base=4, layout=layout, upsample=way) for way in ("nearest", "transposed")
    )
    assert parameters(*nearest) == parameters(*transposed)
    assert parameters(nearest[1]) == parameters(transposed[1])
    assert flops(nearest[0]) == flops(transposed[0])
    ups = [layer for layer in transposed[1].layers if isinstance(layer, layers.Conv2DTranspose)]
    assert len(ups) == {"full": 4, "light": 3}[layout]
    # the true cost of a transposed convolution is at its input, a quarter of the pixels
    saved = sum(2 * 9 * u.input.shape[-1] * u.filters * 3 * int(np.prod(u.input.shape[1:3])) for u in ups)
    assert flops(nearest[1]) - flops(transposed[1]) == saved


@pytest.mark.parametrize("dim, published", [(64, 5_228_736), (100, 5_523_036), (128, 5_757_312)])
def test_second_stage(dim, published):
    model = SecondStageVAE(latent_dim=dim)
    assert parameters(model.encoder, model.decoder) == published


def test_second_head_is_log_sigma_or_log_variance():
    """The residual rows' second head is log sigma, hence log_var is twice what the head gives."""
    x = np.random.default_rng(0).random((2, 32, 32, 1)).astype("float32")
    for log_sigma_head, factor in ((True, 2.0), (False, 1.0)):
        encoder, _ = build("resnet", (32, 32, 1), 4, base=2, log_sigma_head=log_sigma_head)
        raw = keras.Model(encoder.input, encoder.get_layer("log_var").output)
        log_var = keras.ops.convert_to_numpy(encoder(x)["log_var"])
        np.testing.assert_allclose(log_var, factor * keras.ops.convert_to_numpy(raw(x)), rtol=1e-5)


@pytest.mark.parametrize("name, momentum, epsilon", [("cnn", 0.99, 1e-3), ("resnet", 0.999, 1e-5)])
def test_batch_norm_settings(name, momentum, epsilon):
    nets = build(name, (32, 32, 1), 4, base=2)
    norms = [layer for net in nets for layer in net.layers if isinstance(layer, layers.BatchNormalization)]
    assert {(norm.momentum, norm.epsilon) for norm in norms} == {(momentum, epsilon)}
    assert len(norms) == {"cnn": 7, "resnet": 18}[name]


@pytest.mark.parametrize("network, options", [("cnn", {}), ("resnet", {}), ("resnet", {"layout": "light"})])
@pytest.mark.parametrize("side, channels, heads", [(32, 1, VARIATIONAL), (64, 3, ("z",))])
def test_shapes_and_range(network, options, side, channels, heads):
    encoder, decoder = build(network, (side, side, channels), 5, heads, base=2, **options)
    outputs = encoder(np.zeros((3, side, side, channels), "float32"))
    assert {name: tuple(value.shape) for name, value in outputs.items()} == dict.fromkeys(heads, (3, 5))
    images = keras.ops.convert_to_numpy(decoder(10 * np.ones((3, 5), "float32")))
    assert images.shape == (3, side, side, channels)
    assert 0 <= images.min() and images.max() <= 1


def test_a_dense_block_without_batch_norm():
    """As in the code of Dai and Wipf: less by 4 numbers for each unit before and within it, and with its ReLU."""
    normed, plain = (build("resnet", (32, 32, 3), 8, base=4, dense_norm=norm) for norm in (True, False))
    assert parameters(normed[0]) - parameters(plain[0]) == 4 * (8 * 4 + 512)
    assert parameters(normed[1]) == parameters(plain[1])
    found = [[type(layer).__name__ for layer in nets[0].layers] for nets in (normed, plain)]
    assert [names.count("Activation") for names in found] == [10, 10]
    assert [names.count("BatchNormalization") for names in found] == [10, 8]


def test_an_encoder_of_three_scales_lacks_the_last_one():
    four, three = (build("resnet", (32, 32, 3), 8, base=4, scales=scales) for scales in (4, 3))

    def conv(inputs, outputs):
        return 9 * inputs * outputs + outputs

    down, block = conv(16, 32), 3 * conv(32, 32) + 2 * 4 * 32
    dense = 16 * (4 + 2 * 512)  # batch norm and two dense layers with half of the inputs
    assert parameters(four[0]) - parameters(three[0]) == down + block + dense
    assert parameters(four[1]) == parameters(three[1])


def test_the_network_of_ghosh():
    """No batch norm and no ReLU after the decoder's dense layer, and an encoder that maps [0, 1] to [-1, 1]."""
    own = build("cnn", (32, 32, 1), 4, ("z",), base=2, seed_norm=False, centred=True)
    other = build("cnn", (32, 32, 1), 4, ("z",), base=2)
    assert parameters(other[1]) - parameters(own[1]) == 4 * 16
    activations = [sum(isinstance(layer, layers.Activation) for layer in nets[1].layers) for nets in (own, other)]
    assert activations == [3, 4]
    own[0].set_weights(other[0].get_weights())
    x = np.random.default_rng(0).random((2, 32, 32, 1)).astype("float32")
    np.testing.assert_allclose(own[0](x)["z"], other[0](2 * x - 1)["z"], rtol=1e-4, atol=1e-6)


def test_l2_on_all_transposed_convolutions():
    decoder = RAE(image_shape=(32, 32, 1), latent_dim=4, network_options={"base": 2}, l2_on="transposed").decoder
    found = [layer for layer in decoder.layers if getattr(layer, "kernel_regularizer", None)]
    assert [layer.strides for layer in found] == [(2, 2), (2, 2), (1, 1)]


def test_spectral_norm_on_all_layers():
    model = RAE(image_shape=(32, 32, 1), latent_dim=4, network_options={"base": 2}, regularizer="sn", sn_on="all")
    expected = {"encoder": [*["Conv2D"] * 4, "Dense"], "decoder": ["Dense", *["Conv2DTranspose"] * 3]}
    for name, network in model.networks().items():
        wrapped = [layer.layer for layer in network.layers if isinstance(layer, layers.SpectralNormalization)]
        assert [type(layer).__name__ for layer in wrapped] == expected[name]
    assert model.encode(np.zeros((2, 32, 32, 1), "float32")).shape == (2, 4)


def test_l2_sits_on_the_stride_2_transposed_convolutions_alone():
    decoder = RAE(image_shape=(32, 32, 1), latent_dim=4, network_options={"base": 2}, regularizer="l2").decoder
    with_penalty = [
        layer for layer in decoder.layers if getattr(layer, "kernel_regularizer", None) or
        getattr(layer, "bias_regularizer", None)
    ]  # fmt: skip
    assert [type(layer).__name__ for layer in with_penalty] == ["Conv2DTranspose"] * 2
    assert all(layer.strides == (2, 2) and not layer.bias_regularizer for layer in with_penalty)


def test_spectral_norm_wraps_every_layer_of_the_decoder():
    keras.utils.set_random_seed(0)  # how fast the power iteration converges depends on the weights
    model = RAE(image_shape=(32, 32, 1), latent_dim=4, network_options={"base": 2}, regularizer="sn")
    wrapped = [layer for layer in model.decoder.layers if isinstance(layer, layers.SpectralNormalization)]
    assert [type(layer.layer).__name__ for layer in wrapped] == ["Dense", *["Conv2DTranspose"] * 3]
    for _ in range(30):  # the power iteration converges while training
        model.decoder(np.zeros((2, 4), "float32"), training=True)
    for layer in wrapped:
        kernel = keras.ops.convert_to_numpy(layer.layer.kernel)
        largest = np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]
        assert largest == pytest.approx(1, abs=0.02)


REFUSED = {
    "network": lambda: build("transformer", (32, 32, 3), 8),
    "layout": lambda: build("resnet", (32, 32, 3), 8, layout="heavy"),
    "option": lambda: build("resnet", (32, 32, 3), 8, stem_strid=2),
    "upsample": lambda: build("resnet", (32, 32, 3), 8, upsample="bicubic"),
    "not square": lambda: build("cnn", (32, 48, 3), 8),
    "not square, residual": lambda: build("resnet", (32, 48, 3), 8),
    "28 pixels": lambda: build("cnn", (28, 28, 1), 8),
    "28 pixels, residual": lambda: build("resnet", (28, 28, 1), 8),
    "no power of two": lambda: build("cnn", (48, 48, 1), 8),
    "no power of two, residual": lambda: build("resnet", (48, 48, 1), 8, base=2),
    "seed as large as the image": lambda: build("cnn", (32, 32, 1), 8, base=2, seed_side=32),
    "seed larger than the image": lambda: build("cnn", (32, 32, 1), 8, base=2, seed_side=64),
    "regulariser": lambda: RAE(regularizer="l1"),
    "reconstruction": lambda: SecondStageVAE(latent_dim=4, reconstruction="laplace"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_built_is_refused(case):
    with pytest.raises(ValueError, match="Received: "):
        REFUSED[case]()


def test_unknown_option_of_the_plain_network():
    with pytest.raises((TypeError, ValueError), match="layout"):
        build("cnn", (32, 32, 3), 8, layout="full")
