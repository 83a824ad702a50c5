"""InceptionV3 as one extractor of several pooled layers, from weights of three formats; protocol `survey`."""

import contextlib
import os
import random
from pathlib import Path

import keras
import numpy as np

from green_vae.metrics import slim, weights
from green_vae.metrics.protocol import LAYERS, Protocol, canonical_layer, checked_precision
from green_vae.metrics.resize import DEFAULT, SIZE, described, parsed, resized
from green_vae.utils.reading import DAMAGED, check_h5, finite_floats


class InceptionExtractor:
    """Features of Keras's InceptionV3 (very likely TF-Slim's `inception_v3_2016_08_28`) as the survey measures them.

    Images in [0, 1] are resized to 299x299 (bilinear, half-pixel centres, no antialiasing) and mapped by 2x - 1, if
    `resize` asks for no other rule.
    Only the layers up to the deepest one asked for are computed. Nothing is built before the first call; which
    weights there are is known, and checked, at once.

    Args:
        layers: names or widths of `LAYERS`, several at the price of the deepest.
        path, data_dir, download: where the weights are; see `weights.find_weights`.
        batch_size: images at a time; smaller batches are padded to it, so that one program serves all.
        quantise, stretch: see `Protocol`; only written down here, done by `stream.prepare`.
        precision: "float32", or "bfloat16" for the products of `in_bfloat16`.
        resize: a rule of `resize.RULES`, perhaps with another input size: "nearest", "bicubic", "bilinear@150".

    Raises:
        ValueError: unknown layer, precision or rule, or a weights file that is damaged or ends before it.
        WeightsNotFoundError: no weights file.
    """

    def __init__(
        self,
        layers=("mixed8",),
        path=None,
        data_dir=None,
        download=False,
        batch_size=32,
        quantise=False,
        stretch=False,
        precision="float32",
        resize=DEFAULT,
    ):
        self.precision, self.resize = checked_precision(precision), resize
        self.layers = tuple(dict.fromkeys(canonical_layer(layer) for layer in layers))
        if not self.layers:
            raise ValueError(f"at least one layer is needed. Received: layers={layers!r}")
        self.path = weights.find_weights(self.layers, path, data_dir, download)
        self.batch_size = batch_size
        settings = {"quantise": quantise, "stretch": stretch, "precision": precision}
        settings["resize"] = described(resize)
        self.protocols = {layer: _protocol(self.path, layer, settings) for layer in self.layers}
        self._network, self._models = None, {}

    def __call__(self, images, layers=None):
        """Features by layer, float32 (n, dim).

        Args:
            images: float (n, height, width, 3) in [0, 1]; n at most `batch_size`.
            layers: some of `self.layers`; default: all.

        Raises:
            ValueError: more images than `batch_size`.
        """
        if len(images) > self.batch_size:
            raise ValueError(f"at most batch_size={self.batch_size} images at a time. Received: {len(images)}")
        layers = self.layers if layers is None else tuple(layers)
        if layers not in self._models:
            self._models[layers] = self._model(layers)
        padded = np.resize(images, (self.batch_size, *images.shape[1:]))  # repeats images; their features are cut off
        features = self._models[layers].predict_on_batch(padded)
        return {layer: np.asarray(value)[: len(images)] for layer, value in features.items()}

    def _model(self, layers):
        if self._network is None:
            deepest, (_, size) = max(LAYERS[layer].convolutions for layer in self.layers), parsed(self.resize)
            network = build_network(self.path, deepest, size)
            self._network = network if self.precision == "float32" else in_bfloat16(network)
        return pooled_model(self._network, layers, self.resize)


def build_network(path, convolutions=94, size=SIZE):
    """Keras's InceptionV3 without top, float32, its first `convolutions` convolutions set from a weights file.

    Args:
        size: of its input, in pixels.

    Raises:
        ValueError: the file is damaged or does not fit.
    """
    with _plain_keras():
        inputs = keras.Input((size, size, 3), dtype="float32")
        network = keras.applications.InceptionV3(weights=None, include_top=False, input_tensor=inputs)
    if Path(path).suffix in weights.H5_SUFFIXES:
        _load_h5(network, path)
    else:
        read = weights.read_npz if Path(path).suffix == ".npz" else read_slim
        _assign(network, read(path, convolutions), path)
    network.trainable = False
    return network


def in_bfloat16(network):
    """The same network, whose kernels and feature maps are bfloat16 behind the first max pool.

    What lies before it stays float32, for a fourteenth of the speed: three convolutions, whose rounding alone makes up
    three quarters of the error of the features. Batch norm is a part of the convolutions: kernel / s and
    shift - mean / s, with s^2 = variance + epsilon, computed in float64 and rounded once. As an operation of its own it
    would go over every feature map in float32.
    """
    names = [layer.name for layer in network.layers]
    first = names[: names.index(_in_order(network, keras.layers.MaxPooling2D)[0].name) + 1]

    def same(layer):
        dtype = "float32" if layer.name in first else "mixed_bfloat16"
        if isinstance(layer, keras.layers.BatchNormalization):
            return _Nothing(name=layer.name, dtype=dtype)
        settings = layer.get_config() | {"dtype": dtype}
        if isinstance(layer, keras.layers.Conv2D):
            settings["use_bias"] = True
        return type(layer).from_config(settings)

    with _plain_keras():
        copy = keras.models.clone_model(network, clone_function=same)
    for convolution, norm in network_units(network):
        kernel, shift, mean, variance = (
            keras.ops.convert_to_numpy(variable).astype("float64") for variable in convolution.weights + norm.weights
        )
        scale = 1 / np.sqrt(variance + norm.epsilon)
        copy.get_layer(convolution.name).set_weights([kernel * scale, shift - mean * scale])
    copy.trainable = False
    return copy


class _Nothing(keras.layers.Layer):
    """In the place of a batch norm; takes a mask, as that does."""

    def call(self, x, mask=None):
        return x


def pooled_model(network, layers, resize=DEFAULT):
    """A model from images (n, any, any, 3) in [0, 1] to pooled float32 features; nothing deeper is computed."""
    pools = _in_order(network, keras.layers.MaxPooling2D)
    places = {"64": pools[0], "192": pools[1], "avg_pool": network.get_layer("mixed10")}
    with _plain_keras():
        tensors = {layer: (places.get(layer) or network.get_layer(layer)).output for layer in layers}
        maps = {layer: keras.ops.cast(tensor, "float32") for layer, tensor in tensors.items()}
        pooled = {layer: keras.ops.mean(tensor, axis=(1, 2)) for layer, tensor in maps.items()}
        trunk = keras.Model(network.input, pooled)
        images = keras.Input((None, None, 3), dtype="float32")
        model = keras.Model(images, trunk(network_input(images, resize)))
    # one compiled program per image size; XLA is slower for TensorFlow on a CPU, and all that JAX has
    model.compile(jit_compile=keras.config.backend() == "jax")
    return model


def network_input(images, resize=DEFAULT):
    """Images in [0, 1] at the network's size and range; by default the rule of `tf.image.resize`, on every backend."""
    return 2 * resized(images, resize) - 1


def network_units(network):
    """(convolution, normalisation) pairs in the order of creation, which is that of the numbers in their names.

    `network.layers` is sorted by depth instead; and the numbers start anywhere, if the process made layers before.
    """
    convolutions = _in_order(network, keras.layers.Conv2D)
    return list(zip(convolutions, _in_order(network, keras.layers.BatchNormalization), strict=True))


def read_slim(prefix, convolutions=94):
    """(kernel, beta, moving mean, moving variance) of the first convolutions, from a TF-Slim checkpoint.

    All else in it (logits, optimiser, moving averages of weights) is left alone.

    Args:
        prefix: path without .index or .data; or the one file of the first checkpoint format.

    Raises:
        ValueError: damaged, or not InceptionV3 of TF-Slim.
    """
    tf = tensorflow("a TF-Slim checkpoint")
    wanted = [slim.slim_names(scope) for scope in slim.SCOPES[:convolutions]]
    try:
        reader = tf.train.load_checkpoint(os.fspath(prefix))
        missing = [name for names in wanted for name in names if not reader.has_tensor(name)]
        if not missing:
            return [[reader.get_tensor(name) for name in names] for names in wanted]
    except (tf.errors.OpError, *DAMAGED) as error:
        raise ValueError(f"damaged checkpoint ({error}); {weights.damage(prefix)}") from error
    raise ValueError(
        f"{prefix} is not TF-Slim's InceptionV3: it lacks {len(missing)} variables, the first {missing[0]}; "
        f"{weights.damage(prefix)}"
    )


def tensorflow(what):
    """TensorFlow, imported only where a file of its own must be read.

    Raises:
        ImportError: it is not installed; says what needs it.
    """
    try:
        import tensorflow
    except ImportError as error:
        raise ImportError(f"reading {what} needs TensorFlow: pip install 'green_vae[tensorflow]'") from error
    return tensorflow


def _protocol(path, layer, settings):
    """The protocol of one layer, with further settings; refuses a file that ends before the layer."""
    convolutions, held, approximate = LAYERS[layer].convolutions, 94, set()
    if path.suffix == ".npz":
        held, approximate = weights.npz_contents(path)
    if held < convolutions:
        available = [name for name, entry in LAYERS.items() if entry.convolutions <= held]
        ways = weights.THREE_WAYS.format(folder=path.parent)
        raise ValueError(f"{path} ends before this layer; available from it: {available}. {ways}. Received: {layer!r}")
    used = {name for number in range(convolutions) for name in weights.npz_names(number + 1)}
    return Protocol(
        name="survey",
        weights="InceptionV3 of Keras / TF-Slim"
        + {".npz": " (.npz)", ".h5": " (.h5)"}.get(path.suffix, " (checkpoint)"),
        weights_sha256=weights.fingerprint(path, convolutions),
        input_range="x in [0, 1] as 2x - 1",
        layer=layer,
        approximate=bool(approximate & used),
        **settings,
    )


def _load_h5(network, path):
    """Keras's own files, old and new; Keras matches the layers."""
    try:
        check_h5(path)
        network.load_weights(path)
    except Exception as error:  # h5py and Keras raise many kinds for one cause
        raise ValueError(f"cannot read {path} as InceptionV3 without top ({error}); {weights.damage(path)}") from error
    for convolution, norm in network_units(network):
        for variable in convolution.weights + norm.weights:
            _finite(keras.ops.convert_to_numpy(variable), variable.path, path)


def _assign(network, arrays, path):
    for number, ((convolution, norm), (kernel, *rest)) in enumerate(
        zip(network_units(network), arrays, strict=False), 1
    ):
        for variable, array in zip(convolution.weights + norm.weights, [kernel, *rest], strict=True):
            name = f"convolution {number}, {variable.name}"
            if array.shape != tuple(variable.shape):
                raise ValueError(f"wrong shape of {name}: {array.shape}, not {variable.shape}; {weights.damage(path)}")
            variable.assign(_finite(array, name, path))


def _finite(array, name, path):
    if not finite_floats(array):
        raise ValueError(f"NaN or infinite numbers, or no numbers, in {name}; {weights.damage(path)}")
    return array


def _in_order(network, kind):
    """Layers of a type by the number that ends their names; "conv2d" has none and is 0."""
    found = [layer for layer in network.layers if isinstance(layer, kind)]
    return sorted(found, key=lambda layer: int(digits) if (digits := layer.name.rpartition("_")[2]).isdigit() else 0)


@contextlib.contextmanager
def _plain_keras():
    """Float32 channels last, whatever the user set; and their random numbers are not touched by our initialisers."""
    policy, order, state = keras.config.dtype_policy(), keras.config.image_data_format(), random.getstate()
    keras.config.set_dtype_policy("float32")
    keras.config.set_image_data_format("channels_last")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)
        keras.config.set_image_data_format(order)
        random.setstate(state)
