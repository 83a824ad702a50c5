"""A folder of one's own images: load("folder:PATH") or, cropped to a square and resized, load("folder:PATH@64")."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from green_vae.utils.progress import progress

from .dataset import Dataset
from .spec import DataNotFoundError

PREFIX = "folder:"
ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
SPLITS = ("train", "test", "all")
GREY = {"1", "L", "LA"}
COLOUR = {"RGB", "RGBA", "P", "PA", "CMYK", "YCbCr"}
BROKEN = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # what PIL raises for a bad file


def read(name, split):
    """The Dataset of `name` = "folder:PATH" or "folder:PATH@SIZE", without labels.

    All .jpg, .png, .webp and .bmp files below PATH, sorted by path. Split "all" is all of them. "train" and "test" are
    the folders PATH/train and PATH/test if both exist; otherwise a fixed random tenth is "test", the rest "train".
    Greyscale files give one channel, if all are; everything else gives three. @SIZE cuts the largest centred square and
    resizes it with PIL's bilinear to SIZE x SIZE.

    Raises:
        DataNotFoundError: no such folder.
        ValueError: no images, an unreadable one, or different sizes; the message names the file.
    """
    if split not in SPLITS:
        raise ValueError(f"split of a folder must be one of {', '.join(SPLITS)}. Received: {split!r}")
    folder, size = _parse(name)
    if not folder.is_dir():
        raise DataNotFoundError(f"there is no folder {folder}; write folder:PATH or folder:PATH@64. Received: {name!r}")
    paths = _choose(folder, split)
    if not paths:
        raise ValueError(
            f"{folder} has no images for the {split} split; it needs {', '.join(sorted(ENDINGS))} files, two or more "
            f'(split="all" takes one). Received: {name!r}'
        )
    return Dataset(name, split, _load(paths, size))


def _parse(name):
    """(folder, size or None) of "folder:PATH" or "folder:PATH@SIZE"."""
    path, at, size = name.removeprefix(PREFIX).rpartition("@")
    if not (at and size.isdigit()):
        return Path(name.removeprefix(PREFIX)).expanduser(), None
    if int(size) == 0:
        raise ValueError(f"the size after @ must be at least 1 pixel. Received: {name!r}")
    return Path(path).expanduser(), int(size)


def _images(folder):
    """The image files below `folder`, sorted by path; names with a leading dot are the system's own."""
    files = (path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
    return sorted((path for path in files if not path.name.startswith(".")), key=lambda path: path.as_posix())


def _choose(folder, split):
    if split != "all" and (folder / "train").is_dir() and (folder / "test").is_dir():
        return _images(folder / split)
    paths = _images(folder)
    if split == "all":
        return paths
    chosen = np.zeros(len(paths), dtype=bool)
    if len(paths) > 1:
        chosen[np.random.default_rng(0).permutation(len(paths))[: max(1, len(paths) // 10)]] = True
    return [path for path, test in zip(paths, chosen, strict=True) if test == (split == "test")]


def _load(paths, size):
    """uint8 (n, h, w, 1 or 3)."""
    mode = "L" if all(_mode(path) in GREY for path in paths) else "RGB"
    images = None
    with progress() as bar:
        for i, path in enumerate(bar.track(paths, description="reading images")):
            image = _picture(path, mode, size)
            if images is None:
                images = np.empty((len(paths), *image.shape), dtype=np.uint8)
            if image.shape != images.shape[1:]:
                raise ValueError(
                    f"all images must have one size, {images.shape[2]}x{images.shape[1]} as {paths[0]}; add @64 to the "
                    f"name to crop and resize them to 64x64. Received: {image.shape[1]}x{image.shape[0]} in {path}"
                )
            images[i] = image
    return images


def _mode(path):
    """PIL's pixel mode, from the file's header."""
    try:
        with Image.open(path) as file:
            mode = file.mode
    except BROKEN as error:
        raise ValueError(f"{path} is not a readable image; repair or remove it. Received: {error}") from error
    if mode not in GREY | COLOUR:
        raise ValueError(f"{path} must have 8 bits per channel; convert it. Received: mode {mode}")
    return mode


def _picture(path, mode, size):
    """uint8 (h, w, c), upright as the camera held it."""
    try:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file).convert(mode)
    except BROKEN as error:
        raise ValueError(f"{path} is not a readable image; repair or remove it. Received: {error}") from error
    if size is not None:
        side = min(picture.size)  # whole pixels: ImageOps.fit would cut at half pixels and blur
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        box = (left, top, left + side, top + side)
        picture = picture.crop(box).resize((size, size), Image.Resampling.BILINEAR)
    image = np.asarray(picture)
    return image[..., np.newaxis] if image.ndim == 2 else image
