"""A folder of one's own images: "folder:PATH" or, cut and resized, "folder:PATH@64" or "folder:PATH@64x48"."""

import math
import re
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from green_vae.utils import digests
from green_vae.utils.files import write_aside
from green_vae.utils.places import cache_dir
from green_vae.utils.progress import progress
from green_vae.utils.reading import DAMAGED

from .dataset import Dataset
from .spec import DataNotFoundError

PREFIX = "folder:"
ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
SIZE = re.compile(r"(.+)@(\d+)(?:x(\d+))?")
SPLITS = ("train", "test", "all")
IN_MEMORY = 2**30  # bytes of pixels; more are written to a file in the cache, and mapped
DEEP = {"I;16", "I;16L", "I;16B", "I;16N", "F"}  # more than 8 bits, one channel
DARK = 16  # of 255: 12 bits of 16
GREY = {"1", "L", "LA", *DEEP}
COLOUR = {"RGB", "RGBA", "P", "PA", "CMYK", "YCbCr"}
# PIL looks at the contents, not at the ending, and hands an EPS file to Ghostscript, which runs programs in it
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
LARGEST = 50_000_000  # pixels: decoding takes up to 16 bytes for each
BROKEN = (Image.DecompressionBombError, *DAMAGED)


def read(name, split):
    """The Dataset of `name` = "folder:PATH", "folder:PATH@SIZE" or "folder:PATH@WIDTHxHEIGHT".

    All .jpg, .png, .webp, .bmp and .tiff files below PATH, sorted by path. Split "all" is all of them. "train" and
    "test" are the folders PATH/train and PATH/test if both exist; otherwise a fixed random tenth is "test", the rest
    "train". Where every image lies in a subfolder, and there are two or more, these are its classes: labels are their
    places by name.

    Greyscale files give one channel, if those of all splits are; everything else gives three. 16-bit values are divided
    by 257, and floats, which have to lie in [0, 1], multiplied by 255. A warning tells of 16-bit files whose values
    would all fit into 12 bits: divided so, they are almost black. What is transparent is laid on white. @SIZE cuts the
    largest centred square, @WIDTHxHEIGHT the largest centred rectangle of that shape, and resizes it with PIL's
    bilinear. A folder whose own name ends so is taken by its name.

    More than a GiB of pixels is written to the user's cache once, and memory-mapped from there.

    Raises:
        DataNotFoundError: no such folder.
        ValueError: no images, an unreadable one, or different sizes; the message names the file.
        OSError: no space left in the cache.
    """
    return read_folder(*_parse(name), split, name)


def read_folder(folder, size, split, name):
    """The Dataset of a folder, which is called `name`; the rest as for `read`.

    Args:
        folder: path of the folder. size: (width, height) of the images, or None for their own.
    """
    if split not in SPLITS:
        raise ValueError(f"split of a folder must be one of {', '.join(SPLITS)}. Received: {split!r}")
    if not folder.is_dir():
        raise DataNotFoundError(f"there is no folder {folder}; write folder:PATH or folder:PATH@64. Received: {name!r}")
    paths = _choose(folder, split)
    if not paths:
        raise ValueError(
            f"{folder} has no images for the {split} split; it needs {', '.join(sorted(ENDINGS))} files, two or more "
            f'(split="all" takes one). Received: {name!r}'
        )
    return Dataset(name, split, _load(paths, size, _of_splits(folder)), *_labels(folder, paths))


def files_in(folder):
    """The image files below a folder, sorted by path, as `read` takes them.

    Raises:
        ValueError: there are none.
    """
    paths = _images(Path(folder))
    if not paths:
        raise ValueError(f"a folder of pictures has {', '.join(sorted(ENDINGS))} files. Received: {folder} without any")
    return paths


def read_files(paths, image_shape):
    """Image files as a model takes them: uint8 (n, h, w, c), cut and resized as `read` does with @WIDTHxHEIGHT.

    Args:
        paths: of the files.
        image_shape: (h, w, c), c 1 (grey) or 3.

    Raises:
        FileNotFoundError: no such file.
        ValueError: an unreadable one, or images of another number of channels; the message names it.
    """
    height, width, channels = image_shape
    if channels not in (1, 3):
        raise ValueError(f"files of images have 1 or 3 channels. Received: {channels}")
    for path in paths:
        if not Path(path).exists():
            raise FileNotFoundError(f"there is no such file. Received: {path}")
        _mode(path)
    mode = "L" if channels == 1 else "RGB"
    return np.stack([_picture(path, mode, (width, height)) for path in paths])


def _parse(name):
    """(folder, (width, height) or None) of a name."""
    if not name.removeprefix(PREFIX):  # which Path takes for the current folder
        raise ValueError(f"write folder:PATH, or folder:. for the current folder. Received: {name!r}")
    whole = Path(name.removeprefix(PREFIX)).expanduser()
    match = SIZE.fullmatch(name.removeprefix(PREFIX))
    if whole.is_dir() or not match:
        return whole, None
    path, width, height = match[1], int(match[2]), int(match[3] or match[2])
    if not (width and height):
        raise ValueError(f"the size after @ must be at least 1 pixel. Received: {name!r}")
    if width * height > LARGEST:
        raise ValueError(f"the size after @ must have up to {LARGEST:,} pixels. Received: {name!r}")
    return Path(path).expanduser(), (width, height)


def _images(folder):
    """The image files below `folder`, sorted by path; files and folders with a leading dot are the system's own."""
    files = (path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
    shown = (path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts))
    return sorted(shown, key=lambda path: path.as_posix())


def _is_split(folder):
    return (folder / "train").is_dir() and (folder / "test").is_dir()


def _roots(folder):
    """The folders that hold the splits."""
    return (folder / "train", folder / "test") if _is_split(folder) else (folder,)


def _of_splits(folder):
    """The image files of all splits."""
    return [path for root in _roots(folder) for path in _images(root)]


def _labels(folder, paths):
    """(labels, class names) by subfolder; nothing where there are none."""
    class_of = {}
    for root in _roots(folder):
        for path in _images(root):  # of all splits, so that a class has one number
            first, *further = path.relative_to(root).parts
            class_of[path] = first if further else None
    names = set(class_of.values())
    if None in names or len(names) < 2 or not class_of.keys() >= set(paths):
        return ()
    place = {name: index for index, name in enumerate(sorted(names))}
    return np.array([place[class_of[path]] for path in paths], dtype=np.int64), tuple(place)


def _choose(folder, split):
    if split != "all" and _is_split(folder):
        return _images(folder / split)
    paths = _images(folder)
    if split == "all":
        return paths
    chosen = np.zeros(len(paths), dtype=bool)
    if len(paths) > 1:
        chosen[np.random.default_rng(0).permutation(len(paths))[: max(1, len(paths) // 10)]] = True
    return [path for path, test in zip(paths, chosen, strict=True) if test == (split == "test")]


def _load(paths, size, others):
    """uint8 (n, h, w, 1 or 3), in memory or mapped. others: files of all splits, which have one number of channels."""
    modes = {path: _mode(path) for path in [*paths, *others]}
    mode = "L" if set(modes.values()) <= GREY else "RGB"
    shape = (len(paths), *_picture(paths[0], mode, size).shape)
    if math.prod(shape) > IN_MEMORY:
        images = np.load(_written(paths, mode, size, shape), mmap_mode="r")
    else:
        images = np.empty(shape, dtype=np.uint8)
        for i, image in enumerate(_pictures(paths, mode, size, shape)):
            images[i] = image
    deep = [i for i, path in enumerate(paths) if modes[path].startswith("I;16")]
    brightest = max((int(images[i].max()) for i in deep), default=255)
    if brightest <= DARK:
        hint = "16-bit files of 8 or 12 bits are almost black; scale them to 16 bits, or save them with 8"
        warnings.warn(f"{hint}. Received: values up to {257 * brightest} of 65,535", stacklevel=5)
    return images


def _written(paths, mode, size, shape):
    """The path of a file that holds these images, written if it is not there."""
    seen = [[str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns] for path in paths]
    path = cache_dir() / "folders" / f"{digests.of_json([seen, mode, size])[:16]}.npy"
    if not path.is_file():
        # plain writes, not a memory map: on a full disk a map kills the process
        with write_aside(path) as aside, open(aside, "wb") as file:
            head = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, head)
            for image in _pictures(paths, mode, size, shape):
                file.write(np.ascontiguousarray(image))
    return path


def _pictures(paths, mode, size, shape):
    """The images, one after the other, all of one size."""
    with progress() as bar:
        for path in bar.track(paths, description="reading images"):
            image = _picture(path, mode, size)
            if image.shape != shape[1:]:
                raise ValueError(
                    f"all images must have one size, {shape[2]}x{shape[1]} as {paths[0]}; add @64 to the "
                    f"name to crop and resize them to 64x64. Received: {image.shape[1]}x{image.shape[0]} in {path}"
                )
            yield image


def _mode(path):
    """PIL's pixel mode, from the file's header."""
    try:
        with Image.open(path, formats=FORMATS) as file:
            mode, (width, height) = file.mode, file.size
    except BROKEN as error:
        raise ValueError(f"{path} is not a readable image; repair or remove it. Received: {error}") from error
    if width * height > LARGEST:
        raise ValueError(f"{path} must have up to {LARGEST:,} pixels; shrink it. Received: {width}x{height}")
    if mode not in GREY | COLOUR:
        known = "8 or 16 bits per channel, or floats"
        raise ValueError(f"{path} must have {known}; convert it. Received: mode {mode}")
    return mode


def _picture(path, mode, size):
    """uint8 (h, w, c), upright as the camera held it."""
    try:
        with Image.open(path, formats=FORMATS) as file:
            picture = ImageOps.exif_transpose(file)
            picture.load()
    except BROKEN as error:
        raise ValueError(f"{path} is not a readable image; repair or remove it. Received: {error}") from error
    if picture.mode in DEEP:
        picture = _eight_bits(np.asarray(picture), path)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")  # colours under alpha 0 may be anything
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    picture = picture.convert(mode)
    if size is not None:
        picture = _cut(picture, *size).resize(size, Image.Resampling.BILINEAR)
    image = np.asarray(picture)
    return image[..., np.newaxis] if image.ndim == 2 else image


def _eight_bits(values, path):
    """A picture of 16 bits or of floats in [0, 1] as one of 8 bits, each by its own range."""
    if values.dtype.kind == "u":
        return Image.fromarray(np.rint(values / 257).astype(np.uint8))
    low, high = float(values.min()), float(values.max())  # NaN if any value is
    if not (low >= 0 and high <= 1):
        raise ValueError(f"floats of an image lie in [0, 1]; scale {path}. Received: values from {low:g} to {high:g}")
    return Image.fromarray(np.rint(values * 255).astype(np.uint8))


def _cut(picture, width, height):
    """The largest centred part of that shape, in whole pixels: ImageOps.fit would cut at half pixels and blur."""
    if picture.width * height > picture.height * width:
        wide, high = max(1, picture.height * width // height), picture.height
    else:
        wide, high = picture.width, max(1, picture.width * height // width)
    left, top = (picture.width - wide) // 2, (picture.height - high) // 2
    return picture.crop((left, top, left + wide, top + high))
