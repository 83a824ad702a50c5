"""Many image files into one array on disk, once: CelebA's 202,599 JPEG files take minutes, the array a moment."""

import functools
import io
import itertools
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from green_vae.utils.files import write_aside
from green_vae.utils.places import cache_dir
from green_vae.utils.progress import progress
from green_vae.utils.reading import DAMAGED, read_npy

SIZE = (178, 218)  # width, height of an aligned CelebA image
BATCH = 512  # images in flight: some 10 kB each as a file, 12 kB as a result


def _folders(root):
    """Where prepared arrays lie: under the data folder, or in the user's cache if that cannot be written."""
    return [base / "celeba" / "prepared" for base in (root, cache_dir())]


def find(root, name, split, n):
    """The path of the prepared array, uint8 (n, 64, 64, 3), or None.

    Raises:
        ValueError: it is damaged.
    """
    for path in (folder / f"{name}-{split}.npy" for folder in _folders(root)):
        if path.is_file():
            array = read_npy(path)
            if (array.shape, array.dtype) == ((n, 64, 64, 3), np.uint8):
                return path
    return None


def write(root, name, split, n, items, shrink):
    """Write the array for `items` = n x (row, file name, encoded bytes) and return its path.

    Raises:
        ValueError: an image cannot be decoded or has not 178x218 pixels; the message names it.
        OSError: no space left.
    """
    path = _writable(_folders(root)) / f"{name}-{split}.npy"
    decode = functools.partial(_decode, shrink=shrink)
    with (
        write_aside(path) as aside,
        open(aside, "wb") as file,
        progress() as bar,
        ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool,  # PIL decodes outside Python's lock
    ):
        # plain writes, not a memory map: on a full disk a map kills the process, and its pages count as memory
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (n, 64, 64, 3)})
        start = file.tell()
        task = bar.add_task(f"preparing {name} {split}", total=n)
        items = iter(items)
        while batch := list(itertools.islice(items, BATCH)):
            for (row, _, _), image in zip(batch, pool.map(decode, batch), strict=True):
                file.seek(start + row * image.nbytes)
                file.write(np.ascontiguousarray(image))
            bar.advance(task, len(batch))
    return path


def _writable(folders):
    """The first folder that takes a file."""
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
            return folder
        except OSError as error:
            refusal = error
    raise OSError(refusal.errno, f"none of {', '.join(map(str, folders))} can be written ({refusal.strerror})")


def _decode(item, shrink):
    """The uint8 (64, 64, 3) image of one (row, file name, encoded bytes)."""
    _, name, data = item
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as file:  # of others, one runs a program: see folder.py
            size = file.size
            picture = file.convert("RGB") if size == SIZE else None
    except (Image.DecompressionBombError, *DAMAGED) as error:
        raise ValueError(f"{name} is damaged; fetch it again. Received: {error}") from error
    if picture is None:
        raise ValueError(f"{name} must have 178x218 pixels. Received: {size[0]}x{size[1]}")
    return shrink(picture)
