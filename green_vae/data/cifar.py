"""CIFAR-10 and CIFAR-100 from the original files (Krizhevsky, "Learning multiple layers of features", 2009).

The python version holds pickles. A pickle can run any code when it is read, so a file is opened only after its
published MD5 matched, and then by a reader that knows NumPy's array types and nothing else.
"""

import io
import pickle
import pickletools
import tarfile
from functools import partial

import numpy as np

from green_vae.utils.reading import DAMAGED

from . import tfds
from .checksum import check_md5
from .class_names import CIFAR10, CIFAR100
from .spec import DataNotFoundError, Spec

# MD5 of each file by folder and name; for CIFAR-10, the two versions hold the same images in the same order
MD5 = {
    "cifar-10-batches-py/data_batch_1": "c99cafc152244af753f735de768cd75f",
    "cifar-10-batches-py/data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "cifar-10-batches-py/data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "cifar-10-batches-py/data_batch_4": "634d18415352ddfa80567beed471001a",
    "cifar-10-batches-py/data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "cifar-10-batches-py/test_batch": "40351d587109b95175f43aff81a1287e",
    "cifar-10-batches-bin/data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
    "cifar-10-batches-bin/data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
    "cifar-10-batches-bin/data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
    "cifar-10-batches-bin/data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
    "cifar-10-batches-bin/data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
    "cifar-10-batches-bin/test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
    "cifar-100-python/train": "16019d7e3df5f24257cddd939b257f8d",
    "cifar-100-python/test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
}
LARGEST = 2**29  # bytes: more than any of the archives has, unpacked
TRAIN = [f"data_batch_{i}" for i in range(1, 6)]
# folder, archive with that folder in it, files of each split
PYTHON10 = ("cifar-10-batches-py", "cifar-10-python.tar.gz", {"train": TRAIN, "test": ["test_batch"]})
BINARY10 = (
    "cifar-10-batches-bin",
    "cifar-10-binary.tar.gz",
    {"train": [f"{name}.bin" for name in TRAIN], "test": ["test_batch.bin"]},
)
PYTHON100 = ("cifar-100-python", "cifar-100-python.tar.gz", {"train": ["train"], "test": ["test"]})

_reconstruct = np.empty(0).__reduce__()[0]  # NumPy's own array builder, wherever this version keeps it


class _ArrayUnpickler(pickle.Unpickler):
    """Reads dicts, lists, strings, numbers and NumPy arrays; refuses every other type by name."""

    # numpy.core is NumPy 1's name (the published files), numpy._core NumPy 2's; _codecs.encode is how Python 3
    # writes bytes in pickles of protocol 2
    ALLOWED = {
        ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): str.encode,
    }

    def find_class(self, module, name):
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a CIFAR file")
        return self.ALLOWED[module, name]


def _unpickled(content):
    """What a pickle of arrays holds.

    An object's number in the unpickler's memory is checked first: Python makes room for all numbers up to the largest
    one, which would be gigabytes for five damaged bytes.
    """
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and argument > len(content):
            raise pickle.UnpicklingError(f"an object with number {argument:,} in {len(content):,} bytes")
    return _ArrayUnpickler(io.BytesIO(content), encoding="latin1").load()


def _parse_python(content, label):
    """(labels, pixels (n, 3072)) of one pickle."""
    batch = _unpickled(content)
    labels, pixels = np.array(batch[label]), batch["data"]
    if pixels.dtype != np.uint8 or pixels.shape != (len(labels), 3072) or labels.dtype.kind != "i":
        raise ValueError(f"labels {labels.dtype} {labels.shape}, pixels {pixels.dtype} {pixels.shape}")
    return labels, pixels


def _parse_binary(content, label):
    """(labels, pixels (n, 3072)) of one .bin file: records of one label byte and 3,072 pixel bytes."""
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, 3073)
    return records[:, 0], records[:, 1:]


def _contents(root, folder, archive, names):
    """The bytes of `names` from root/folder, else from root/archive, else None."""
    if any((root / folder / name).is_file() for name in names):
        missing = [name for name in names if not (root / folder / name).is_file()]
        if missing:
            raise DataNotFoundError(f"{root / folder} is incomplete; put there as well: {', '.join(missing)}")
        return [(root / folder / name).read_bytes() for name in names]
    if (root / archive).is_file():
        try:
            with tarfile.open(root / archive) as tar:
                members = _members(tar)
                return [tar.extractfile(members[f"{folder}/{name}"]).read() for name in names]
        except (tarfile.TarError, *DAMAGED) as error:
            raise ValueError(f"{root / archive} is damaged; fetch it again. Received: {error}") from error
    return None


def _members(tar):
    """name -> member of the files in an archive; links are none, so that nothing else is read in their place."""
    members, size = {}, 0
    for member in tar:
        if (size := size + max(member.size, 0)) > LARGEST:
            raise ValueError(f"it unpacks to more than {LARGEST:,} bytes")
        if member.isreg():
            members[member.name] = member
    return members


def _read(split, root, sources):
    """Images (n, 32, 32, 3) and labels of the first source under `root`, or None."""
    for (folder, archive, splits), parse, label in sources:
        contents = _contents(root, folder, archive, splits[split])
        if contents is None:
            continue
        labels, pixels = [], []
        for name, content in zip(splits[split], contents, strict=True):
            check_md5(content, MD5[f"{folder}/{name}"], root / folder / name)
            batch_labels, batch_pixels = _parse(parse, content, label, root / folder / name)
            labels.append(batch_labels)
            pixels.append(batch_pixels)
        # the files store colour planes: (n, 3 * 32 * 32) -> (n, 32, 32, 3)
        images = np.concatenate(pixels).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(images), np.concatenate(labels).astype(np.int64)
    return None


def _parse(parse, content, label, path):
    """`parse` with the file's name in its errors."""
    try:
        return parse(content, label)
    except (pickle.UnpicklingError, *DAMAGED) as error:
        raise ValueError(f"{path} is not a CIFAR file; fetch it again. Received: {error}") from error


SPEC10 = Spec(
    name="cifar10",
    title="CIFAR-10",
    shape=(32, 32, 3),
    splits={"train": 50_000, "test": 10_000},
    read=partial(_read, sources=[(PYTHON10, _parse_python, "labels"), (BINARY10, _parse_binary, None)]),
    files=(
        "cifar-10-batches-py/{data_batch_1 ... data_batch_5, test_batch}",
        "cifar-10-batches-bin/{data_batch_1.bin ... data_batch_5.bin, test_batch.bin}",
        "cifar-10-python.tar.gz",
        "cifar-10-binary.tar.gz",
    ),
    source="https://www.cs.toronto.edu/~kriz/cifar.html",
    licence="none stated; cite Krizhevsky 2009",
    tfds="cifar10",
    read_tfds=tfds.read,
    download_bytes=170_052_171,
    url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    class_names=CIFAR10,
)
SPEC100 = Spec(
    name="cifar100",
    title="CIFAR-100",
    shape=(32, 32, 3),
    splits={"train": 50_000, "test": 10_000},
    read=partial(_read, sources=[(PYTHON100, _parse_python, "fine_labels")]),
    files=("cifar-100-python/{train, test}", "cifar-100-python.tar.gz"),
    source=SPEC10.source,
    licence=SPEC10.licence,
    tfds="cifar100",
    read_tfds=tfds.read,
    download_bytes=168_513_733,
    url="https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    class_names=CIFAR100,
)
