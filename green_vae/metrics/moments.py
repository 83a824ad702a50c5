"""Mean and covariance of features that stream by, in float64; the same whatever the batches."""

import dataclasses
import json

import numpy as np

from green_vae.metrics.protocol import Protocol
from green_vae.utils.files import write_aside
from green_vae.utils.reading import finite_floats, opened_npz

_ROWS = 512  # features held back for one matrix product; its alignment does not depend on the batches
_FORMAT = "green_vae moments 1"


class Moments:
    """Number, mean and covariance of feature vectors, by Chan, Golub and LeVeque's pooled update (1979).

    Args:
        dim: length of a feature vector.
        protocol: the `Protocol` that the features were made with, or None.
        keep: how many features, from the first on, are kept as they came (float32), for `features`.
    """

    def __init__(self, dim, protocol=None, keep=0):
        self.dim, self.protocol, self.keep = dim, protocol, keep
        self._done = (0, np.zeros(dim), np.zeros((dim, dim)))  # n, mean, sum of centred outer products
        self._rows, self._held = np.empty((_ROWS, dim)), 0
        self._kept = []

    def update(self, features):
        """Add features (n, dim); returns self.

        Raises:
            ValueError: another shape, or numbers that are not finite.
        """
        features = np.asarray(features)
        if features.ndim != 2 or features.shape[1] != self.dim:
            raise ValueError(f"features must be (n, {self.dim}). Received: shape {features.shape}")
        if not np.isfinite(features).all():
            raise ValueError(f"features must be finite. Received: {np.sum(~np.isfinite(features))} NaN or infinite")
        room = max(self.keep - self.n, 0)
        if room and len(features):
            self._kept.append(np.array(features[:room], "float32"))
        while len(features):
            count = min(len(features), _ROWS - self._held)
            self._rows[self._held : self._held + count] = features[:count]
            self._held, features = self._held + count, features[count:]
            if self._held == _ROWS:
                self._done, self._held = self._state(), 0
        return self

    def merge(self, other):
        """Pool with `other`, as if its features had come too; returns self.

        Raises:
            ValueError: another dimension or protocol.
        """
        self.check_comparable(other)
        room = max(self.keep - self.n, 0)
        if room:
            self._kept.append(other.features[:room])
        self._done, self._held = _pool(self._state(), other._state()), 0
        if len(self.features) < min(self.n, self.keep):  # `other` kept too few; what comes later is not the next
            self.keep = len(self.features)
        return self

    @property
    def n(self):
        """Number of feature vectors."""
        return self._done[0] + self._held

    @property
    def mean(self):
        """(dim,) float64.

        Raises:
            ValueError: there are no features.
        """
        if self.n < 1:
            raise ValueError(f"a mean needs at least one image. Received: n={self.n}")
        return self._state()[1]

    @property
    def covariance(self):
        """(dim, dim) float64, unbiased (divided by n - 1).

        Raises:
            ValueError: fewer than two features.
        """
        if self.n < 2:
            raise ValueError(f"a covariance needs at least two images. Received: n={self.n}")
        return self._state()[2] / (self.n - 1)

    @property
    def features(self):
        """The first min(n, keep) features, float32."""
        return np.concatenate([np.empty((0, self.dim), "float32"), *self._kept])

    def check_comparable(self, other):
        """Raise a ValueError that says what differs, unless both are of one protocol and dimension."""
        if self.dim != other.dim:
            raise ValueError(f"moments of different dimensions do not compare. Received: {self.dim} and {other.dim}")
        if self.protocol == other.protocol:
            return
        a, b = (dataclasses.asdict(x.protocol) if x.protocol else {} for x in (self, other))
        differing = {name: (a.get(name), b.get(name)) for name in {**a, **b} if a.get(name) != b.get(name)}
        raise ValueError(
            "moments of different protocols do not compare; measure both sets of images with the same settings. "
            f"Received: {differing}"
        )

    def save(self, path):
        """Write n, mean, covariance, protocol and kept features to `path`, an .npz file, whole or not at all.

        Raises:
            ValueError: fewer than two features, or another suffix.
            OSError: cannot be written.
        """
        if not str(path).endswith(".npz"):
            raise ValueError(f"moments are kept as .npz. Received: {path}")
        protocol = json.dumps(self.protocol.settings if self.protocol else None)
        arrays = {"n": self.n, "mean": self.mean, "covariance": self.covariance, "features": self.features}
        with write_aside(path) as aside:
            np.savez(aside, format=_FORMAT, protocol=protocol, **arrays)

    @classmethod
    def load(cls, path):
        """Moments written by `save`.

        Raises:
            FileNotFoundError: no such file.
            ValueError: damaged, or not a file of moments.
        """
        try:
            with opened_npz(path) as file:
                return cls._from_arrays(file)
        except ValueError as error:
            message = f"not a whole file of moments ({error}); delete it and measure again. Received: {path}"
            raise ValueError(message) from error

    @classmethod
    def _from_arrays(cls, file):
        if str(file["format"]) != _FORMAT:
            raise ValueError(f"unknown format {file['format']}")
        n, mean, covariance, features = (file[name] for name in ("n", "mean", "covariance", "features"))
        if mean.ndim != 1 or covariance.shape != mean.shape * 2 or features.shape[1:] != mean.shape or n.shape:
            raise ValueError(f"shapes {mean.shape}, {covariance.shape}, {features.shape}, n={n}")
        if not all(map(finite_floats, (mean, covariance, features))):
            raise ValueError("NaN or infinite numbers, or no numbers")
        if n.dtype.kind != "i" or n < 2 or (np.diag(covariance) < 0).any() or not np.allclose(covariance, covariance.T):
            raise ValueError(f"no covariance of two images or more: n={n}")
        fields = json.loads(str(file["protocol"]))
        moments = cls(len(mean), Protocol(**fields) if fields else None, keep=len(features))
        moments._done = (int(n), mean, covariance * (int(n) - 1))
        moments._kept = [features]
        return moments

    def _state(self):
        """All features so far as (n, mean, scatter); what is held back stays so."""
        if not self._held:
            return self._done
        rows = self._rows[: self._held]
        mean = rows.mean(0)
        centred = rows - mean
        return _pool(self._done, (self._held, mean, centred.T @ centred))


def _pool(a, b):
    """Two (n, mean, scatter) as one: the scatters add, and so does the spread between the means."""
    (n_a, mean_a, scatter_a), (n_b, mean_b, scatter_b) = a, b
    n = n_a + n_b
    if not n_a or not n_b:
        return b if n_b else a
    delta = mean_b - mean_a
    return n, mean_a + delta * (n_b / n), scatter_a + scatter_b + np.outer(delta, delta) * (n_a * n_b / n)
