"""Files that may be damaged or hostile: JSON, NumPy, HDF5. Nothing in them is run, and none takes all memory."""

import contextlib
import json
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np

# what the readers of NumPy, h5py, PIL, zipfile and tarfile raise for a bad file
DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RuntimeError,  # with RecursionError and NotImplementedError
    MemoryError,
    SyntaxError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
ROOM, EXPANSION = 2**26, 20  # bytes; how much larger than on disk the contents of a file above that may be


def read_json(path, kind=dict):
    """The JSON value in a regular file.

    Args:
        path: of the file; a link to one will do, a pipe or a device, which might never end, will not.
        kind: the type that the value must have.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no JSON, or a value of another type.
        OSError: it cannot be read.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise ValueError("not a regular file")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, kind):
        raise ValueError(f"must hold a {kind.__name__}, and holds a {type(value).__name__}")
    return value


@contextlib.contextmanager
def opened_npz(path):
    """An .npz file of NumPy for reading, without pickles.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: whatever else goes wrong within: a damaged file, a missing array, one that would take far more
            memory than the file has bytes.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            check_claim(sum(entry.file_size for entry in file.zip.infolist()), Path(path).stat().st_size)
            yield file
    except FileNotFoundError:
        raise
    except DAMAGED as error:
        raise ValueError(str(error) or type(error).__name__) from error


def read_npy(path):
    """The array in an .npy file, mapped read-only, not read yet.

    Raises:
        ValueError: damaged, or Python objects; the message names the file.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        array.shape  # noqa: B018, an .npz file under this name has none
        return array
    except DAMAGED as error:
        raise ValueError(f"not a whole .npy file; delete it, it is made again. Received: {path} ({error})") from error


def check_h5(path):
    """Refuse an HDF5 file that leads to other files, or that would take far more memory than it has bytes.

    Newer versions of Keras do so themselves, for parts of this. What is no HDF5 file at all is left to the reader.

    Raises:
        ValueError: links, data kept in other files, or claims of that kind. OSError: damaged.
    """
    if not h5py.is_hdf5(path):
        return
    claimed = 0

    def elsewhere(name, item):
        nonlocal claimed
        if isinstance(item, h5py.Dataset):
            claimed += item.nbytes
            return name if item.external or item.is_virtual else None

    with h5py.File(path) as file:  # what a callback returns ends the visit; one that raises breaks h5py
        link = file.visititems_links(lambda name, kind: None if isinstance(kind, h5py.HardLink) else name)
        if link is None:
            link = file.visititems(elsewhere)
    if link is not None:
        raise ValueError(f"an HDF5 file of weights keeps them in itself, and has no links. Received: {link}")
    check_claim(claimed, Path(path).stat().st_size)


def check_claim(claimed, size):
    """Raises ValueError if a file of `size` bytes claims far more contents; both in bytes."""
    if claimed > ROOM + EXPANSION * size:
        raise ValueError(f"it would take {claimed:,} bytes of memory, and has {size:,} on disk")


def finite_floats(array):
    """Whether an array holds floating-point numbers only, none of them NaN or infinite."""
    return np.issubdtype(array.dtype, np.floating) and bool(np.isfinite(array).all())
