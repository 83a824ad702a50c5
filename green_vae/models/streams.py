"""Batches that come one after the other: each is looked at as it comes, before a step sees it.

A backend that reads a stream makes an error of its own of whatever is raised in there. A `Watch` keeps what was said.
"""

import contextlib
import itertools

import keras
import numpy as np
from keras import ops

from green_vae.models.batch import as_array, batch_of, images_of
from green_vae.models.inputs import array_of


class Watch:
    """Takes batches apart, checks what is in them, and keeps the error of the first that is refused.

    Args:
        image_shape: (h, w, c) of the model.
        check: function of (x, y, sample_weight), arrays or tensors, the last two perhaps None.
    """

    def __init__(self, image_shape, check):
        self.image_shape, self.check, self.refused = image_shape, check, None

    def __call__(self, batch, types):
        """A batch of a stream as Keras takes it, once checked.

        Args:
            batch: as it comes.
            types: set of the types of images that the stream had; a backend casts to the first one, whatever it means.
        """
        try:
            batch = batch_of(batch, self.image_shape)
            x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
            self.check(x, y, sample_weight)
            types.add("uint8" if array_of(x[:0]).dtype == np.uint8 else "float")
            if len(types) > 1:
                raise ValueError("all batches have one type. Received: one of uint8 beside one of floats")
        except ValueError as error:
            self.refused = error
            raise
        return batch

    @contextlib.contextmanager
    def speaking(self):
        """Inside, an error that comes of a refused batch is raised as it was."""
        try:
            yield
        except Exception:
            if self.refused is None:
                raise
            raise self.refused from None


class WatchedPieces(keras.utils.PyDataset):
    """A `PyDataset`, of which a `Watch` sees every batch."""

    checked = True

    def __init__(self, pieces, watch):
        super().__init__(workers=pieces.workers, max_queue_size=pieces.max_queue_size)
        self.pieces, self.watch, self.types = pieces, watch, set()

    def __getitem__(self, index):
        batch = self.watch(self.pieces[index], self.types)
        return batch if isinstance(batch, tuple) else (batch,)

    @property
    def num_batches(self):
        return self.pieces.num_batches

    def on_epoch_begin(self):
        self.pieces.on_epoch_begin()

    def on_epoch_end(self):
        self.pieces.on_epoch_end()


def is_stream(x):
    """Whether x gives batches, one after the other: a `tf.data.Dataset`, a `PyDataset`, a generator, a `DataLoader`."""
    return isinstance(x, keras.utils.PyDataset) or (
        hasattr(x, "__iter__") and not hasattr(x, "shape") and not isinstance(x, (dict, list, tuple, str))
    )


def watched(stream, watch):
    """A stream that Keras takes, of which `watch` has seen the first batch, and sees every other one as it comes.

    Not of data sets that are distributed, of a `PyDataset` in several processes, and of a `DataLoader`, of which the
    first batch alone is looked at.
    """
    own = getattr(stream, "checked", False)  # the package's own batches
    shared = type(stream).__module__.startswith("tensorflow.python.distribute")  # no batch, a part for each replica
    if own or shared:
        return stream
    types = set()
    if isinstance(stream, keras.utils.PyDataset):
        watch(_first(stream, iter([stream[0]] if stream.num_batches != 0 else [])), types)
        return stream if stream.use_multiprocessing else WatchedPieces(stream, watch)
    first = watch(_first(stream, stream), types)
    if hasattr(stream, "__next__"):
        batches = itertools.chain([first], (watch(batch, types) for batch in stream))
        return (batch if isinstance(batch, tuple) else (batch,) for batch in batches)
    return _mapped(stream, watch) if hasattr(stream, "element_spec") else stream


def _first(stream, batches):
    """The next batch of `batches`, which a generator does not give again."""
    for batch in batches:
        return batch
    raise ValueError(f"expected at least one batch. Received: {stream!r} without any")


def _mapped(dataset, watch):
    """A `tf.data.Dataset` of batches as Keras takes them, which NumPy looks at on their way."""
    import tensorflow as tf

    if tf.distribute.has_strategy():  # what Python does cannot be sent elsewhere
        return dataset

    def look(*arrays):
        watch(arrays, set())

    def take(*parts):
        batch = batch_of(parts if isinstance(dataset.element_spec, tuple) else parts[0], watch.image_shape)
        there = [part for part in keras.utils.unpack_x_y_sample_weight(batch) if part is not None]
        with tf.control_dependencies([tf.numpy_function(look, there, [])]):
            images = [tf.ensure_shape(part, (None, *watch.image_shape)) for part in there[:2]]
            return (*images, *map(tf.identity, there[2:]))

    return dataset.map(take)


def gathered(x, image_shape):
    """All images of x as one array or tensor; a stream is read to its end into memory.

    Raises:
        ValueError: a stream without an end, or without a batch; and as `images_of`.
    """
    if not is_stream(x) or hasattr(x, "images"):
        return images_of(x, image_shape)
    if _endless(x):
        raise ValueError(f"expected images that end, say of dataset.take(100). Received: {x!r} without an end")
    batches = (x[index] for index in range(len(x))) if isinstance(x, keras.utils.PyDataset) else x
    parts = [ops.convert_to_numpy(as_array(images_of(batch, image_shape))) for batch in batches]
    if not parts:
        raise ValueError(f"expected at least one batch. Received: {x!r} without any")
    for part in parts:
        if part.shape[1:] != parts[0].shape[1:]:
            raise ValueError(f"expected images of one size. Received: shapes {parts[0].shape} and {part.shape}")
    return np.concatenate(parts)


def _endless(stream):
    if isinstance(stream, keras.utils.PyDataset):
        return stream.num_batches is None
    return hasattr(stream, "cardinality") and int(stream.cardinality()) == -1  # tf.data.INFINITE_CARDINALITY
