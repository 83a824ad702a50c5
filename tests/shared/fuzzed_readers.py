"""Every reader of files from elsewhere, with a small good file for each, and how such a file is damaged.

A case is a good file, damaged by a generator of random numbers, and read. The reader may give an array, a list or a
dict as it should be, or one ValueError or OSError that says what it received. Anything else is a fault: see `run`.
"""

import contextlib
import hashlib
import io
import json
import os
import pickle
import resource
import signal
import struct
import sys
import tarfile
import threading
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import keras
import numpy as np
from PIL import Image

from green_vae.data import celeba, cifar, folder, idx, prepare
from green_vae.experiments import figure_report, runner
from green_vae.metrics import Moments, inception, weights
from green_vae.models import MODELS
from green_vae.models.undrawn import undrawn_weights
from green_vae.presets import store
from green_vae.samplers import SAMPLERS
from green_vae.training import Recipe, best_epoch
from green_vae.training.checkpoint import load_weights, read_history
from green_vae.training.run_folder import read_run
from green_vae.utils import digests

SECONDS, MEMORY = 10, 2**30  # what one case may take
STARTS = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect")


@dataclass(frozen=True)
class Reader:
    """A reader and its files.

    Attributes:
        make: (folder, setitem) -> path of a good file in the folder, with whatever belongs to it; `setitem(dict, key,
            value)` tells the package what it needs to know of it.
        read: path -> what it holds, checked as far as a reader of the package would rely on it.
        rebuild: (path, rng): damage inside of what checksums and compression protect; None for bytes alone.
        same: whether a checksum lets nothing but the good file pass.
        quick: whether a case takes milliseconds.
        memory: bytes that one case may take.
    """

    make: Callable
    read: Callable
    rebuild: Callable | None = None
    same: bool = False
    quick: bool = True
    memory: int = MEMORY


class Fault(Exception):
    """What a reader must not do."""


class _TooLong(BaseException):
    """Not an Exception: no reader swallows it."""


_watched = {"reading": False}


def _watch(event, _):
    if _watched["reading"] and event.startswith(STARTS):
        _watched["reading"] = False
        raise _Started(event)


class _Started(BaseException):
    """A program or a connection was about to be started."""


def prepared(name, place, setitem):
    """(Reader, path of its good file, its bytes, what it holds) in a folder of its own."""
    if not _watched.get("hooked"):
        sys.addaudithook(_watch)  # for good: Python knows no way back
        _watched["hooked"] = True
    reader = READERS[name]
    path = reader.make(Path(place), setitem)
    content = path.read_bytes()
    good = reader.read(path)  # which warms up whatever is imported on first use, too
    return reader, path, content, good


def run(reader, path, content, good, rng):
    """One case; returns "read" or "refused".

    Raises:
        Fault: another error than one ValueError or OSError with "Received", more than 10 s or than
            `memory`, a program or a
            connection started, or another content where a checksum forbids it.
    """
    path.write_bytes(content)
    if reader.rebuild and rng.randrange(2):
        reader.rebuild(path, rng)
    else:
        path.write_bytes(damaged(content, rng))
    before, begin = _peak(), time.process_time()  # of this process alone: others may be busy
    try:
        with _limited():
            value = reader.read(path)
    except (ValueError, OSError) as error:
        if "Received" not in str(error):
            raise Fault(f"an error that does not say what it received: {type(error).__name__}: {error}") from error
        value = None
    except (_TooLong, _Started, Exception) as error:
        raise Fault(f"{type(error).__name__}: {error}") from error
    if (took := time.process_time() - begin) > SECONDS:
        raise Fault(f"{took:.0f} s")
    if (grown := _peak() - before) > reader.memory:
        raise Fault(f"{grown / 2**20:.0f} MiB")
    if value is None:
        return "refused"
    if reader.same and not _equal(value, good):
        raise Fault("another content than that of the checksum")
    return "read"


@contextlib.contextmanager
def _limited():
    """Stop what takes too long, and what starts a program."""
    alarms = threading.current_thread() is threading.main_thread()

    def stop(*_):
        raise _TooLong(f"more than {SECONDS} s")

    before = signal.signal(signal.SIGVTALRM, stop) if alarms else None
    if alarms:
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    _watched["reading"] = True
    try:
        yield
    finally:
        _watched["reading"] = False
        if alarms:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before)


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _equal(a, b):
    return all(np.array_equal(one, other) for one, other in zip(a, b, strict=True))


# damage


def damaged(content, rng):
    """Bytes cut off, one bit turned, bytes overwritten with what sizes fear, a piece taken out or doubled."""
    kind, at = rng.randrange(6), rng.randrange(max(1, len(content)))
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :]
    if kind == 2:
        value = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
        size = rng.choice((1, 2, 4, 8))
        return content[:at] + bytes([value]) * size + content[at + size :]
    if kind == 3:
        return content[:at] + content[at + rng.randrange(1, 64) :]
    if kind == 4:
        return content[:at] + content[max(0, at - 64) :]
    at = rng.randrange(min(64, max(1, len(content))))  # headers are at the beginning
    return content[:at] + struct.pack(rng.choice(("<I", ">I", "<Q", ">Q")), rng.choice(SIZES)) + content[at + 4 :]


SIZES = (0, 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1)
TEXTS = ("", "../../../etc/passwd", "/etc/passwd", "x" * 10_000, "\0", "NaN", "prior", "os.system")
NUMBERS = (-1, 0, 10**9, 2**63, 10**400, 1.5, 1e308, float("nan"), float("inf"), True)
CODE = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "config": {"function": {"class_name": "__lambda__"}}}
OTHERS = (None, [], {}, [[]] * 3, {"": []}, CODE, LAMBDA, [CODE])


def damage_json(path, rng):
    """One value replaced by one of another kind or size, left out, or nested a hundred thousand times."""
    if not rng.randrange(30):
        path.write_text(rng.choice(("[", '{"a":')) * 100_000)
        return
    value = json.loads(path.read_text())
    places = list(_places(value))
    if not rng.randrange(20) or not places:
        value = rng.choice((*NUMBERS, *TEXTS, *OTHERS))
    else:
        inside, key = rng.choice(places)
        if isinstance(inside, dict) and not rng.randrange(4):
            del inside[key]
        else:
            inside[key] = rng.choice((*NUMBERS, *TEXTS, *OTHERS))
    path.write_text(json.dumps(value))


def _places(value):
    """Every (dict or list, key) inside a JSON value."""
    if isinstance(value, (dict, list)):
        for key, part in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from _places(part)


class Runs:
    """An object whose pickle starts a program."""

    def __reduce__(self):
        return os.system, ("true",)


def _npy(rng, array):
    """The bytes of an .npy file: hostile values in place of an array."""
    kind = rng.randrange(9)
    shape = np.shape(array)
    if kind == 0:
        array = np.full(shape, rng.choice((np.nan, np.inf, -np.inf, 1e300, -1.0)))
    if kind == 1:
        array = np.array([Runs()], dtype=object)
    if kind == 2:
        array = np.full(shape, "text")
    if kind == 3:
        array = np.zeros((*shape, 2))
    if kind == 4:
        array = np.zeros((0, *shape[1:]))
    if kind == 5:
        array = np.ones(shape, rng.choice(("complex64", "bool", "uint8", "M8[s]", "float16")))
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    content = buffer.getvalue()
    if kind in (6, 7):
        claim = rng.choice(((10**6, 10**6), (2**62, 4), (-1,), (10**9,), (2**31, 2**31, 2**31)))
        header = {"descr": rng.choice(("<f8", "<f4", "|O", "|V1000000")), "fortran_order": False, "shape": claim}
        buffer = io.BytesIO()
        np.lib.format.write_array_header_1_0(buffer, header)
        content = buffer.getvalue() + b"\0" * 64
    if kind == 8:
        text = b"(" * 5000 + b"\n"
        content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text
    return content


def damage_npz(path, rng):
    """One array replaced; or a zip that claims, or is, more than memory holds."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(sorted(members))
    compression = zipfile.ZIP_STORED
    if not rng.randrange(40):
        members[name] = members[name][:128] + bytes(80 * 2**20)  # a bomb of 80 kB
        compression = zipfile.ZIP_DEFLATED
    elif name == "head.npy" and rng.randrange(3):
        head = json.loads(str(np.load(io.BytesIO(members[name]))))
        text = path.with_suffix(".json")
        text.write_text(json.dumps(head))
        damage_json(text, rng)
        buffer = io.BytesIO()
        np.save(buffer, text.read_text())
        members[name] = buffer.getvalue()
    elif rng.randrange(8):
        members[name] = _npy(rng, np.load(io.BytesIO(members[name])))
    else:
        del members[name]
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)


def damage_h5(path, rng):
    """A weight that is a link, lies in another file, is NaN, of another type, or larger than memory."""
    with h5py.File(path, "r+") as file:
        names = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        name = rng.choice(sorted(names))
        shape = file[name].shape
        del file[name]
        kind = rng.randrange(9)
        if kind == 0:
            file[name] = h5py.ExternalLink("/etc/passwd", "/")
        if kind == 1:
            file[name] = h5py.SoftLink(rng.choice(("/", f"/{name}", "/nowhere")))
        if kind == 2:
            file.create_dataset(name, shape, "f4", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])
        if kind == 3:
            file.create_dataset(name, (2**33,), "f4", chunks=(2**20,), compression="gzip")
        if kind == 4:
            file.create_dataset(name, data=np.full(shape, np.nan, "f4"))
        if kind == 5:
            file.create_dataset(name, data=np.zeros((*shape, 2), "f4"))
        if kind == 6:
            file.create_dataset(name, data="text")
        if kind == 7:
            file[name] = file["/"]  # a group in itself
        if kind == 8:
            file.create_dataset(name, (2**31, 2**28), "f8")


# good files


def _idx(place, setitem):
    images = np.arange(2 * 28 * 28, dtype=np.uint32).astype(np.uint8)
    files = {
        "images-idx3": struct.pack(">4B3I", 0, 0, 8, 3, 2, 28, 28) + images.tobytes(),
        "labels-idx1": struct.pack(">4BI", 0, 0, 8, 1, 2) + b"\1\2",
    }
    (place / "mnist").mkdir()
    for name, content in files.items():
        setitem(idx.MD5, f"mnist/train-{name}-ubyte", _md5(content))
        compressor = zlib.compressobj(wbits=31)
        (place / "mnist" / f"train-{name}-ubyte.gz").write_bytes(compressor.compress(content) + compressor.flush())
    return place / "mnist" / "train-images-idx3-ubyte.gz"


def _plain_idx(place, setitem):
    path = place / "images"
    path.write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, 2, 28, 28) + bytes(2 * 28 * 28))
    return path


def _md5(content):
    return hashlib.md5(content).hexdigest()


def _pickled(place, setitem):
    rng = np.random.default_rng(0)
    batch = {"labels": [1, 2], "data": rng.integers(0, 256, (2, 3072), dtype=np.uint8), "filenames": ["a", "b"]}
    path = place / "test_batch"
    path.write_bytes(pickle.dumps(batch, protocol=2))
    return path


def _hostile_pickle(path, rng):
    wrong = (Runs(), np.zeros((2, 3)), np.array([Runs()], object), "text", [], None, np.zeros((3, 3072), "f4"))
    batch = {"labels": [1, 2], "data": np.zeros((2, 3072), np.uint8)}
    batch[rng.choice(("labels", "data"))] = rng.choice(wrong)
    path.write_bytes(pickle.dumps(batch, protocol=2))


def _tar(place, setitem):
    content = bytes(range(256)) * 24 + b"\1" * 2
    setitem(cifar.MD5, "cifar-10-batches-bin/test_batch.bin", _md5(content))
    path = place / "cifar-10-binary.tar.gz"
    _write_tar(path, [(tarfile.TarInfo("cifar-10-batches-bin/test_batch.bin"), content)])
    return path


def _write_tar(path, members):
    with tarfile.open(path, "w:gz") as tar:
        for info, content in members:
            info.size = len(content) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(content))


def _hostile_tar(path, rng):
    name = "cifar-10-batches-bin/test_batch.bin"
    info = tarfile.TarInfo(name)
    info.type = rng.choice((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.REGTYPE))
    info.linkname = rng.choice((name, "/etc/passwd", "../../../etc/passwd", "elsewhere"))
    outside = tarfile.TarInfo(rng.choice(("../../outside", "/tmp/outside", "cifar-10-batches-bin")))
    bomb = bytes(rng.choice((0, 10, 2**20)))
    _write_tar(path, [(outside, b""), (info, bomb)])


def _jpeg(seed, size=(178, 218), kind="JPEG"):
    pixels = np.random.default_rng(seed).integers(0, 256, (7, 6, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize(size).save(buffer, kind)
    return buffer.getvalue()


def _celeba(place, setitem):
    setitem(celeba.SPLITS, "test", 2)
    (place / "celeba").mkdir()
    (place / "celeba" / "list_eval_partition.txt").write_text("000001.jpg 2\n000002.jpg 2\n")
    path = place / "celeba" / "img_align_celeba.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in (1, 2):
            archive.writestr(zipfile.ZipInfo(f"img_align_celeba/00000{number}.jpg"), _jpeg(number))
    return path


def _hostile_zip(path, rng):
    others = (
        _jpeg(1, (1, 1)),
        _jpeg(1, kind="PNG"),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 178 218\n%%EndComments\nshowpage\n",
        b"",
        bytes(2**21),
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("../../000001.jpg"), rng.choice(others), zipfile.ZIP_DEFLATED)
        second = zipfile.ZipInfo(rng.choice(("img_align_celeba/000002.jpg", "/000002.jpg")))
        archive.writestr(second, _jpeg(2), zipfile.ZIP_DEFLATED)


def _read_celeba(path):
    root = path.parent.parent
    for kept in root.glob("celeba/prepared/*"):
        kept.unlink()
    images, _ = celeba._read("test", root, "celeba", celeba.crop)
    assert images.shape == (2, 64, 64, 3) and images.dtype == np.uint8
    return images


def _partition(place, setitem):
    setitem(celeba.SPLITS, "test", 2)
    path = place / "list_eval_partition.txt"
    path.write_text("000001.jpg 2\n000002.jpg 2\n000003.jpg 0\n")
    return path


def _prepared(place, setitem):
    path = place / "celeba" / "prepared" / "celeba-test.npy"
    path.parent.mkdir(parents=True)
    np.save(path, np.zeros((2, 64, 64, 3), np.uint8))
    return path


def _read_prepared(path):
    found = prepare.find(path.parents[2], "celeba", "test", 2)
    return None if found is None else np.array(celeba.read_npy(found))


def _hostile_npy(path, rng):
    path.write_bytes(_npy(rng, np.load(path)))


def _picture(kind):
    def make(place, setitem):
        path = place / f"one.{kind}"
        image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 8, 3), dtype=np.uint8))
        image.save(path)
        return path

    return make


def _hostile_picture(path, rng):
    """A file of another kind under the name of an image: PIL would hand the first to a program; or a bomb."""
    kind = rng.randrange(4)
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 9\n%%EndComments\nshowpage\n%%EOF\n"
    if kind == 0:
        path.write_bytes(eps)
    if kind == 1:
        size = rng.choice(((30_000, 30_000), (13_000, 13_000), (2**31 - 1, 1), (0, 0)))
        header = struct.pack(">2I5B", *size, 8, 2, 0, 0, 0)
        chunks = b"".join(
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
            for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(2**20))), (b"IEND", b""))
        )
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    if kind == 2:
        path.unlink()
        path.symlink_to(rng.choice(("/dev/zero", "/nowhere", path.name, "/")))
    if kind == 3:
        path.write_bytes(_jpeg(0, (8, 9), rng.choice(("GIF", "TIFF", "PPM", "ICO"))))


def _read_picture(path):
    try:
        images = folder.read(f"folder:{path.parent}", "all").images
    finally:
        if path.is_symlink():
            path.unlink()
    assert images.dtype == np.uint8 and images.ndim == 4
    return images


def _inception_npz(place, setitem):
    path = place / "keras_to_mixed8.npz"
    shapes = ((3, 3, 3, 32), (32,), (32,), (32,))
    names = weights.npz_names(1)
    np.savez(path, **{name: np.ones(shape, "f4") for name, shape in zip(names, shapes, strict=True)}, approximate=[])
    return path


def _read_inception_npz(path):
    weights.npz_contents(path)
    network = _network()
    inception._assign(network, weights.read_npz(path, 1), path)
    return network.get_weights()


_networks = {}


def _network():
    """The first convolution of Inception."""
    if "stem" not in _networks:
        layers = [keras.layers.Conv2D(32, 3, use_bias=False), keras.layers.BatchNormalization(scale=False)]
        _networks["stem"] = keras.Sequential([keras.Input((9, 9, 3)), *layers])
    return _networks["stem"]


def _fresh_network():
    """The same with ones: what an earlier case has put into it is forgotten."""
    network = _network()
    network.set_weights([np.ones(weight.shape, "f4") for weight in network.weights])
    return network


def _h5(place, setitem):
    path = place / "stem.weights.h5"
    _fresh_network().save_weights(path)
    return path


def _older_h5(place, setitem):
    """The format of Keras's own file of Inception: groups of layers, and names of weights in attributes."""
    path = place / "stem.h5"
    convolution, norm = _fresh_network().layers
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in (convolution, norm)]
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.0.0"
        for layer in (convolution, norm):
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{variable.name}:0" for variable in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, variable in zip(names, layer.weights, strict=True):
                group[name] = np.array(variable)
    return path


def _read_h5(path):
    inception._load_h5(_network(), path)
    return [array for array in _network().get_weights() if inception._finite(array, "a weight", path) is array]


def _checkpoint(path):
    load_weights(_network(), path)
    return _network().get_weights()


def _slim(part):
    def make(place, setitem):
        import tensorflow as tf

        names = inception.slim.slim_names(inception.slim.SCOPES[0])
        tensors = [tf.ones(shape) for shape in ((3, 3, 3, 32), (32,), (32,), (32,))]
        tf.raw_ops.SaveV2(
            prefix=str(place / "inception_v3.ckpt"), tensor_names=names, shape_and_slices=[""] * 4, tensors=tensors
        )
        return next(place.glob(f"inception_v3.ckpt.{part}*"))

    return make


def _read_slim(path):
    prefix = path.with_suffix("")
    inception._assign(_network(), inception.read_slim(prefix, 1), prefix)
    return _network().get_weights()


def _moments(place, setitem):
    path = place / "moments.npz"
    Moments(3, keep=2).update(np.random.default_rng(0).normal(size=(9, 3))).save(path)
    return path


def _read_moments(path):
    moments = Moments.load(path)
    assert np.isfinite(moments.covariance).all() and np.isfinite(moments.features).all() and moments.n >= 2
    assert moments.mean.shape == (moments.dim,)
    return moments.mean


def _sampler(name, **settings):
    def make(place, setitem):
        path = place / f"sampler-{name}.npz"
        z = np.random.default_rng(0).normal(size=(12, 2)).astype("f4")
        SAMPLERS[name](**settings).fit(z).save(path)
        return path

    return make


def _read_sampler(path):
    """As `store.sampler_in`, behind its checksum: a hostile folder has the right ones."""
    name = path.name.removeprefix("sampler-")
    files = {file: digests.of_files(path.parent / file) for file in (store.CONFIG, store.WEIGHTS, path.name)}
    (path.parent / store.METADATA).write_text(json.dumps({"format": store.FORMAT, "sha256": files}))
    sampler = store.sampler_in(path.parent, name.removesuffix(".npz"))
    return _finite_sample(sampler)


def _finite_sample(sampler):
    z = sampler.sample(3)
    assert np.isfinite(z).all() and z.shape[1:] == sampler.latent_shape_
    return z


def _beside_a_model(make):
    def both(place, setitem):
        for name in (store.CONFIG, store.WEIGHTS):
            (place / name).write_bytes(b"{}")
        return make(place, setitem)

    return both


RUN = {"preset": "test/tiny", "config": {"latent_dim": 2}, "recipe": {"epochs": 3}, "seed": 0, "epochs": 3}
PLAN = {"epochs": 3, "halve_at": [1, 2], "scaled": True}


def _json(name, value):
    def make(place, setitem):
        path = place / name
        path.write_text(json.dumps(value(place) if callable(value) else value))
        return path

    return make


def _read_run(path):
    run = read_run(path.parent)
    if run["plan"]:
        Recipe(epochs=run["plan"]["epochs"], halve_at=tuple(run["plan"]["halve_at"])).rate(0)
    return run


def _read_history(path):
    history = read_history(path.parent)
    best_epoch(history)
    Recipe(plateau=1).stopped(history)
    return history


def _metadata(place):
    for name in (store.CONFIG, store.WEIGHTS):
        (place / name).write_text("content")
    files = {name: digests.of_files(place / name) for name in (store.CONFIG, store.WEIGHTS)}
    return {"format": store.FORMAT, "sha256": files, "train_images": 12, "length": "3 of 3 epochs"}


def _read_metadata(path):
    store.verified(path.parent)
    return store.metadata_of(path.parent)


TINY = {"image_shape": (8, 8, 1), "latent_dim": 2, "network": "mlp", "network_options": {"widths": (4,)}}


def _config(place):
    whole = keras.saving.serialize_keras_object(MODELS["vae"](**TINY))
    return {name: whole[name] for name in ("module", "class_name", "registered_name", "config")}


def _read_config(path):
    with undrawn_weights(at_most=100_000):
        return store._build(path.parent)


CELL = {"value": 1.0, "published": 2.0, "verdict": "differs", "label": "", "reason": "", "remark": "", "identity": "a"}
REPORT = {"smoke": False, "rows": {"VAE": {"fid": {**CELL, "details": {"date": "2026"}, "recorded": False}}}}
ENTRY = {"picture": "a.png", "sentence": "", "reason": "", "details": {}, "recorded": False}


READERS = {
    "idx, compressed": Reader(_idx, lambda path: idx._read("train", path.parent.parent, "mnist"), same=True),
    "idx": Reader(_plain_idx, lambda path: idx._parse(idx._content(path), 3, path)),
    "CIFAR pickle": Reader(
        _pickled, lambda path: cifar._parse(cifar._parse_python, path.read_bytes(), "labels", path), _hostile_pickle
    ),
    "CIFAR archive": Reader(
        _tar,
        lambda path: cifar._read(
            "test", path.parent, [((*cifar.BINARY10[:2], {"test": ["test_batch.bin"]}), cifar._parse_binary, None)]
        ),
        _hostile_tar,
        same=True,
    ),
    "CelebA zip": Reader(_celeba, _read_celeba, _hostile_zip),
    "CelebA list": Reader(_partition, lambda path: celeba._partition(path, "test")),
    "CelebA prepared": Reader(_prepared, _read_prepared, _hostile_npy),
    **{
        f"folder, {kind}": Reader(_picture(kind), _read_picture, _hostile_picture)
        for kind in ("png", "jpg", "webp", "bmp")
    },
    "Inception .npz": Reader(_inception_npz, _read_inception_npz, damage_npz),
    "Inception .weights.h5": Reader(_h5, _read_h5, damage_h5),
    # texts in attributes: HDF5 makes room for what one claims, 4 GiB at most, before anybody can look
    "Inception .h5": Reader(_older_h5, _read_h5, damage_h5, memory=5 * 2**30),
    "slim index": Reader(_slim("index"), _read_slim),
    "slim data": Reader(_slim("data"), _read_slim),
    "checkpoint": Reader(_h5, _checkpoint, damage_h5),
    "moments": Reader(_moments, _read_moments, damage_npz),
    "mixture": Reader(_beside_a_model(_sampler("gmm", n_components=2)), _read_sampler, damage_npz),
    "neighbourhood": Reader(_beside_a_model(_sampler("neighbourhood")), _read_sampler, damage_npz),
    "one Gaussian": Reader(_beside_a_model(_sampler("scalar_gaussian")), _read_sampler, damage_npz),
    "second stage": Reader(
        _beside_a_model(_sampler("second_stage", widths=(3, 3), epochs=1, batch_size=4)),
        _read_sampler,
        damage_npz,
        quick=False,
    ),
    "run.json": Reader(_json("run.json", {**RUN, "plan": PLAN}), _read_run, damage_json),
    "history.json": Reader(
        _json("history.json", [{"loss": 1.0, "val_loss": 2.0}, {"loss": 1.0, "val_loss": 1.5}]),
        _read_history,
        damage_json,
    ),
    "metadata.json": Reader(_json("metadata.json", _metadata), _read_metadata, damage_json),
    "config.json": Reader(_json("config.json", _config), _read_config, damage_json, quick=False),
    "report": Reader(_json("table.json", REPORT), lambda path: runner.read_cells(path), damage_json),
    "report of figures": Reader(
        _json("gallery.json", {"smoke": False, "figures": {"one": ENTRY}}),
        lambda path: figure_report.read_entries(path),
        damage_json,
    ),
}
