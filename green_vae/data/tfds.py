"""Data sets that TensorFlow Datasets prepared, and its download, only when asked for.

TensorFlow takes seconds to import: nothing here imports it before a prepared folder was seen or a download asked for.
"""

import hashlib
import threading
import urllib.error
import urllib.request

import numpy as np

from .spec import not_found, tfds_roots

INSTALL = "TensorFlow Datasets is not installed: pip install 'green_vae[tensorflow]'."


def find(spec, root):
    """The folder of the newest prepared version, <root>/<name>/<version>/, or None; also in TFDS's own place."""
    for base in tfds_roots(root) if spec.tfds else ():
        versions = [path.parent for path in (base / spec.tfds).glob("*/dataset_info.json")]
        if versions:
            return max(versions, key=lambda folder: [int(part) for part in folder.name.split(".") if part.isdigit()])
    return None


def download(spec, split, root):
    """Download and prepare `spec` under `root`.

    Raises:
        DataNotFoundError: the publisher cannot be reached (known within five seconds; TFDS itself would retry for
            minutes), or the download failed.
    """
    if not reachable(spec.url):
        raise not_found(spec, split, root, f"It cannot be downloaded: no answer from {spec.url}.")
    try:
        import tensorflow_datasets as tfds

        tfds.builder(spec.tfds, data_dir=root).download_and_prepare()
    except ImportError as error:
        raise not_found(spec, split, root, f"{INSTALL} ({error})") from error
    except Exception as error:  # TFDS passes on whatever the network, the publisher and the disk may raise
        raise not_found(spec, split, root, f"The download failed: {type(error).__name__}: {error}") from error


def reachable(url, seconds=5):
    """Whether `url` answers at all within `seconds`; in a thread, since a name look-up knows no time limit."""
    answers = []

    def ask():
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds).close()
            answers.append(True)
        except urllib.error.HTTPError:  # a refusal is an answer
            answers.append(True)
        except OSError:
            pass

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return bool(answers)


def read(folder, split, root):
    """Images uint8 (n, h, w, c) and labels int64 (n,), in the order of the original files, from a prepared folder."""
    builder = _builder(folder)
    rows = original_rows(range(builder.info.splits[split].num_examples), split)
    images = np.empty((len(rows), *builder.info.features["image"].shape), dtype=np.uint8)
    labels = np.empty(len(rows), dtype=np.int64)
    start = 0
    for batch in builder.as_dataset(split, read_config=_in_order()).batch(1000).as_numpy_iterator():
        at = rows[start : start + len(batch["label"])]
        images[at], labels[at] = batch["image"], batch["label"]
        start += len(at)
    return images, labels


def encoded(folder, split):
    """(number of images, iterator over their encoded bytes as stored) of a prepared folder."""
    import tensorflow_datasets as tfds

    builder = _builder(folder)
    decoders = tfds.decode.PartialDecoding({"image": True}, decoders={"image": tfds.decode.SkipDecoding()})
    examples = builder.as_dataset(split, read_config=_in_order(), decoders=decoders)
    return builder.info.splits[split].num_examples, (e["image"] for e in examples.as_numpy_iterator())


def original_rows(keys, split):
    """Where each stored record stood in the original files.

    TFDS stores the records of a split sorted by MD5(split name + key); the key is the position in the original files,
    or the file's name. Entry i is the index in `keys` of stored record i.
    """
    digests = [hashlib.md5(f"{split}{key}".encode(), usedforsecurity=False).digest() for key in keys]
    return sorted(range(len(digests)), key=digests.__getitem__)


def _builder(folder):
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ImportError(f"{folder} holds the data set, but cannot be read. {INSTALL}") from error
    return tfds.builder_from_directory(folder)


def _in_order():
    """Read the stored files one after the other; the default mixes them."""
    import tensorflow_datasets as tfds

    return tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
