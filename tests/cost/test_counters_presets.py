"""The networks of all presets, counted by us, by TensorFlow's profiler and by keras-flops: equal but for named extras.

Besides the products of matrices and convolutions those two count, per output element: 1 for a bias and for a sum, 2 for
batch norm (and 6 per channel) and for a rescaling, a few for some activations; means cost 1 per input element; an
up-sampling has 2 for the new size. Of a transposed convolution they count the kernel once per OUTPUT pixel and stride:
too much where the padding is not 'same'. All of that is added up here, and what is left must be 0.
"""

import dataclasses
import gc
import json

import keras
import pytest
from core_models import only
from keras import layers

from green_vae.cost import flops, keras_flops_count, networks_of, profiler_flops
from green_vae.cost.flops import every_call
from green_vae.cost.parameters import size
from green_vae.cost.rules import unwrap
from green_vae.presets import PRESETS, preset

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts of TensorFlow")
FULL = ("survey/cnn-b128-l128", "survey/resnet-s3-b64-l64", "survey/sn-rae-b128-l128", "svae/cifar10")
# per element; functions are free
ACTIVATIONS = {"linear": 0, "relu": 0, "sigmoid": 0, "elu": 0, "silu": 2, "gelu": 4, "log_softplus": 2}
MASKED = ("MaskedDense", "MaskedConv2D", "MaskedDepthwiseConv2D")
OPERATIONS = {"Add": 1, "Subtract": 1, "Multiply": 1, "LogSigmoid": 2, "Minimum": 1}  # bare ones


def elements(tensor):
    return size(tensor.shape[1:])


def besides(node):
    """What the profiler counts in one call that the rule "macs" does not."""
    layer, into, out = unwrap(node.operation), elements(node.input_tensors[0]), elements(node.output_tensors[0])
    count = out if getattr(layer, "use_bias", False) else 0
    activation = getattr(layer, "activation", None)
    count += out * ACTIVATIONS[activation.__name__] if activation else 0
    if isinstance(layer, layers.BatchNormalization):
        count += 2 * out + 6 * layer.gamma.shape[0]
    elif isinstance(layer, layers.Conv2DTranspose):
        positions, strides = out // layer.filters, layer.strides[0] * layer.strides[1]
        count += 2 * positions * size(layer.kernel.shape) / strides - 2 * into * size(layer.kernel.shape[:-1])
    elif isinstance(layer, (layers.Add, layers.Subtract, layers.Multiply)):
        count += out * (len(node.input_tensors) - 1)
    elif isinstance(layer, layers.Rescaling):
        count += 2 * out
    elif type(layer).__name__ == "Bounded":  # once for each bound
        count += out * ((layer.lowest is not None) + (layer.highest is not None))
    elif isinstance(layer, layers.GlobalAveragePooling2D):
        count += into
    elif isinstance(layer, layers.UpSampling2D):
        count += 2 if layer.interpolation == "nearest" else 0
    elif type(layer).__name__ == "Draw":  # mean + exp(log_var / 2) noise
        count += 3 * out
    elif type(layer).__name__ == "SoftBound":  # twice 5 tanh(x / 5); 2 ln(exp(.) + 0.01), the logarithm counted
        count += 7 * out
    elif type(layer).__name__ == "Recompose":  # w a + (1 - w) b: three times per channel, once per pixel; and a split
        count += 3 * out + elements(node.input_tensors[0][..., :1]) + 2
    elif type(layer).__name__ == "MixtureMean":
        c, pixels = layer.channels, out // layer.channels
        k = node.input_tensors[0].shape[-1] // (1 + 2 * c + c * (c - 1) // 2)
        # of k components: products and sums of the coupling and the weights, two bounds, softmax (5), sums over them
        count += pixels * (c * (c + 1) * k + 2 * c * k + 5 * k + c * (k - 1) + 4 * c)
    elif type(layer).__name__ in MASKED:  # the kernel times its mask, once whatever the batch
        count += size(layer.kernel.shape)
    elif not isinstance(layer, layers.Layer):
        count += out * OPERATIONS.get(type(layer).__name__, 0)
    return count


def thin(name):
    """The preset with few channels; every count keeps its form."""
    chosen = preset(name)
    options = chosen.config.get("network_options", {})
    if "widths" in options or chosen.model == "ladder_vae" or chosen.config.get("network") == "boon":
        return chosen
    narrow = {"base": 4, **({"groups": (1,) * len(options["groups"])} if "groups" in options else {})}
    return dataclasses.replace(chosen, config={**chosen.config, "network_options": {**options, **narrow}})


OWN_NETWORKS = ("autoencoder", "rae", "split_vae", "ladder_vae", "hierarchical_vae")  # other models differ by the loss


def structure(name):
    """What the thin networks of a preset depend on but for the number of latent units."""
    chosen, sizes = thin(name), ("image_shape", "network", "network_options", "posterior", "posterior_options")
    config = {key: chosen.config.get(key) for key in (*sizes, "regularizer", "latent_dims", "widths")}
    return json.dumps([chosen.model if chosen.model in OWN_NETWORKS else "", config], sort_keys=True)


# together they have every kind of layer and activation; the others run with `-m slow`
COVERING = ("boon/optimal-sigma-cifar100", "nvae/celeba", "review/mlp-cifar10-published", "slides/beta-celeba-l256",
            "slides/iaf-free-bits-mnist-binary", "slides/ladder-mnist-binary", "survey/nvae-z10-b100-l4-code",
            "svae/mnist-tiny")  # fmt: skip
DISTINCT = sorted({structure(name): name for name in PRESETS}.values())


def expected(network):
    return flops(network, "macs") + sum(besides(call.node) for _, call in every_call(network, "macs"))


@pytest.fixture
def collected():
    """The memory of large networks is given back."""
    yield
    gc.collect()


def kinds(name):
    """The kinds of layers and activations in the thin networks of a preset."""
    found = set()
    for network in networks_of(thin(name).build()).values():
        for _, call in every_call(network, "macs"):
            layer = unwrap(call.node.operation)
            activation = getattr(getattr(layer, "activation", None), "__name__", "")
            found.add((type(layer).__name__, activation, getattr(layer, "strides", None)))
    return found


@pytest.mark.slow
def test_a_quick_run_covers_every_kind_of_layer(collected):
    assert set(COVERING) <= set(DISTINCT)
    assert set().union(*map(kinds, COVERING)) == set().union(*map(kinds, DISTINCT))


@pytest.mark.parametrize("name", only(DISTINCT, *COVERING))
def test_every_network_made_thin(name, collected):
    model = thin(name).outline()
    for network in networks_of(model).values():
        assert profiler_flops(network) == keras_flops_count(network) == expected(network), network.name


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_at_full_width(name, collected):
    """There, what they count besides is small: most operations are products."""
    model = preset(name).outline()
    for network in networks_of(model).values():
        count = profiler_flops(network)
        assert count == expected(network), network.name
        assert 1 < count / flops(network, "macs") < 1.01
