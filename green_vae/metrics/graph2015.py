"""The Inception graph of 2015 and its pool_3 features; protocol `ttur`."""

import os
from pathlib import Path

import numpy as np

from green_vae.metrics import weights
from green_vae.metrics.inception import tensorflow
from green_vae.metrics.protocol import Protocol, canonical_layer

GRAPH = "classify_image_graph_def.pb"
_INPUT, _OUTPUT = "ExpandDims:0", "pool_3:0"  # after decoding the JPEG; before the logits


class Graph2015Extractor:
    """Features of the frozen graph `classify_image_graph_def.pb` (2015-12-05), run as it is, through TensorFlow.

    The graph resizes (TensorFlow 1's bilinear rule) and normalises ((x - 128) / 128) by itself. It is fed whole pixel
    values 0..255. Source: Heusel et al., "GANs Trained by a Two Time-Scale Update Rule ...", 2017, and their code.

    Args:
        layers: ("avg_pool",), the only one.
        path: the graph; default $GREEN_VAE_INCEPTION_2015, else `inception/` of the data folder.
        data_dir: see `weights.inception_folder`.
        stretch: see `Protocol`.
        precision: "float32", the only one.

    Raises:
        WeightsNotFoundError: no graph. It is in inception-2015-12-05.tgz of download.tensorflow.org.
        ValueError: another layer or precision, or a damaged graph (when it is first used).
    """

    layers = ("avg_pool",)

    def __init__(
        self, layers=("avg_pool",), path=None, data_dir=None, batch_size=32, stretch=False, precision="float32"
    ):
        if {canonical_layer(layer) for layer in layers} != {"avg_pool"}:
            raise ValueError(f"the protocol ttur has one layer, 'avg_pool'. Received: {tuple(layers)}")
        if precision != "float32":
            raise ValueError(f"the graph of 2015 runs as it is, in float32. Received: precision={precision!r}")
        self.path = _find(path, data_dir)
        self.batch_size = batch_size
        protocol = Protocol(
            name="ttur",
            weights="Inception graph of 2015-12-05",
            weights_sha256=weights.fingerprint(self.path, None),
            resize="TensorFlow 1 bilinear, in the graph",
            input_range="0..255 as (x - 128) / 128, in the graph",
            layer="avg_pool",
            quantise=True,
            stretch=stretch,
        )
        self.protocols = {"avg_pool": protocol}
        self._run = None

    def __call__(self, images, layers=None):
        """Features {"avg_pool": float32 (n, 2048)} of float images (n, height, width, 3) in [0, 1]."""
        if self._run is None:
            self._run = _load(self.path)
        features = self._run(np.rint(images * np.float32(255)))
        return {"avg_pool": features.reshape(len(images), -1)}


def _find(path, data_dir):
    given = path or os.environ.get("GREEN_VAE_INCEPTION_2015")
    file = Path(given).expanduser() if given else weights.inception_folder(data_dir) / GRAPH
    if not file.is_file():
        raise weights.WeightsNotFoundError(
            f"no Inception graph of 2015 at {file}. Take {GRAPH} out of inception-2015-12-05.tgz "
            "(http://download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz) and put it there, or set "
            f"GREEN_VAE_INCEPTION_2015 to its path. Received: path={path!r}"
        )
    return file


def _load(path):
    """The graph as a function; the batch dimension is freed, which the file fixes at 1."""
    tf = tensorflow("the Inception graph of 2015")
    try:
        definition = tf.compat.v1.GraphDef.FromString(path.read_bytes())
        with tf.Graph().as_default() as graph:
            images = tf.compat.v1.placeholder(tf.float32, (None, None, None, 3))
            (features,) = tf.import_graph_def(definition, {_INPUT: images}, [_OUTPUT])
    except Exception as error:  # protobuf's DecodeError is of no public type
        raise ValueError(f"not the Inception graph of 2015 ({error}); {weights.damage(path)}") from error
    session = tf.compat.v1.Session(graph=graph)
    return lambda batch: session.run(features, {images: batch})
