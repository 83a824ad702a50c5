"""Where the images of a command come from: folders, files, data sets, models; names are checked without a backend."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from green_vae import cards
from green_vae.cli.common import WrongCommand, check_name, program
from green_vae.data import DATASETS
from green_vae.data.folder import PREFIX, SIZE
from green_vae.utils.arguments import meant
from green_vae.utils.quiet import quiet_start
from green_vae.utils.reading import opened_npz

STEP = 100  # images generated at a time
MADE = 10_000  # images generated where nothing says how many
MOMENTS = "format"  # an array that a file of moments has, see `metrics.Moments.save`


@dataclass(frozen=True)
class Source:
    """What a word of the command line names.

    Attributes:
        text: the word. kind: "folder", "npz", "data" or "model".
        name: of the folder (as `data.load` takes it), file, data set or model.
        rest: split of a data set; sampler, and perhaps part, of a model: "gmm", "gmm:x1" or "".
    """

    text: str
    kind: str
    name: str
    rest: str = ""


@dataclass(frozen=True)
class Images:
    """The images of a source.

    Attributes:
        source: their `Source`. count: how many.
        batches: an array (n, h, w, c), or an iterable of arrays of images that are made as they are asked for; None
            where `moments` are all there is.
        shape: (h, w, c), None if it is not known.
        moments: a `metrics.Moments` from a file.
    """

    source: Source
    count: int
    batches: Any = None
    shape: tuple | None = None
    moments: Any = None

    def __str__(self):
        if self.moments is not None:
            return f"moments of {self.count:,} images"
        made = ", generated" * (self.source.kind == "model")
        return f"{self.count:,} images of {self.shape[1]} x {self.shape[0]}{made}"


def source(text):
    """The `Source` that a word names; no backend is asked.

    Raises:
        WrongCommand: there is nothing of that name, or no such split.
        FileNotFoundError: no such .npz file.
    """
    path, size = Path(text), SIZE.fullmatch(text)
    if text.startswith(PREFIX):
        return Source(text, "folder", text, "all")
    if path.is_dir() and not is_model(path):
        return Source(text, "folder", f"{PREFIX}{text}", "all")
    if size and Path(size[1]).is_dir():
        return Source(text, "folder", f"{PREFIX}{text}", "all")
    if path.suffix == ".npz":
        if not path.is_file():
            raise FileNotFoundError(f"there is no such file. Received: {text}")
        return Source(text, "npz", text)
    if path.is_dir():  # of a model, whatever its name
        return Source(text, "model", text)
    name, _, rest = text.partition(":")
    if name in DATASETS:
        splits = DATASETS[name].splits
        if rest and rest not in splits:
            raise WrongCommand(f"{name} has the splits {', '.join(splits)}. Received: {text}")
        return Source(text, "data", name, rest or "test")
    if not is_model(Path(name)):
        _check(name, text)
    return Source(text, "model", name, rest)


def is_model(path):
    """Whether a folder is one that `train` or `save_preset` has written a model to."""
    return (path / "config.json").is_file() and (path / "metadata.json").is_file()


def opened(found, n=None, seed=0, data_dir=None, download=False):
    """The `Images` of a `Source`.

    Args:
        found: a `Source`.
        n: how many: a random part of those that there are; so many are generated, `MADE` for None.
        seed: of that choice, and of generated images.
        data_dir, download: as for `data.load`.

    Raises:
        ValueError, OSError: what is there is no set of images, a model cannot be read or has no such sampler.
    """
    if found.kind == "model":
        return _generated(found, n or MADE, seed)
    if found.kind == "npz":
        with opened_npz(found.name) as file:
            kept = None if MOMENTS in file.files else _images_in(file, found.name)
        if kept is None:
            return _moments(found)
    else:
        from green_vae import data

        kept = data.load(found.name, found.rest, data_dir, download).images
    if n and n < len(kept):
        kept = kept[np.sort(np.random.default_rng(seed).choice(len(kept), n, replace=False))]
    return Images(found, len(kept), kept, kept.shape[1:])


def images_for(image_shape, words, n=None, data_dir=None):
    """Images for a model from files, folders and data sets: (a name of each, uint8 (n, h, w, c)).

    Args:
        image_shape: (h, w, c) of the model.
        words: paths, or data sets as `source` takes them; files are cut and resized.
        n: the first n alone.
        data_dir: as for `data.load`.

    Raises:
        WrongCommand: neither a file nor a folder nor a data set.
        ValueError, OSError: unreadable images, or those of a data set have another size.
    """
    from green_vae import data

    names, parts = [], []
    for word in words:
        path, name = Path(word), word.partition(":")[0]
        if not path.exists() and name in DATASETS:
            found = source(word)
            images = data.load(found.name, found.rest, data_dir).images
            if images.shape[1:] != tuple(image_shape):
                sizes = " and ".join(" x ".join(map(str, shape)) for shape in (images.shape[1:], image_shape))
                raise ValueError(f"this data set has other images than the model takes. Received: {word}, {sizes}")
            names += [f"{word}/{number}" for number in range(len(images))]
        else:
            if not path.exists():
                raise WrongCommand(f"no such file, folder or data set. Received: {word}")
            paths = (data.files_in(path) if path.is_dir() else [path])[: n and n - len(names)]
            images = data.read_files(paths, image_shape)
            names += map(str, paths)
        parts.append(images)
        if n and len(names) >= n:
            break
    return names[:n], np.concatenate(parts)[:n]


def image_for(image_shape, word):
    """The one image (1, h, w, c) that a word names; errors as `images_for`, and WrongCommand for several."""
    names, image = images_for(image_shape, [word], n=2)
    if len(names) > 1:
        raise WrongCommand(f"one picture is needed here. Received: {word}")
    return image


def _check(name, text):
    """Raises WrongCommand for a name that no preset has."""
    try:
        check_name(name)
    except WrongCommand as error:
        hint = meant(name, [*cards.cards(), *DATASETS])
        hint = hint or f"`{program()} list` shows the presets; data sets are {', '.join(DATASETS)}."
        raise WrongCommand(f"no such folder, file, data set or preset; {hint} Received: {text}") from error


def _generated(found, n, seed):
    """Images that a model generates in batches, the same as tables measure."""
    with quiet_start():
        from green_vae import presets

    model = presets.load(found.name)
    sampler, _, part = found.rest.partition(":")
    return Images(found, n, model.stream(n, sampler or None, seed, STEP, part or "x"), model.image_shape)


def _images_in(file, name):
    """The one array of images in an .npz file."""
    shapes = {key: file[key].shape for key in file.files}
    (key, *more) = [key for key, shape in shapes.items() if len(shape) == 4] or [None]
    if key is None or more:
        held = ", ".join(f"{key} {shape}" for key, shape in shapes.items())
        raise ValueError(f"give one array (n, h, w, c) of images, or moments made here. Received: {name} with {held}")
    return file[key]


def _moments(found):
    with quiet_start():
        from green_vae.metrics import Moments

    moments = Moments.load(found.name)
    return Images(found, moments.n, moments=moments)
