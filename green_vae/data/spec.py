"""What is known of a data set before it is read, and where its files are looked for."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from green_vae.utils.places import VARIABLE


class DataNotFoundError(FileNotFoundError):
    """No source of a data set was found; the message says where it was looked for and how to get it.

    `brief` says it for a report that others read, without this machine's folders; "" if there is no such form.
    """

    brief = ""


@dataclass(frozen=True)
class Spec:
    """One data set: its shape and sizes, and the functions that read it.

    Attributes:
        name: key in `DATASETS`.
        title: the name in prose.
        shape: (height, width, channels) as `load` gives them.
        splits: number of images of each split.
        read: `read(split, root)` -> (images, labels), or None if no original file is under `root`.
        files: what `read` looks for, relative to `root`; any one line is enough.
        source: page of the publisher.
        licence: terms of use, as the publisher states them.
        tfds: name in TensorFlow Datasets, or "" if it is not there.
        read_tfds: `read_tfds(folder, split, root)` -> (images, labels) from a prepared TFDS folder.
        download_bytes: what TensorFlow Datasets downloads.
        url: an address of that download, to see quickly whether it can be reached.
        class_names: the name of each label value, or None.
        finish: applied to the images last, e.g. padding.
    """

    name: str
    title: str
    shape: tuple[int, int, int]
    splits: dict[str, int] = field(hash=False)
    read: Callable
    files: tuple[str, ...] = ()
    source: str = ""
    licence: str = ""
    tfds: str = ""
    read_tfds: Callable | None = None
    download_bytes: int = 0
    url: str = ""
    class_names: tuple[str, ...] | None = None
    finish: Callable = lambda images: images

    @property
    def download_size(self):
        """The download's size in words, e.g. "170 MB"."""
        if self.download_bytes < 10**9:
            return f"{self.download_bytes / 10**6:.0f} MB"
        return f"{self.download_bytes / 10**9:.1f} GB"


def tfds_roots(root):
    """The folders in which a prepared TFDS data set may lie: `root` and the default of TFDS itself."""
    default = os.environ.get("TFDS_DATA_DIR") or Path.home() / "tensorflow_datasets"
    return [root, Path(default).expanduser()]


def not_found(spec, split, root, reason=""):
    """The DataNotFoundError of `spec`: what was looked for and where, how to download it, what to put where."""
    lines = [
        f"{spec.title} ({split} split) was not found.{' ' + reason if reason else ''}",
        f"Looked in {root}{'' if root.is_dir() else ' (no such folder)'} for any of:",
        *(f"  {file}" for file in spec.files),
        f"and for a TFDS folder {spec.tfds}/ in: {', '.join(map(str, tfds_roots(root)))}",
        f"To download it ({spec.download_size}, through TensorFlow Datasets): download=True in Python, "
        "--download on a command line.",
        f"By hand: get the files from {spec.source} and put them into {root} under one of the names above.",
        f"Another folder: data_dir=... in Python, or the environment variable {VARIABLE}.",
        f"Received: name={spec.name!r}, split={split!r}, data_dir={str(root)!r}",
    ]
    error = DataNotFoundError("\n".join(lines))
    error.brief = (
        f"{spec.title} ({split} split) is not here: --download fetches it ({spec.download_size}), or put its files "
        f"into --data-dir or ${VARIABLE}"
    )
    return error
