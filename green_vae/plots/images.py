"""Images in grids, as PNG files and GIF animations."""

import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from green_vae.utils.files import write_aside

_BACKGROUND = 255  # white
FORMATS = {"": "PNG", ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".bmp": "BMP"}
FORMATS |= {".tif": "TIFF", ".tiff": "TIFF", ".gif": "GIF"}
_MARGIN = 4  # pixels on either side of a row's name


def image_grid(images, columns=None, pad=2):
    """Images in rows and columns on white, with `pad` white pixels around each.

    Args:
        images: (n, h, w, 1) or (n, h, w, 3); float in [0, 1] or uint8.
        columns: images per row; default: as square as possible. The last row may be incomplete.
        pad: pixels between the images and around the grid.

    Returns:
        uint8 array (rows * (h + pad) + pad, columns * (w + pad) + pad, channels).

    Raises:
        ValueError: wrong shape, no image, NaN, or floats outside [0, 1].
    """
    images = _as_bytes(images)
    n, h, w, channels = images.shape
    columns = columns or math.ceil(math.sqrt(n))
    if columns < 1 or pad < 0:
        raise ValueError(f"columns must be positive and pad not negative. Received: columns={columns}, pad={pad}")
    rows = math.ceil(n / columns)
    grid = np.full((rows * (h + pad) + pad, columns * (w + pad) + pad, channels), _BACKGROUND, np.uint8)
    for index, image in enumerate(images):
        top, left = pad + index // columns * (h + pad), pad + index % columns * (w + pad)
        grid[top : top + h, left : left + w] = image
    return grid


def reconstruction_grid(originals, reconstructions, columns=None, pad=2):
    """A grid with rows in pairs: a row of originals, below it their reconstructions. At most 8 columns by default.

    Arguments, result and errors as `image_grid`; both arrays have the same shape (ValueError otherwise).
    """
    originals, reconstructions = _as_bytes(originals), _as_bytes(reconstructions)
    if originals.shape != reconstructions.shape:
        shapes = f"{originals.shape} and {reconstructions.shape}"
        raise ValueError(f"originals and reconstructions must have the same shape. Received: {shapes}")
    columns = columns or min(len(originals), 8)
    bands = []
    for start in range(0, len(originals), columns):
        for images in (originals, reconstructions):
            band = image_grid(images[start : start + columns], columns, pad)
            bands.append(band[: len(band) - pad])  # the pad below it is the pad above the next
    bands.append(np.full_like(bands[0][:pad], _BACKGROUND))
    return np.concatenate(bands)


def rows_picture(rows, pad=2, zoom=1):
    """Rows of images, the first of every row in one column, each row's name at its left.

    Args:
        rows: dict name -> images, all (n, h, w, 1 or 3) with the same n, h and w; float in [0, 1] or uint8. Gray rows
            among coloured ones become coloured. No margin is left if all names are "".
        pad: as for `image_grid`.
        zoom: every pixel of an image becomes `zoom` x `zoom`; names keep their size.

    Returns:
        uint8 array (height, width, 1 or 3), for `save_png`: a margin with the names, then the grid.

    Raises:
        ValueError: no row, rows of different sizes, or what `image_grid` refuses.
    """
    images = [_as_bytes(row) for row in rows.values()]
    if len({row.shape[:3] for row in images}) != 1:
        raise ValueError(f"rows have the same number of images of one size. Received: {[row.shape for row in images]}")
    n, h, w, _ = images[0].shape
    channels = max(row.shape[-1] for row in images)
    grid = image_grid(np.concatenate([np.broadcast_to(row, (n, h, w, channels)) for row in images]), n, pad)
    grid = grid.repeat(zoom, axis=0).repeat(zoom, axis=1)
    font = ImageFont.load_default()
    boxes = [font.getbbox(name) for name in rows]
    margin = max(math.ceil(right - left) for left, _, right, _ in boxes)
    names = Image.new("L", (margin + 2 * _MARGIN if margin else 0, len(grid)), _BACKGROUND)
    for index, (name, (left, top, _, bottom)) in enumerate(zip(rows, boxes, strict=True)):
        middle = zoom * (pad + index * (h + pad) + h / 2)
        ImageDraw.Draw(names).text((_MARGIN - left, middle - (top + bottom) / 2), name, fill=0, font=font)
    names = np.asarray(names).reshape(len(grid), -1, 1)
    return np.concatenate([np.repeat(names, channels, axis=-1), grid], axis=1)


def side_by_side(pictures, gap=8, zoom=1):
    """Pictures beside each other, with white gaps between them and each one's name above it.

    Args:
        pictures: dict name -> uint8 (h, w, channels), all of one height and as many channels. No band is left for the
            names if all are "". A name that is wider than its picture is cut.
        gap: pixels between them, before the zoom.
        zoom: every pixel becomes `zoom` x `zoom`; names keep their size.

    Returns:
        uint8 array (height, width, channels), for `save_png`.
    """
    first = next(iter(pictures.values()))
    white = np.full((len(first), gap, first.shape[-1]), _BACKGROUND, np.uint8)
    whole = np.concatenate([part for picture in pictures.values() for part in (white, picture)][1:], axis=1)
    whole = whole.repeat(zoom, axis=0).repeat(zoom, axis=1)
    font = ImageFont.load_default()
    boxes = [font.getbbox(name) for name in pictures]
    height = max(math.ceil(bottom) for *_, bottom in boxes) if any(pictures) else 0
    names = Image.new("L", (whole.shape[1], height + 2 * _MARGIN if height else 0), _BACKGROUND)
    left = 0
    for (name, picture), (start, _, end, _) in zip(pictures.items(), boxes, strict=True):
        width = zoom * picture.shape[1]
        label = Image.new("L", (min(width, math.ceil(end)), names.height), _BACKGROUND)
        if height and label.width:
            ImageDraw.Draw(label).text((-start, _MARGIN), name, fill=0, font=font)
            names.paste(label, (left + max(0, (width - label.width) // 2), 0))
        left += width + zoom * gap
    names = np.asarray(names).reshape(-1, whole.shape[1], 1)
    return np.concatenate([np.repeat(names, whole.shape[-1], axis=-1), whole])


def save_grid(path, images, columns=None, pad=2, zoom=1):
    """Write `image_grid(images, columns, pad)` to `path`, every pixel `zoom` x `zoom` large.

    Raises:
        ValueError: as `image_grid` and `save_picture`.
    """
    save_picture(path, image_grid(images, columns, pad), zoom)


def save_picture(path, picture, zoom=1):
    """Write one picture in the format that the ending of `path` names; PNG without one.

    Args:
        path: of the file: .png, .jpg, .webp, .bmp, .tiff or .gif.
        picture: (h, w, 1), (h, w, 3) or (h, w), float in [0, 1] or uint8.
        zoom: every pixel becomes `zoom` x `zoom`.

    Raises:
        ValueError: another ending, before anything is written, or what is no picture.
    """
    kind = format_of(path)
    frame = _frame(picture, zoom)
    with write_aside(path) as aside:
        frame.save(aside, format=kind, **({"quality": 95} if kind in ("JPEG", "WEBP") else {}))


def format_of(path):
    """PIL's name of the format that the ending of a path stands for.

    Raises:
        ValueError: it stands for none.
    """
    kind = FORMATS.get(Path(path).suffix.lower())
    if kind is None:
        raise ValueError(f"a picture's name ends in one of {', '.join(filter(None, FORMATS))}. Received: {path}")
    return kind


def save_png(path, picture, zoom=1):
    """Write one picture to `path` as PNG, whatever its name; arguments as for `save_picture`."""
    frame = _frame(picture, zoom)
    with write_aside(path) as aside:
        frame.save(aside, format="PNG")


def save_gif(path, pictures, zoom=1, seconds=0.2):
    """Write pictures of one size as an animation that goes on for ever; at most 256 colours a picture.

    Args:
        path: of the GIF.
        pictures: sequence of arrays as for `save_png`.
        zoom: every pixel becomes `zoom` x `zoom`.
        seconds: that a picture is shown; GIF counts hundredths.

    Raises:
        ValueError: no picture, or what `save_png` refuses.
    """
    if not len(pictures):
        raise ValueError("an animation needs a picture. Received: none")
    frames = [_frame(picture, zoom) for picture in pictures]
    with write_aside(path) as aside:
        options = {"save_all": True, "append_images": frames[1:], "duration": round(1000 * seconds), "loop": 0}
        frames[0].save(aside, format="GIF", **options)


def _frame(picture, zoom):
    """A picture as a PIL image."""
    picture = np.asarray(picture)
    picture = _as_bytes((picture[..., None] if picture.ndim == 2 else picture)[None])[0]
    picture = picture.repeat(zoom, axis=0).repeat(zoom, axis=1)
    return Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)


def _as_bytes(images):
    """Images as uint8 (n, h, w, channels), or a clear error."""
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or images.size == 0:
        raise ValueError(f"images have the shape (n, h, w, 1 or 3). Received: shape {images.shape}")
    if images.dtype == np.uint8:
        return images
    if not np.issubdtype(images.dtype, np.floating):
        raise ValueError(f"images are uint8, or float in [0, 1]. Received: {images.dtype}")
    low, high = images.min(), images.max()
    if not (low >= -1e-3 and high <= 1 + 1e-3):  # also true of NaN
        raise ValueError(f"float images must lie in [0, 1]. Received: values from {low} to {high}")
    return np.round(np.clip(images, 0, 1) * 255).astype(np.uint8)
