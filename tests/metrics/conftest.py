"""Random InceptionV3 weights in every format, made once; and a place without any weights."""

import os
from pathlib import Path

import keras
import numpy as np
import platformdirs
import pytest

from green_vae.metrics.weights import npz_names

REAL = os.environ.get("GREEN_VAE_DATA")  # read before `isolated` hides it
LINES = (Path(__file__).parent / "slim_variables.txt").read_text().splitlines()[1:]
SCOPES = [line.split()[0] for line in LINES]  # 94, in the order in which Keras creates its convolutions
SHAPES = [tuple(int(size) for size in line.split()[1].split("x")) for line in LINES]


@pytest.fixture(autouse=True)
def isolated(monkeypatch, tmp_path):
    """No weights of this machine are seen, nothing is written outside tmp_path, and nothing is fetched."""
    for name in ("GREEN_VAE_DATA", "GREEN_VAE_INCEPTION", "GREEN_VAE_INCEPTION_2015"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(tmp_path / "cache" / name))
    monkeypatch.setattr(keras.utils, "get_file", lambda *_, **__: pytest.fail("a download was tried"))


@pytest.fixture
def real_data():
    if not REAL:
        pytest.skip("GREEN_VAE_DATA not set: real weights are checked only where it names a folder with them")
    return Path(REAL)


@pytest.fixture(scope="session")
def arrays():
    """94 times kernel, beta, moving mean, moving variance: all different, and tame enough to pass through."""
    rng = np.random.default_rng(0)

    def unit(shape):
        fan_in, width = np.prod(shape[:3]), shape[3]
        kernel = rng.standard_normal(shape, "float32") * np.float32(np.sqrt(2 / fan_in))
        beta, mean = rng.standard_normal((2, width), "float32") * np.float32(0.1)
        return [kernel, beta, mean, rng.uniform(0.5, 1.5, width).astype("float32")]

    return [unit(shape) for shape in SHAPES]


def write_npz(path, arrays, convolutions=94, **extra):
    pairs = zip(range(1, convolutions + 1), arrays, strict=False)
    named = {name: array for number, unit in pairs for name, array in zip(npz_names(number), unit, strict=True)}
    np.savez(path, **named, **extra)
    return path


@pytest.fixture(scope="session")
def full_npz(arrays, tmp_path_factory):
    """The whole network, one array of whose last block is said to be reconstructed."""
    path = tmp_path_factory.mktemp("inception") / "keras_notop_approx.npz"
    return write_npz(path, arrays, approximate=np.array(["conv2d_82/kernel"]))


@pytest.fixture(scope="session")
def short_npz(arrays, tmp_path_factory):
    """The same weights, up to mixed8."""
    return write_npz(tmp_path_factory.mktemp("inception") / "keras_to_mixed8.npz", arrays, 76)


@pytest.fixture(scope="session")
def checkpoint(arrays, tmp_path_factory):
    """The same weights under TF-Slim's names, with the extras of a training checkpoint."""
    tf = pytest.importorskip("tensorflow")
    parts = ("weights", "BatchNorm/beta", "BatchNorm/moving_mean", "BatchNorm/moving_variance")
    named = {
        f"InceptionV3/{scope}/{part}": array
        for scope, unit in zip(SCOPES, arrays, strict=True)
        for part, array in zip(parts, unit, strict=True)
    }
    first = f"InceptionV3/{SCOPES[0]}/weights"
    extras = {f"{first}/ExponentialMovingAverage": named[first] + 1, f"{first}/RMSProp": named[first] + 2}
    named |= extras | {"global_step": np.int64(7), "InceptionV3/Logits/Conv2d_1c_1x1/biases": np.zeros(1001, "float32")}
    prefix = tmp_path_factory.mktemp("slim") / "inception_v3.ckpt"
    tf.raw_ops.SaveV2(
        prefix=str(prefix), tensor_names=list(named), shape_and_slices=[""] * len(named), tensors=list(named.values())
    )
    return prefix


@pytest.fixture(scope="session")
def network(arrays):
    """Keras's own network, its weights set in the order in which its layers were made, whatever their names."""
    made = []
    with pytest.MonkeyPatch.context() as patch:
        for kind in (keras.layers.Conv2D, keras.layers.BatchNormalization):
            patch.setattr(kind, "__init__", _recording(kind.__init__, made))
        model = keras.applications.InceptionV3(weights=None, include_top=False, input_shape=(299, 299, 3))
    assert len(made) == 2 * 94 and [type(layer).__name__ for layer in made[:2]] == ["Conv2D", "BatchNormalization"]
    for convolution, norm, (kernel, *rest) in zip(made[::2], made[1::2], arrays, strict=True):
        convolution.set_weights([kernel])
        norm.set_weights(rest)
    return model


def _recording(init, made):
    def wrapped(self, *args, **kwargs):
        made.append(self)
        init(self, *args, **kwargs)

    return wrapped


@pytest.fixture(scope="session")
def images():
    """Five smooth images, in [0, 1]."""
    coarse = np.random.default_rng(1).random((5, 4, 4, 3)).astype("float32")
    return coarse.repeat(8, 1).repeat(8, 2)


@pytest.fixture(scope="session")
def features(network, images):
    """Pooled features of `images`, computed step by step with Keras's own tools."""
    resized = keras.ops.image.resize(images, (299, 299), interpolation="bilinear")
    pools = [layer for layer in network.layers if isinstance(layer, keras.layers.MaxPooling2D)]
    places = {"64": pools[0], "192": pools[1], "avg_pool": network.get_layer("mixed10")}
    names = ("64", "192", "mixed7", "mixed8", "avg_pool")
    outputs = {name: (places.get(name) or network.get_layer(name)).output for name in names}
    maps = keras.Model(network.input, outputs).predict_on_batch(np.asarray(resized) * 2 - 1)
    return {name: value.mean((1, 2)) for name, value in maps.items()}
