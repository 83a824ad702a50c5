"""What users feed a model with: arrays, tensors, data sets, generators, and batches with more in them than images.

A batch is what Keras takes for one, (x,), (x, y) or (x, y, sample_weight), or x alone; and x may be a dict such as
TensorFlow Datasets gives, {"image": ..., "label": ...}, a list of images or of arrays of images, or a `data.Dataset`.
Labels are left out. Of what comes in pieces the first batch is looked at before anything is computed.
"""

import inspect
import itertools

import keras
import numpy as np
from keras import ops

from green_vae.keras_internals import within_fit
from green_vae.models.inputs import check_target, is_labels, to_unit
from green_vae.utils.turns import in_turn

KEYS = ("image", "images", "x")  # what images are called in a dict


class Feeding:
    """Mixed in before `keras.Model`: where data comes in. The model supplies `check` and `image_shape`.

    Arrays, tensors and what is called by hand are checked whole, streams by their first batch (shape, dtype, range,
    NaN): all that a compiled step could say of wrong numbers is a loss without sense.
    """

    def __call__(self, inputs, *args, **kwargs):
        images = images_of(inputs, self.image_shape)
        if (numbers := numbers_of(images)) is not None:
            self.check(numbers)
        return super().__call__(images, *args, **kwargs)

    def fit(self, x=None, y=None, *args, class_weight=None, **kwargs):
        """`keras.Model.fit`; what comes in is checked first.

        Args:
            x: images, or whatever the head of `green_vae.models.feeding` names. `validation_data` takes the same.
            y: images that x is to be reconstructed as, None for x itself; also as (x, y) and (x, y, sample_weight) of a
                `tf.data.Dataset`, a `PyDataset` or a generator, in which labels are left out.
            sample_weight: see `compute_loss`.

        Callbacks that add to an epoch's logs come before those that read them, in whatever order they are given.

        Raises:
            ValueError: images that the model cannot take, a y that is no image, or weights of classes.
        """
        if class_weight is not None:
            raise ValueError(f"there are no classes here; give sample_weight. Received: class_weight={class_weight}")
        given = inspect.signature(keras.Model.fit).bind(self, x, y, *args, **kwargs).arguments
        x, y, sample_weight = self._fed(x, y, given.pop("sample_weight", None))
        if (data := given.get("validation_data")) is not None:
            given["validation_data"] = self._validation(data)
        if isinstance(callbacks := given.get("callbacks"), (list, tuple)):
            given["callbacks"] = in_turn(callbacks)
        return super().fit(**{**_named_arguments(given), "x": x, "y": y, "sample_weight": sample_weight})

    def evaluate(self, x=None, y=None, *args, **kwargs):
        """`keras.Model.evaluate`; arguments and errors as for `fit`."""
        if within_fit(kwargs):  # checked there, and a generator must not be read by two
            return super().evaluate(x, y, *args, **kwargs)
        given = inspect.signature(keras.Model.evaluate).bind(self, x, y, *args, **kwargs).arguments
        x, y, sample_weight = self._fed(x, y, given.pop("sample_weight", None))
        return super().evaluate(**{**_named_arguments(given), "x": x, "y": y, "sample_weight": sample_weight})

    def predict(self, x, *args, **kwargs):
        """`keras.Model.predict`; x and errors as for `fit`."""
        return super().predict(self._fed(x)[0], *args, **kwargs)

    def train_on_batch(self, x, y=None, sample_weight=None, *args, **kwargs):
        """`keras.Model.train_on_batch`; arguments and errors as for `fit`."""
        return super().train_on_batch(*self._fed(x, y, sample_weight), *args, **kwargs)

    def test_on_batch(self, x, y=None, sample_weight=None, *args, **kwargs):
        """`keras.Model.test_on_batch`; arguments and errors as for `fit`."""
        return super().test_on_batch(*self._fed(x, y, sample_weight), *args, **kwargs)

    def predict_on_batch(self, x):
        """`keras.Model.predict_on_batch`; x and errors as for `fit`."""
        return super().predict_on_batch(self._fed(x)[0])

    def _fed(self, x, y=None, sample_weight=None):
        """(x, y, sample_weight) for Keras, once checked."""
        if x is None or (is_stream(x) and not hasattr(x, "images")):
            return (x if x is None else looked_at(x, self.image_shape, self._check_pair)), y, sample_weight
        x, y = images_of(x, self.image_shape), None if y is None else _explicit(y, self.image_shape)
        self._check_pair(x, y)
        if y is None and sample_weight is not None:  # Keras drops weights that come without a y
            y = x
        return x, y, sample_weight

    def _check_pair(self, x, y):
        self.check(x)
        if y is not None:
            self.check(check_target(y, self.image_shape))

    def _validation(self, data):
        if isinstance(data, (tuple, list)) and 1 < len(data) < 4 and not _alike(data, self.image_shape):
            fed = self._fed(data[0], target_of(data[1], self.image_shape), *data[2:])
        else:
            fed = self._fed(data)
        return fed[0] if fed[1] is None else tuple(part for part in fed if part is not None)

    # what the compiled functions are made of: a batch as it comes, the state first on JAX

    def train_step(self, *args):
        return super().train_step(*args[:-1], batch_of(args[-1], self.image_shape))

    def test_step(self, *args):
        return super().test_step(*args[:-1], batch_of(args[-1], self.image_shape))

    def predict_step(self, *args):
        return super().predict_step(*args[:-1], batch_of(args[-1], self.image_shape))

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """As `keras.Model.compute_metrics`; metrics of `compile` compare reconstructions with y, or with x for None."""
        y = target_of(y, self.image_shape)  # on JAX, Keras builds metrics with a batch as it comes
        y = {"reconstruction": to_unit(images_of(x, self.image_shape) if y is None else y)}
        return super().compute_metrics(x, y, {"reconstruction": y_pred["reconstruction"]}, sample_weight)

    def export(self, filepath, *args, input_signature=None, **kwargs):
        """`keras.Model.export`, also of a model that was not called yet; it takes float images in [0, 1].

        Args:
            input_signature: None for images of any number, float32 (None, h, w, c).
        """
        whole = [keras.InputSpec(dtype="float32", shape=(None, *self.image_shape), name="images")]
        return super().export(filepath, *args, input_signature=input_signature or whole, **kwargs)


def _named_arguments(bound):
    """The arguments of a bound method by name, without `self`."""
    rest = {name: value for name, value in bound.items() if name not in ("self", "kwargs")}
    return {**rest, **bound.get("kwargs", {})}


def _alike(parts, image_shape):
    """Whether a list is one of images, or of arrays of images, and no (x, y)."""
    return isinstance(parts, list) and {_rank(part) for part in parts} == {len(image_shape)}


def _explicit(y, image_shape):
    """A y that somebody gave by its name: labels are refused, for they would have no effect."""
    y = target_of(y, image_shape, labels=True)
    return y if y is None else check_target(y, image_shape)


def images_of(x, image_shape):
    """The images in x of a batch, as an array or tensor.

    Args:
        x: array or tensor; a dict of them, whose images are called "image", "images" or "x", or are all that has the
            rank of images; a list of images, or of arrays of images; a tuple (x, y, ...), of which x counts; or
            anything with `images`, such as a `green_vae.data.Dataset`.
        image_shape: (h, w, c) of the model.

    Raises:
        ValueError: a dict without images, or with several that could be; an empty list.
    """
    if hasattr(x, "images"):
        return x.images
    if isinstance(x, dict):
        return _named(x, image_shape)
    if isinstance(x, tuple) and x:
        return images_of(x[0], image_shape)
    return _joined(x, image_shape) if isinstance(x, (list, tuple)) else x


def _named(batch, image_shape):
    named = [name for name in KEYS if name in batch]
    found = named or [name for name, value in batch.items() if _rank(value) == len(image_shape) + 1]
    if len(found) != 1:
        there_is = ", ".join(f"{name} {tuple(np.shape(value))}" for name, value in batch.items()) or "nothing"
        raise ValueError(f"a dict names its images one of {', '.join(KEYS)}. Received: a dict with {there_is}")
    return batch[found[0]]


def _joined(parts, image_shape):
    if not parts:
        raise ValueError("expected at least one image. Received: an empty list")
    ranks = {_rank(part) for part in parts}
    if ranks == {len(image_shape)}:
        return np.stack([ops.convert_to_numpy(part) for part in parts])
    if len(parts) == 1 or ranks != {len(image_shape) + 1}:  # [images], or [images, labels]
        return images_of(parts[0], image_shape)
    return np.concatenate([ops.convert_to_numpy(part) for part in parts])


def _rank(value):
    return len(getattr(value, "shape", np.shape(value)))


def batch_of(data, image_shape):
    """A batch as Keras takes it, with nothing in it but images and weights: x, (x, y) or (x, y, sample_weight).

    y is what x is reconstructed as; labels are left out, and of a dict y {"reconstruction": ...} counts.
    """
    if isinstance(data, list) and {_rank(part) for part in data} == {len(image_shape)}:
        data = (data,)  # a list of images, and no (x, y)
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    return keras.utils.pack_x_y_sample_weight(images_of(x, image_shape), target_of(y, image_shape), sample_weight)


def target_of(y, image_shape, labels=False):
    """y of a batch if it is images, or anything that should have been; None for labels, unless they are asked for."""
    if isinstance(y, dict):
        y = y.get("reconstruction")
    if y is None:
        return None
    y = images_of(y, image_shape) if hasattr(y, "images") or isinstance(y, (list, tuple)) else y
    y = y if hasattr(y, "shape") else np.asarray(y)
    return None if is_labels(y, image_shape) and not labels else y


def is_stream(x):
    """Whether x gives batches, one after the other: a `tf.data.Dataset`, a `PyDataset`, a generator, a `DataLoader`."""
    return isinstance(x, keras.utils.PyDataset) or (
        hasattr(x, "__iter__") and not hasattr(x, "shape") and not isinstance(x, (dict, list, tuple, str))
    )


def looked_at(stream, image_shape, check):
    """A stream that Keras takes, of which `check` has seen the first batch.

    A generator is read through ours, which takes its batches apart; all others are as they were, for the training step
    does so.

    Args:
        check: function of (x, y), y perhaps None.
    """
    own = getattr(stream, "checked", False)  # the package's own batches
    shared = type(stream).__module__.startswith("tensorflow.python.distribute")  # no batch, a part for each replica
    if own or shared:
        return stream
    rest = stream
    if hasattr(stream, "__next__"):
        first = next(stream, None)
        rest = () if first is None else itertools.chain([first], stream)
    elif isinstance(stream, keras.utils.PyDataset):
        first = stream[0]
    else:
        first = next(iter(stream), None)
    if first is None:
        raise ValueError(f"expected at least one batch. Received: {stream!r} without any")
    x, y, _ = keras.utils.unpack_x_y_sample_weight(batch_of(first, image_shape))
    check(x, y)
    if rest is stream:
        return stream
    batches = (batch_of(batch, image_shape) for batch in rest)
    return (batch if isinstance(batch, tuple) else (batch,) for batch in batches)


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
    parts = [ops.convert_to_numpy(images_of(batch, image_shape)) for batch in batches]
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


def numbers_of(x):
    """x as a NumPy array; None where it is symbolic, as in the trace of a compiled step."""
    try:
        return ops.convert_to_numpy(x)
    except (TypeError, ValueError, NotImplementedError, AttributeError):
        return None
