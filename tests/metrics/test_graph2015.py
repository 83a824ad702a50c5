"""The 2015 protocol on a small graph with the names and the age of the real one."""

import numpy as np
import pytest

from green_vae.metrics import FIDEvaluator, Graph2015Extractor

tf = pytest.importorskip("tensorflow")
SIZE, WIDTH = 9, 6
KERNEL = np.random.default_rng(0).standard_normal((3, WIDTH)).astype("float32")
IMAGES = np.random.default_rng(1).integers(0, 256, (7, 4, 5, 3), "uint8")


@pytest.fixture
def graph(tmp_path):
    """Decoded image, batch of one, TensorFlow 1's resize, (x - 128) / 128, an old normalisation, pool_3."""
    with tf.Graph().as_default() as made:
        image = tf.compat.v1.placeholder(tf.uint8, (None, None, 3), "DecodeJpeg")
        batch = tf.expand_dims(tf.cast(image, tf.float32), 0, name="ExpandDims")
        resized = tf.raw_ops.ResizeBilinear(images=batch, size=[SIZE, SIZE])
        normal = tf.subtract(resized, 128.0) * np.float32(1 / 128)
        maps = tf.nn.conv2d(normal, KERNEL[None, None], 1, "VALID", name="conv")
        for name, value in {"mean": 0.5, "variance": 4 - 0.001, "beta": 0.25, "gamma": 1.0}.items():
            tf.constant(np.full(WIDTH, value, "float32"), name=name)
        tf.nn.avg_pool2d(maps, SIZE, 1, "VALID", name="pool_3")
    definition = made.as_graph_def()
    _normalise(definition)
    definition.versions.producer = 8  # newer graphs may not hold that operation
    path = tmp_path / "classify_image_graph_def.pb"
    path.write_bytes(definition.SerializeToString())
    return path


def _normalise(definition):
    """Put BatchNormWithGlobalNormalization, as in the real graph, between conv and pool_3."""
    node = definition.node.add(name="norm", op="BatchNormWithGlobalNormalization")
    node.input.extend(["conv", "mean", "variance", "beta", "gamma"])
    node.attr["T"].type = tf.float32.as_datatype_enum
    node.attr["variance_epsilon"].f = 0.001
    node.attr["scale_after_normalization"].b = False
    pool = next(node for node in definition.node if node.name == "pool_3")
    pool.input[0] = "norm"


def tf1_bilinear(images, axis):
    """TensorFlow 1's rule: sources at i * old / new, no half pixels, the edge held."""
    old = images.shape[axis]
    places = np.arange(SIZE) * old / SIZE
    low = places.astype(int)
    shape = [1] * images.ndim
    shape[axis] = SIZE
    share = (places - low).reshape(shape)
    return images.take(low, axis) * (1 - share) + images.take(np.minimum(low + 1, old - 1), axis) * share


def expected(images):
    resized = tf1_bilinear(tf1_bilinear(images.astype("float64"), 1), 2)
    return ((((resized - 128) / 128) @ KERNEL - 0.5) / 2 + 0.25).mean((1, 2))


@pytest.fixture
def width(monkeypatch):
    """As wide as the small graph."""
    monkeypatch.setattr("green_vae.metrics.protocol.Protocol.dim", WIDTH)


def test_features_by_formula_in_any_batch(graph):
    extractor = Graph2015Extractor(path=graph)
    for part in (IMAGES, IMAGES[:1]):
        measured = extractor(part / np.float32(255))["avg_pool"]
        np.testing.assert_allclose(measured, expected(part), rtol=1e-4, atol=1e-5)


def test_through_the_evaluator(graph, width, monkeypatch):
    monkeypatch.setenv("GREEN_VAE_INCEPTION_2015", str(graph))
    evaluator = FIDEvaluator(protocol="ttur", batch_size=3)
    moments = evaluator.moments(IMAGES)["avg_pool"]
    assert evaluator.layers == ("avg_pool",) and moments.n == 7
    np.testing.assert_allclose(moments.mean, expected(IMAGES).mean(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(moments.covariance, np.cov(expected(IMAGES), rowvar=False), rtol=1e-3, atol=1e-6)


def test_floats_are_rounded_to_whole_pixels(graph, width):
    """Less than half a grey level away gives the same features, also to the extractor alone."""
    evaluator = FIDEvaluator(protocol="ttur", weights=graph)
    near = np.clip(IMAGES / 255 + 0.4 / 255, 0, 1)
    np.testing.assert_array_equal(evaluator.moments(near)["avg_pool"].mean, evaluator.moments(IMAGES)["avg_pool"].mean)
    alone = evaluator.extractor(near)["avg_pool"]
    np.testing.assert_array_equal(alone, evaluator.extractor(IMAGES / 255)["avg_pool"])


def test_protocol(graph, tmp_path):
    protocol = Graph2015Extractor(path=graph).protocols["avg_pool"]
    assert protocol.label == "FID(ttur)" and protocol.quantise and protocol.dim == 2048
    assert (
        FIDEvaluator(protocol="ttur", weights=graph, stretch=True).protocols["avg_pool"].label == "FID(ttur, stretched)"
    )
    (tmp_path / "inception").mkdir()
    graph.rename(tmp_path / "inception" / graph.name)
    assert Graph2015Extractor(data_dir=tmp_path).protocols["avg_pool"] == protocol


def test_other_layers_and_damaged_graphs_are_refused(graph):
    with pytest.raises(ValueError, match="one layer, 'avg_pool'. Received: .*1280"):
        FIDEvaluator((1280,), protocol="ttur", weights=graph)
    data = graph.read_bytes()
    empty = tf.Graph().as_graph_def().SerializeToString()
    for content in (data[: len(data) // 2], b"no graph", empty):
        graph.write_bytes(content)
        with pytest.raises(ValueError, match="not the Inception graph of 2015.*Received: .*classify_image"):
            Graph2015Extractor(path=graph)(IMAGES / 255.0)
