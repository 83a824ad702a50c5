"""What users feed a model with: arrays, tensors, data sets, generators, and batches with more in them than images.

A batch is what Keras takes for one, (x,), (x, y) or (x, y, sample_weight), or x alone; and x may be a dict such as
TensorFlow Datasets gives, {"image": ..., "label": ...}, a list of images or of arrays of images, or a `data.Dataset`.
Labels are left out. Of what comes in pieces the first batch is looked at before anything is computed, and each of the
others before a step sees it, see `green_vae.models.streams`.
"""

import contextlib
import inspect
import math
import warnings

import keras

from green_vae.keras_internals import within_fit
from green_vae.models.batch import batch_of, images_of, numbers_of, rank, target_of
from green_vae.models.inputs import as_weights, check_target, check_weights, to_unit
from green_vae.models.streams import Watch, is_stream, watched
from green_vae.utils.turns import in_turn


class Feeding:
    """Mixed in before `keras.Model`: where data comes in. The model supplies `check` and `image_shape`.

    Shape, dtype, range and NaN are checked, of arrays, tensors and what is called by hand as a whole, of streams batch
    by batch: all that a compiled step could say of wrong numbers is a loss without sense.
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

        Callbacks that add to an epoch's logs come before those that read them, in whatever order they are given. Those
        that stop by a loss whose scale moves get a warning, and so does a loss that is no finite number.

        Raises:
            ValueError: images that the model cannot take, a y that is no image, or weights of classes.
        """
        if class_weight is not None:
            raise ValueError(f"there are no classes here; give sample_weight. Received: class_weight={class_weight}")
        given = inspect.signature(keras.Model.fit).bind(self, x, y, *args, **kwargs).arguments
        weights = given.pop("sample_weight", None)
        with self._watching() as watch:
            x, y, sample_weight = self._fed(watch, x, y, weights)
            if (data := given.get("validation_data")) is not None:
                given["validation_data"] = self._validation(watch, data)
            if not isinstance(callbacks := given.get("callbacks"), keras.callbacks.CallbackList):
                callbacks = list(keras.tree.flatten(callbacks)) if callbacks is not None else []
                self._warn_of_moving_scale(callbacks)
                given["callbacks"] = in_turn([*callbacks, _LossIsANumber()])
            return super().fit(**{**_named_arguments(given), "x": x, "y": y, "sample_weight": sample_weight})

    def evaluate(self, x=None, y=None, *args, **kwargs):
        """`keras.Model.evaluate`; arguments and errors as for `fit`."""
        if within_fit(kwargs):  # checked there, and a generator must not be read by two
            return super().evaluate(x, y, *args, **kwargs)
        given = inspect.signature(keras.Model.evaluate).bind(self, x, y, *args, **kwargs).arguments
        weights = given.pop("sample_weight", None)
        with self._watching() as watch:
            x, y, sample_weight = self._fed(watch, x, y, weights)
            return super().evaluate(**{**_named_arguments(given), "x": x, "y": y, "sample_weight": sample_weight})

    def predict(self, x, *args, **kwargs):
        """`keras.Model.predict`; x and errors as for `fit`."""
        with self._watching() as watch:
            return super().predict(self._fed(watch, x)[0], *args, **kwargs)

    def train_on_batch(self, x, y=None, sample_weight=None, *args, **kwargs):
        """`keras.Model.train_on_batch`; arguments and errors as for `fit`."""
        return super().train_on_batch(*self._fed(self._watch(), x, y, sample_weight), *args, **kwargs)

    def test_on_batch(self, x, y=None, sample_weight=None, *args, **kwargs):
        """`keras.Model.test_on_batch`; arguments and errors as for `fit`."""
        return super().test_on_batch(*self._fed(self._watch(), x, y, sample_weight), *args, **kwargs)

    def predict_on_batch(self, x):
        """`keras.Model.predict_on_batch`; x and errors as for `fit`."""
        return super().predict_on_batch(self._fed(self._watch(), x)[0])

    def _watch(self):
        return Watch(self.image_shape, self._check_batch)

    @contextlib.contextmanager
    def _watching(self):
        """A `Watch` for the streams of one use; what it refuses is raised as it was."""
        watch = self._watch()
        with watch.speaking():
            yield watch

    def _fed(self, watch, x, y=None, sample_weight=None):
        """(x, y, sample_weight) for Keras, once checked; streams by `watch`."""
        if is_stream(x) and not hasattr(x, "images"):
            return watched(x, watch), y, sample_weight
        if isinstance(x, tuple) and 0 < len(x) < 4 and y is None and sample_weight is None:  # as a batch may be
            x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(x)
            y = target_of(y, self.image_shape)
        x, y = images_of(x, self.image_shape), None if y is None else _explicit(y, self.image_shape)
        sample_weight = sample_weight if sample_weight is None else as_weights(sample_weight)
        self._check_batch(x, y, sample_weight)
        if y is None and sample_weight is not None:  # Keras drops weights that come without a y
            y = x
        return x, y, sample_weight

    def _check_batch(self, x, y, sample_weight):
        self.check(x)
        if y is not None:
            self.check(check_target(y, self.image_shape))
        if y is not None and len(y) != len(x):
            raise ValueError(f"y has an image for each one of x. Received: {len(y)} for {len(x)}")
        if sample_weight is not None:
            check_weights(sample_weight, len(x))

    def _validation(self, watch, data):
        if isinstance(data, (tuple, list)) and 1 < len(data) < 4 and not _alike(data, self.image_shape):
            fed = self._fed(watch, data[0], target_of(data[1], self.image_shape), *data[2:])
        else:
            fed = self._fed(watch, data)
        return fed[0] if fed[1] is None else tuple(part for part in fed if part is not None)

    def _warn_of_moving_scale(self, callbacks):
        for callback in callbacks:
            by_loss = getattr(callback, "monitor", None) in ("loss", "val_loss")
            if self.instead_of_loss and by_loss and getattr(callback, "save_best_only", True):
                told = f"the loss of {type(self).__name__} changes its scale while the model learns"
                received = f"{type(callback).__name__}(monitor={callback.monitor!r})"
                warnings.warn(f"{told}: {self.instead_of_loss}. Received: {received}", stacklevel=4)

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

    def save(self, filepath, *args, **kwargs):
        """`keras.Model.save`, as one file that `keras.saving.load_model` reads.

        Raises:
            ValueError: a name that ends in .h5 or .hdf5, a format from which Keras cannot load a model of ours.
        """
        if str(filepath).endswith((".h5", ".hdf5")):
            hint = "a model is saved as .keras, or by save_to_preset(folder); save_weights takes .weights.h5"
            raise ValueError(f"{hint}. Received: {filepath}")
        return super().save(filepath, *args, **kwargs)

    def export(self, filepath, *args, input_signature=None, **kwargs):
        """`keras.Model.export`, also of a model that was not called yet; it takes float images in [0, 1].

        Args:
            input_signature: None for images of any number, float32 (None, h, w, c).
        """
        whole = [keras.InputSpec(dtype="float32", shape=(None, *self.image_shape), name="images")]
        return super().export(filepath, *args, input_signature=input_signature or whole, **kwargs)


class _LossIsANumber(keras.callbacks.Callback):
    """Warns once of a loss that is none: of what may have gone wrong, a compiled step says nothing."""

    async_safe = True

    def __init__(self):
        super().__init__()
        self.told = False

    def on_epoch_end(self, epoch, logs=None):
        loss = (logs or {}).get("loss", 0.0)
        if not self.told and not math.isfinite(loss):
            self.told = True
            why = "the training diverged (lower the learning rate), or float16 is too narrow (take mixed_bfloat16)"
            warnings.warn(f"the loss is no finite number: {why}. Received: {loss} in epoch {epoch + 1}", stacklevel=2)


def _named_arguments(bound):
    """The arguments of a bound method by name, without `self`."""
    rest = {name: value for name, value in bound.items() if name not in ("self", "kwargs")}
    return {**rest, **bound.get("kwargs", {})}


def _alike(parts, image_shape):
    """Whether a list is one of images, or of arrays of images, and no (x, y)."""
    return isinstance(parts, list) and {rank(part) for part in parts} == {len(image_shape)}


def _explicit(y, image_shape):
    """A y that somebody gave by its name: labels are refused, for they would have no effect."""
    y = target_of(y, image_shape, labels=True)
    return y if y is None else check_target(y, image_shape)
