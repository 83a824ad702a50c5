"""CelebA, aligned and cropped (Liu et al., "Deep learning face attributes in the wild", 2015), brought to 64x64.

Two ways from 178x218 to 64x64: `celeba` crops a 128x128 face and halves it; `celeba_squeeze` squeezes all of the image.
The official split is taken by sorted file name. Every split is prepared once; see prepare.py.
"""

import contextlib
import csv
import os
import zipfile
from functools import partial
from pathlib import PurePosixPath

import numpy as np
from PIL import Image

from green_vae.utils.reading import DAMAGED, read_npy

from . import prepare, tfds
from .resize import bilinear, to_uint8
from .spec import DataNotFoundError, Spec

SPLITS = {"train": 162_770, "validation": 19_867, "test": 19_962}
NUMBERS = {"train": "0", "validation": "1", "test": "2"}  # as the partition file writes them
FIRST = {"train": 1, "validation": 162_771, "test": 182_638}  # 000001.jpg ... in the official partition

LARGEST = 2**20  # bytes of a JPEG file; the published ones have some ten thousand

PARTITIONS = ("list_eval_partition.txt", "Eval/list_eval_partition.txt", "list_eval_partition.csv")
FOLDERS = ("img_align_celeba/img_align_celeba", "img_align_celeba", "Img/img_align_celeba")
ARCHIVES = ("img_align_celeba.zip", "Img/img_align_celeba.zip")


def crop(picture):
    """Rows 45..172 and columns 25..152, then PIL's bilinear (which averages) to uint8 (64, 64, 3)."""
    return np.asarray(picture.crop((25, 45, 153, 173)).resize((64, 64), Image.Resampling.BILINEAR))


def squeeze(picture):
    """All of the image, bilinear without antialiasing, rounded to uint8 (64, 64, 3)."""
    return to_uint8(bilinear(np.asarray(picture), 64, 64))


def _first(root, names):
    """The first of `names` that exists under root/celeba or root, or None."""
    return next((path for base in (root / "celeba", root) for n in names if (path := base / n).exists()), None)


def _partition(path, split):
    """The sorted file names of `split` from lines "000001.jpg 0" (or "000001.jpg,0" in a .csv)."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file, delimiter="," if path.suffix == ".csv" else " ", skipinitialspace=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no list of images; fetch it again. Received: {error}") from error
    names = sorted(row[0] for row in rows if len(row) > 1 and row[1] == NUMBERS[split])
    if len(names) != SPLITS[split]:
        raise ValueError(
            f"{path} should list {SPLITS[split]:,} images of the {split} split; fetch it again. "
            f"Received: {len(names):,}"
        )
    return names


@contextlib.contextmanager
def _pictures(path):
    """({file name: where}, function from `where` to bytes) of a folder of images or a zip of one."""
    if path.is_dir():
        files = {entry.name: path / entry.name for entry in os.scandir(path) if entry.is_file()}
        yield files, lambda where: where.read_bytes()
        return
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGED as error:
        raise ValueError(f"{path} is damaged; delete it and fetch it again. Received: {error}") from error
    with archive:
        yield {PurePosixPath(entry.filename).name: entry for entry in archive.infolist()}, partial(_unpacked, archive)


def _unpacked(archive, entry):
    """The bytes of one file in a zip."""
    if entry.file_size > LARGEST:
        raise ValueError(f"{entry.file_size:,} bytes are no image of 178x218 pixels")
    return archive.read(entry)


def _files(names, places, read, path):
    """(row, file name, JPEG bytes) of each image."""
    for row, name in enumerate(names):
        try:
            yield row, name, read(places[name])
        except DAMAGED as error:
            raise ValueError(f"{path}: {name} cannot be read; fetch it again. Received: {error}") from error


def _read(split, root, name, shrink):
    """Images (n, 64, 64, 3), memory-mapped, without labels; or None if there is nothing under `root`."""
    kept = prepare.find(root, name, split, SPLITS[split])
    if kept is None:
        path, partition = _first(root, FOLDERS + ARCHIVES), _first(root, PARTITIONS)
        if path is None:
            return None
        if partition is None:
            raise DataNotFoundError(f"{path} is there, but not the split: put list_eval_partition.txt beside it")
        names = _partition(partition, split)
        with _pictures(path) as (places, read):
            missing = [name for name in names if name not in places]
            if missing:
                raise DataNotFoundError(
                    f"{path} should hold the {len(names):,} images of the {split} split; fetch it again. "
                    f"Received: one without {missing[0]}, and {len(missing):,} are missing in all"
                )
            kept = prepare.write(root, name, split, len(names), _files(names, places, read, path), shrink)
    return read_npy(kept), None


def _read_tfds(folder, split, root, name, shrink):
    """The same from a prepared TFDS folder, which holds the published JPEG files."""
    n, images = tfds.encoded(folder, split)
    if n != SPLITS[split]:
        raise ValueError(f"{folder} should hold {SPLITS[split]:,} images of the {split} split. Received: {n:,}")
    names = [f"{FIRST[split] + i:06d}.jpg" for i in range(n)]
    items = ((row, names[row], data) for row, data in zip(tfds.original_rows(names, split), images, strict=True))
    return read_npy(prepare.write(root, name, split, n, items, shrink)), None


def _spec(name, title, shrink):
    return Spec(
        name=name,
        title=title,
        shape=(64, 64, 3),
        splits=SPLITS,
        read=partial(_read, name=name, shrink=shrink),
        files=(
            "celeba/img_align_celeba/*.jpg with celeba/list_eval_partition.txt (or .csv)",
            "celeba/img_align_celeba.zip with celeba/list_eval_partition.txt (or .csv)",
        ),
        source="https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
        licence="non-commercial research only, MMLAB, CUHK",
        tfds="celeb_a",
        read_tfds=partial(_read_tfds, name=name, shrink=shrink),
        download_bytes=1_488_628_763,
        url="https://drive.google.com",
    )


CELEBA = _spec("celeba", "CelebA, cropped and halved to 64x64", crop)
CELEBA_SQUEEZE = _spec("celeba_squeeze", "CelebA, squeezed to 64x64", squeeze)
