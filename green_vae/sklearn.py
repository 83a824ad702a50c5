"""Models of the package as an estimator of scikit-learn: for pipelines, searches and tables of numbers.

from green_vae.sklearn import VAETransformer
codes = make_pipeline(StandardScaler(), VAETransformer(latent_dim=2, random_state=0)).fit_transform(X)

A backend is imported by `fit` and by reading a fitted estimator, not by this module.
"""

import math

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from green_vae.cards import OBJECTIVES


class VAETransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A variational autoencoder that turns features into latent codes, and codes into features.

    A table X (n, features) is scaled to [0, 1] by the least and the greatest value of each feature, as decoders give
    such numbers; values beyond those of `fit` are cut off there. Images come as (n, h, w, c), or as rows (n, h * w * c)
    with `image_shape`, as uint8 or floats in [0, 1], and are not scaled.

    Args:
        latent_dim: numbers of a code.
        model: what is minimised, by its name in `green_vae train --help`: "sigma-vae", "vae", "beta-vae", "rae" ...
        model_options: further arguments of the model, say {"beta": 2.0}.
        network: a name of `green_vae.networks.NETWORKS`; "mlp" takes rows and images, others take images.
        network_options: of its builder, say {"widths": (64,)}.
        image_shape: (h, w, c) of images that come as rows; None for a table, or for images (n, h, w, c).
        epochs, batch_size, learning_rate: of the training by Adam. A batch is no larger than the data, and the last
            incomplete one of an epoch is left out, other rows in every epoch.
        sampler: what `sample` draws codes by: None for the prior, and for models without one a mixture of Gaussians; a
            name of `green_vae.SAMPLERS`; or a sampler, of which a copy is fitted.
        random_state: of weights, noise and order; the same number gives the same estimator on one machine.
        verbose: as for `keras.Model.fit`.

    Attributes:
        model_: the trained model of `green_vae.models`, with `generate`, `interpolate`, `traverse`, `score` ...
        sampler_: the fitted sampler, None for the prior.
        history_: dict of lists, what every epoch logged. n_iter_: epochs.
        data_min_, data_range_: (features,), of a table; None for images.
        n_features_in_, feature_names_in_: as in scikit-learn.

    Raises:
        ValueError: an unknown model, data that scikit-learn refuses, images out of range, or a loss that is no longer
            a finite number.
    """

    def __init__(
        self,
        latent_dim=2,
        *,
        model="sigma-vae",
        model_options=None,
        network="mlp",
        network_options=None,
        image_shape=None,
        epochs=50,
        batch_size=100,
        learning_rate=1e-3,
        sampler=None,
        random_state=None,
        verbose=0,
    ):
        self.latent_dim = latent_dim
        self.model = model
        self.model_options = model_options
        self.network = network
        self.network_options = network_options
        self.image_shape = image_shape
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.sampler = sampler
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None):
        """Train on X: a table (n, features), images, or images as rows; y is ignored. Returns the estimator."""
        if self.model not in OBJECTIVES:
            raise ValueError(f"model is one of {', '.join(OBJECTIVES)}. Received: {self.model!r}")
        rows = self._rows(X, fitted=False)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.model_ = self._trained(self._scaled(rows), seed)
        self.sampler_ = self._fitted_sampler(self._encoded(rows))
        self._n_features_out = self.latent_dim
        return self

    def transform(self, X):
        """Codes of X: the means of their posteriors, (n, latent_dim), in the precision of X."""
        check_is_fitted(self)
        rows = self._rows(X)
        return self._encoded(rows).astype(_precision(rows))

    def inverse_transform(self, X):
        """Features of codes X (n, latent_dim), in the units and the shape of what `fit` was given."""
        check_is_fitted(self)
        codes = check_array(X, dtype=("float64", "float32"))
        return self._unscaled(self._decoded(codes), _precision(codes))

    def sample(self, n_samples=1, random_state=None):
        """New features (n_samples, ...), in the units and the shape of what `fit` was given.

        Args:
            random_state: int or RandomState; None for others in every call.
        """
        check_is_fitted(self)
        seed = int(check_random_state(random_state).randint(2**31 - 1))
        return self._unscaled(self._decoded(self.model_.new_codes(n_samples, self.sampler_, seed)), "float64")

    def score_samples(self, X):
        """How normal each row is, float64 (n,); higher is more normal, so anomalies have the lowest scores.

        Minus the squared error of its reconstruction, summed over scaled features, whose values beyond the range of
        `fit` are not cut off here. `model_.score` has bounds of the likelihood, too.
        """
        check_is_fitted(self)
        rows = self._rows(X)
        made = self._decoded(self._encoded(rows)).reshape(len(rows), -1)
        return -np.square(self._units(rows) - made).sum(axis=1, dtype="float64")

    def score(self, X, y=None):
        """The mean of `score_samples`, for searches over parameters."""
        return float(self.score_samples(X).mean())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    # data

    def _rows(self, X, fitted=True):
        """X as a table that scikit-learn has checked; `fit` learns the shapes and the ranges."""
        shape = tuple(getattr(X, "shape", ()))
        as_images = len(shape) == 4
        if not fitted:
            self.as_images_ = as_images
            self.shape_ = shape[1:] if as_images else self.image_shape and tuple(self.image_shape)
        elif as_images and shape[1:] != self.shape_:
            raise ValueError(f"expected images (n, {', '.join(map(str, self.shape_))}). Received: shape {shape}")
        X = np.reshape(X, (len(X), -1)) if as_images else X
        bytes_too = ("float64", "float32", "uint8") if self.shape_ else ("float64", "float32")
        rows = validate_data(self, X, dtype=bytes_too, reset=not fitted, ensure_min_samples=1 if fitted else 2)
        if not fitted:
            if self.shape_ and math.prod(self.shape_) != rows.shape[1]:
                raise ValueError(f"rows of images have h * w * c numbers. Received: {rows.shape[1]}, {self.shape_}")
            self._learn_ranges(rows)
        return rows

    def _learn_ranges(self, rows):
        self.data_min_ = self.data_range_ = None
        if not self.shape_:
            low, high = rows.min(axis=0).astype("float64"), rows.max(axis=0).astype("float64")
            self.data_min_, self.data_range_ = low, np.where(high > low, high - low, 1.0)
            self.shape_ = (1, rows.shape[1], 1)

    def _units(self, rows):
        """Rows as the decoder gives them, in [0, 1] but for values beyond the range of `fit`."""
        if self.data_min_ is not None:
            return (rows - self.data_min_) / self.data_range_
        return rows / 255 if rows.dtype == np.uint8 else rows

    def _scaled(self, rows):
        """What the model takes: float32 (n, h, w, c)."""
        units = self._units(rows)
        units = units if self.data_min_ is None else units.clip(0, 1)
        return units.astype("float32").reshape(-1, *self.shape_)

    def _unscaled(self, images, dtype):
        if self.data_min_ is not None:
            rows = images.reshape(len(images), -1) * self.data_range_ + self.data_min_
            return rows.astype(dtype)
        return (images if self.as_images_ else images.reshape(len(images), -1)).astype(dtype)

    # the model

    def _trained(self, images, seed):
        import keras

        from green_vae.models import MODELS
        from green_vae.models.undrawn import python_seed
        from green_vae.training import Recipe, recalibrate_batch_norm
        from green_vae.training.batches import Batches
        from green_vae.training.loop import compile_by

        kind, arguments = OBJECTIVES[self.model]
        arguments = {**arguments, **(self.model_options or {}), "network_options": self.network_options}
        arguments |= {"image_shape": self.shape_, "latent_dim": self.latent_dim, "network": self.network}
        try:
            with python_seed(seed):
                model = MODELS[kind](**arguments, seed=seed)
        except TypeError as error:
            raise ValueError(f"an option that the model does not have. Received: {self.model}: {error}") from error
        model.check(images)
        recipe = Recipe(self.learning_rate, (), min(self.batch_size, len(images)), self.epochs)
        batches = Batches(images, recipe.batch_size, seed)
        compile_by(recipe, model)
        order = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: setattr(batches, "epoch", epoch))
        options = {"epochs": recipe.epochs, "shuffle": False, "callbacks": [order], "verbose": self.verbose}
        self.history_ = model.fit(batches, **options).history
        self.n_iter_ = recipe.epochs
        if not np.isfinite(self.history_["loss"]).all():
            losses = self.history_["loss"]
            raise ValueError(f"training diverged; lower learning_rate. Received: losses {losses}, {self.learning_rate}")
        recalibrate_batch_norm(model, images, recipe.batch_size)
        return model

    def _fitted_sampler(self, codes):
        from sklearn.base import clone

        from green_vae.samplers import SAMPLERS, Sampler

        if self.sampler is None:
            mixture = SAMPLERS["gmm"](n_components=min(10, len(codes)))
            return None if self.model_.variational else mixture.fit(codes)
        if isinstance(self.sampler, str):
            return SAMPLERS[self.sampler]().fit(codes)
        if isinstance(self.sampler, Sampler):
            return type(self.sampler)(**self.sampler.settings()).fit(codes)
        return clone(self.sampler).fit(codes)

    def _encoded(self, rows):
        """Codes, float32. Batches are of one size always: a row's code must not depend on how many others there are."""
        return self.model_.encode(_filled(self._scaled(rows), self.batch_size), batch_size=self.batch_size)[: len(rows)]

    def _decoded(self, codes):
        return self.model_.decode(_filled(codes, self.batch_size), batch_size=self.batch_size)[: len(codes)]


def _filled(values, batch_size):
    """Values with zeros behind them, up to whole batches."""
    return np.pad(values, [(0, -len(values) % batch_size)] + [(0, 0)] * (values.ndim - 1))


def _precision(values):
    return values.dtype if values.dtype in (np.float32, np.float64) else np.dtype("float32")
