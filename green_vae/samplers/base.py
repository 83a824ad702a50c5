"""What every sampler of latents does: fit to encodings, draw new ones, be saved and loaded."""

import abc
import inspect
import json
import math
from pathlib import Path

import numpy as np

from green_vae.utils.files import narrowed, write_aside
from green_vae.utils.reading import DAMAGED, opened_npz

LARGEST = 2**24  # numbers of one latent that a file may ask for


class Sampler(abc.ABC):
    """A distribution over latents, learned from encodings. NumPy in, NumPy out; samplers never see images.

    Settings are the arguments of `__init__`, kept under their own names; what `fit` learns ends with an underscore.
    A subclass sets `name`, `learned` and, where one row is not enough, `min_rows`, and writes `_fit` and `_sample`
    (and `_state`, `_restore` if what it learned is not an array per name). The public methods are final.
    """

    name: str
    learned: tuple = ()  # names of the learned arrays, beside `latent_shape_`

    def fit(self, z, folder=None):
        """Learn from encodings.

        Args:
            z: array (n, *latent_shape), any trailing shape; finite.
            folder: where a fit that takes long may keep checkpoints, and goes on from them; None for nowhere.

        Returns:
            The sampler itself.

        Raises:
            ValueError: z is not of that shape, holds NaN or infinity, or has too few rows.
        """
        z = _checked(z, self.min_rows)
        self._fit(z.reshape(len(z), -1), folder)
        self.latent_shape_ = z.shape[1:]  # last: a sampler counts as fitted once this is set
        return self

    def sample(self, n, seed=0):
        """Draw latents.

        Args:
            n: how many, at least 1.
            seed: int; the same seed and n give the same latents, whatever was drawn before. Another n draws others: the
                first ten of twenty are not those of ten. None draws others every time.

        Returns:
            float32 array (n, *latent_shape), in no particular order.

        Raises:
            ValueError: the sampler is not fitted, n is less than 1, or what it has learned gives no finite numbers.
        """
        self._check_fitted()
        if n < 1:
            raise ValueError(f"at least one latent must be drawn. Received: n={n}")
        flat = self._sample(int(n), np.random.default_rng(seed))
        with np.errstate(over="ignore"):
            flat = flat.astype(np.float32)
        if not np.isfinite(flat).all():
            raise ValueError(f"latents are NaN or infinite; fit it again. Received: a sampler with {self.settings()}")
        return flat.reshape(n, *self.latent_shape_)

    def settings(self):
        """The arguments of `__init__` with their values, e.g. for a report or a content hash."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def save(self, path, dtype="float32"):
        """Write settings and learned state to `path` as .npz, whole or not at all.

        Args:
            path: of the file.
            dtype: on disk, of what is float32 in memory (a network's weights, encodings); float64 (mixtures) stays, and
                so does an array with a number beyond the range of `dtype`.

        Raises:
            ValueError: the sampler is not fitted, or a number of those that are float32 is NaN or infinite.
        """
        self._check_fitted()
        head = {"sampler": self.name, "settings": self.settings(), "latent_shape": self.latent_shape_}
        with write_aside(path) as aside, open(aside, "wb") as file:
            state = {
                name: narrowed(value, dtype, name) if np.asarray(value).dtype == np.float32 else value
                for name, value in self._state().items()
            }
            np.savez(file, head=json.dumps(head, default=lambda value: value.item()), **state)

    @classmethod
    def load(cls, path):
        """The sampler that `save` wrote: its samples are the same to the bit.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is damaged, or holds something else.
        """
        path, state = Path(path), {}
        try:
            state, head = read_sampler(path)
            if head["sampler"] != cls.name:
                raise ValueError(f"the file holds the sampler {head['sampler']!r}, not {cls.name!r}")
            sampler = cls(**head["settings"])
            sampler._restore(state)
            sampler.latent_shape_ = tuple(map(int, head["latent_shape"]))
            if min(sampler.latent_shape_) < 1:
                raise ValueError(f"a latent of the shape {sampler.latent_shape_}")
            if (numbers := math.prod(sampler.latent_shape_)) > LARGEST:
                raise ValueError(f"a latent of {numbers:,} numbers")
            sampler._check_restored(numbers)
        except FileNotFoundError:
            raise
        except DAMAGED as e:
            raise ValueError(f"cannot load a {cls.name!r} sampler: {e or type(e).__name__}. Received: {path}") from e
        return sampler

    @property
    def min_rows(self):
        """The fewest encodings `fit` can learn from."""
        return 1

    @abc.abstractmethod
    def _fit(self, z, folder):
        """Learn from z, float64 (n, d); `folder` as for `fit`."""

    @abc.abstractmethod
    def _sample(self, n, rng):
        """Return (n, d), drawn with `rng`, a `numpy.random.Generator`, in random order."""

    def _state(self):
        """What was learned, as a dict of arrays."""
        return {name: getattr(self, name) for name in self.learned}

    def _restore(self, state):
        """Take back what `_state` gave; KeyError if something is missing."""
        for name in self.learned:
            setattr(self, name, state[name])

    def _check_restored(self, dim):  # noqa: B027, the prior has learned nothing
        """Raise ValueError if what `_restore` took back is not of latents with `dim` numbers."""

    def _check_fitted(self):
        if not hasattr(self, "latent_shape_"):
            raise ValueError(f"the sampler is not fitted: call fit(z) first. Received: {type(self).__name__}")


def read_sampler(path):
    """(array by name, head) of a file that `Sampler.save` wrote; the head has "sampler", its name.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: damaged, or numbers that are NaN or infinite.
    """
    with opened_npz(path) as file:
        state = {key: file[key] for key in file.files}
        head = json.loads(str(state.pop("head")))
        name = head["sampler"]
        if not isinstance(name, str):
            raise ValueError(f"a sampler has a name. Received: {name!r}")
        for key, array in state.items():
            if array.dtype.kind not in "fi" or not np.isfinite(array).all():
                raise ValueError(f"{key} is NaN or infinite, or no number")
    return state, head


def _checked(z, min_rows):
    """z as a float64 array (n, ...), or a clear error."""
    z = np.asarray(z, dtype=np.float64)
    if z.ndim < 2 or z.size == 0:
        raise ValueError(f"encodings have the shape (n, *latent_shape). Received: shape {z.shape}")
    if not np.isfinite(z).all():
        bad = int((~np.isfinite(z)).any(axis=tuple(range(1, z.ndim))).sum())
        raise ValueError(f"encodings must be finite. Received: NaN or infinity in {bad} of {len(z)} rows")
    if len(z) < min_rows:
        raise ValueError(f"at least {min_rows} encodings are needed. Received: {len(z)}")
    return z
