"""Finding and reading InceptionV3 weights files."""

import contextlib
import functools
import os
import tempfile
from pathlib import Path

import keras
import numpy as np

from green_vae.metrics.protocol import LAYERS
from green_vae.utils import digests, places
from green_vae.utils.reading import opened_npz

KERAS_FILE = "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
KERAS_URL = f"https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/{KERAS_FILE}"
KERAS_MD5 = "bcbd6486424b2319ff4ef7d526e38f63"
H5_SUFFIXES = (".h5", ".hdf5")
THREE_WAYS = (
    "Three ways to get them: (1) put TF-Slim's inception_v3.ckpt (inception_v3_2016_08_28.tar.gz) into {folder}; "
    "(2) with a network, pass --download or download=True, which fetches Keras's .h5 file (about 88 MB) to there; "
    "(3) set GREEN_VAE_INCEPTION to the path of such a file"
)


BRIEF = (
    "no Inception v3 weights here: --download fetches Keras's, or give a file by --inception or $GREEN_VAE_INCEPTION, "
    "or put it into inception/ in --data-dir or $GREEN_VAE_DATA"
)


class WeightsNotFoundError(FileNotFoundError):
    """No Inception weights on this machine; the message says how to get them.

    `brief` says it for a report that others read, without this machine's folders; "" if there is no such form.
    """

    brief = ""


def inception_folder(data_dir=None):
    """Where weights are looked for: `inception/` in `data_dir`, else in $GREEN_VAE_DATA, else in the user's cache."""
    return places.data_dir(data_dir) / "inception"


def find_weights(layers, path=None, data_dir=None, download=False):
    """The weights file for `layers`: `path`, else $GREEN_VAE_INCEPTION, else the best of `inception_folder()`.

    Whole networks come first (`inception_v3.ckpt`, then any .h5), then the exact `keras_to_mixed8.npz` if it is deep
    enough, then `keras_notop_approx.npz`, which is exact up to mixed8 too.

    Args:
        layers: names in `LAYERS`.
        path: a file, a checkpoint's prefix, or a folder to search.
        data_dir: see `inception_folder`.
        download: fetch Keras's own file if no complete exact file is there; never done otherwise.

    Raises:
        WeightsNotFoundError: nothing found, or no network to download from.
    """
    folder = inception_folder(data_dir)
    given = path or os.environ.get("GREEN_VAE_INCEPTION")
    if given:
        given = Path(given).expanduser()
        folder = given = given.with_suffix("") if given.suffix == ".index" else given  # a checkpoint goes by its prefix
        if _is_weights(given):
            return given
    found = _candidates(folder, layers)
    if download and not given and not (found and found[0].suffix != ".npz"):
        return _download(folder)
    if found:
        return found[0]
    place = f"the path given ({'weights=' if path else 'GREEN_VAE_INCEPTION='}{given})" if given else f"{folder}"
    error = WeightsNotFoundError(
        f"no InceptionV3 weights at {place}. {THREE_WAYS.format(folder=inception_folder(data_dir))}. "
        f"Received: layers={tuple(layers)}"
    )
    error.brief = BRIEF
    raise error


def checkpoint_files(prefix):
    """The files of a TensorFlow checkpoint: one (first format), or an index and data files; [] if there is none."""
    prefix = Path(prefix)
    if prefix.is_file():
        return [prefix]
    index = prefix.with_name(prefix.name + ".index")
    return [index, *sorted(prefix.parent.glob(prefix.name + ".data-*"))] if index.is_file() else []


def fingerprint(path, convolutions):
    """sha256 of a weights file; of an .npz file, of the arrays of its first `convolutions` convolutions."""
    files = checkpoint_files(path)
    stamp = tuple((file.stat().st_size, file.stat().st_mtime_ns) for file in files)
    return _fingerprint(Path(path), convolutions if Path(path).suffix == ".npz" else None, stamp)


def npz_contents(path):
    """What an .npz weights file holds: (number of complete convolutions from the first on, names of reconstructed).

    Raises:
        ValueError: the file is damaged.
    """
    with _opened(path) as file:
        names = set(file.files)
        approximate = {str(name) for name in np.atleast_1d(file["approximate"])} if "approximate" in names else set()
    whole = 0
    while whole < 94 and set(npz_names(whole + 1)) <= names:
        whole += 1
    return whole, approximate


def npz_names(number):
    """The four arrays of convolution `number`, counted from 1 in the order of creation."""
    norm = f"batch_normalization_{number}"
    return [f"conv2d_{number}/kernel", f"{norm}/beta", f"{norm}/moving_mean", f"{norm}/moving_variance"]


def read_npz(path, convolutions):
    """(kernel, beta, moving mean, moving variance) of the first `convolutions` convolutions of an .npz file.

    Raises:
        ValueError: the file is damaged, or ends before.
    """
    with _opened(path) as file:
        missing = [name for i in range(convolutions) for name in npz_names(i + 1) if name not in file.files]
        if missing:
            raise ValueError(f"{path} lacks {len(missing)} arrays, the first {missing[0]}; {damage(path)}")
        return [[file[name] for name in npz_names(i + 1)] for i in range(convolutions)]


def damage(path):
    """The end of a message about a damaged file."""
    size = sum(file.stat().st_size for file in checkpoint_files(path))
    return f"delete it and fetch or unpack it again. Received: {path} of {size:,} bytes"


@contextlib.contextmanager
def _opened(path):
    """An .npz file for reading; all that can go wrong within is a ValueError that names the file."""
    try:
        with opened_npz(path) as file:
            yield file
    except OSError as error:
        raise ValueError(f"damaged weights file ({error}); {damage(path)}") from error
    except ValueError as error:
        if "Received:" in str(error):
            raise
        raise ValueError(f"damaged weights file ({error}); {damage(path)}") from error


@functools.lru_cache(maxsize=64)
def _fingerprint(path, convolutions, _stamp):
    if convolutions is None:
        return digests.of_files(*checkpoint_files(path))
    return digests.of_arrays(array.astype("<f4") for arrays in read_npz(path, convolutions) for array in arrays)


def _is_weights(path):
    return path.is_file() or bool(checkpoint_files(path))


def _candidates(folder, layers):
    """Weights files in `folder` fit for `layers`, best first; those too short for them last, to say so later."""
    deep = any(LAYERS[layer].convolutions > LAYERS["mixed8"].convolutions for layer in layers)
    npz = [folder / "keras_to_mixed8.npz", folder / "keras_notop_approx.npz"]
    h5 = sorted(file for suffix in H5_SUFFIXES for file in folder.glob(f"*{suffix}") if not file.name.startswith("."))
    return [file for file in [folder / "inception_v3.ckpt", *h5, *(npz[::-1] if deep else npz)] if _is_weights(file)]


def _download(folder):
    """Fetch Keras's own file into `folder`, whole or not at all."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as aside:
            file = keras.utils.get_file(KERAS_FILE, KERAS_URL, file_hash=KERAS_MD5, cache_dir=aside, cache_subdir="")
            os.replace(file, folder / KERAS_FILE)
    except Exception as error:  # Keras raises bare Exception where there is no network
        ways = THREE_WAYS.format(folder=folder)
        raise WeightsNotFoundError(
            f"could not download {KERAS_URL} ({error}). {ways}. Received: download=True"
        ) from error
    return folder / KERAS_FILE
