"""Files that may be damaged or hostile: JSON, NumPy, HDF5. Nothing in them is run, and none takes all memory."""

import contextlib
import json
import mmap
import re
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np

STRINGS = 1_000_000  # in the attributes of an HDF5 file, at most
SIGNATURE = b"\x89HDF\r\n\x1a\n"  # of HDF5
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
            entries = file.zip.infolist()
            check_claim(sum(entry.file_size for entry in entries), Path(path).stat().st_size)
            for entry in entries:  # NumPy gives what is no array as bytes
                with file.zip.open(entry) as content:
                    if content.read(len(np.lib.format.MAGIC_PREFIX)) != np.lib.format.MAGIC_PREFIX:
                        raise ValueError(f"{entry.filename} in it is no NumPy array")
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
        ValueError: links, data kept in other files, claims of that kind, or a heap of strings that has no end. OSError:
            damaged.
    """
    if not h5py.is_hdf5(path):
        return
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        _check_heaps(content)
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


def _check_heaps(content):
    """Refuse an HDF5 file in which the library would read for ever, where nothing can interrupt it.

    A global heap, which holds the strings of attributes, is a chain of objects. Each has an index (2 bytes), a count of
    references (2 bytes), 4 bytes of padding, and the length of what follows. Index 0 is the free rest of the heap, and
    its length includes these fields. With a length of 0 HDF5 1.14 stays at its place in the chain. Files of weights
    have some hundred strings, so that chains of very many objects are refused, too.

    Args:
        content: bytes of the file.

    Raises:
        ValueError: such a heap, or something before the superblock, which Keras never writes.
    """
    if content[:8] != SIGNATURE:
        raise ValueError(f"an HDF5 file of weights begins with its signature. Received: {content[:8]!r}")
    width = content[14 if content[8] < 2 else 10]  # of a length, by the version of the superblock
    header = entry = _padded(8 + width)
    objects = 0
    for heap in re.finditer(rb"GCOL\x01", content):
        start = heap.start()
        end = min(start + int.from_bytes(content[start + 8 : start + 8 + width], "little"), len(content))
        place = start + header
        while place + entry <= end:
            index = int.from_bytes(content[place : place + 2], "little")
            length = int.from_bytes(content[place + 8 : place + 8 + width], "little")
            objects += 1
            if objects > STRINGS or (not index and length < entry):
                raise ValueError(f"a heap of an HDF5 file has no end. Received: index {index} at byte {place:,}")
            place += entry + _padded(length) if index else length


def _padded(length):
    """The next multiple of 8 bytes."""
    return -(-length // 8) * 8


def check_claim(claimed, size):
    """Raises ValueError if a file of `size` bytes claims far more contents; both in bytes."""
    if claimed > ROOM + EXPANSION * size:
        raise ValueError(f"it would take {claimed:,} bytes of memory, and has {size:,} on disk")


def finite_floats(array):
    """Whether an array holds floating-point numbers only, none of them NaN or infinite."""
    return np.issubdtype(array.dtype, np.floating) and bool(np.isfinite(array).all())
