"""Trained models as folders: what they are, how they came about, and weights whose checksums are verified first.

The layout is that of KerasHub's presets: `config.json` (class and arguments), `metadata.json` (machine written:
checksums, data, seed, epochs, cost, versions, commit, golden outputs) and `model.weights.h5` (float16, but for weights
beyond its range). Beside them may lie `history.json` (what each epoch logged) and `sampler-<name>.npz` (fitted
samplers).
"""

import datetime
import functools
import os
import shutil
import tempfile
from pathlib import Path

import keras
import numpy as np

from green_vae.models import MODELS
from green_vae.models.precision import dtype_policy
from green_vae.models.undrawn import python_seed, undrawn_weights
from green_vae.presets import pretrained
from green_vae.presets.catalog import PRESETS, preset
from green_vae.presets.pretrained import METADATA
from green_vae.samplers import SAMPLERS
from green_vae.samplers.base import read_sampler
from green_vae.training.checkpoint import load_weights, save_weights
from green_vae.utils import digests, ledger
from green_vae.utils.files import write_json
from green_vae.utils.reading import read_json

CONFIG, WEIGHTS, HISTORY = "config.json", "model.weights.h5", "history.json"
FORMAT = 1
# what Keras may make out of a configuration, beside numbers, texts and lists; others could be code
OBJECTS = ("DTypePolicy", "QuantizationConfig", "Quantizer")  # how their names end
GOLDEN_IMAGES, GOLDEN_NUMBERS = 4, 16
GOLDEN_TOLERANCE = 1e-3  # of other backends and processors, in units of pixels and of latent codes


def save_preset(model, folder, history=(), samplers=None, dtype="float16", **about):
    """Write a trained model as a folder that `load_preset` reads.

    Nothing is replaced before all is written: an error leaves the folder that is there as it was. A model that computes
    in mixed precision is saved as one in float32, which is what a reader will have, golden outputs included.

    Args:
        model: a model of the package.
        folder: made if missing. The files that an earlier model was saved in are replaced, metadata last; those that
            the new one has not are deleted. Whatever else lies there stays.
        history: list of dicts, as `training.train` returns it, or what `fit` returns.
        samplers: name -> fitted sampler of `green_vae.samplers`, to lie beside the weights.
        dtype: of the weights on disk, those of samplers too; in memory they are float32 again. A weight with a number
            beyond the range of `dtype` lies there as float32.
        about: what else the metadata should tell: preset, data, seed, epochs, cost ...

    Returns:
        dict, the metadata as written.

    Raises:
        ValueError: a model of another package, a weight that is NaN or infinite, or a history that is none.
        TypeError: something in `about` that JSON cannot hold.
    """
    _class_of(keras.saving.serialize_keras_object(model))
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for killed in folder.glob(".saving-*"):  # what a process that was killed here has left
        shutil.rmtree(killed, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".saving-", dir=folder) as aside:
        metadata = _write(float32_twin(model), Path(aside), history, samplers or {}, dtype, about)
        left = _own_files(folder) - set(metadata["sha256"])
        for name in (*metadata["sha256"], METADATA):
            os.replace(Path(aside, name), folder / name)
    for name in left:
        (folder / name).unlink(missing_ok=True)
    return metadata


def _write(model, folder, history, samplers, dtype, about):
    """Write the files of a model into an empty folder; returns its metadata."""
    whole = keras.saving.serialize_keras_object(model)
    write_json(folder / CONFIG, {name: whole[name] for name in ("module", "class_name", "registered_name", "config")})
    save_weights(model, folder / WEIGHTS, dtype)
    files = [CONFIG, WEIGHTS]
    if history := _by_epochs(history):
        write_json(folder / HISTORY, history)
        files.append(HISTORY)
    for name, sampler in samplers.items():
        sampler.save(folder / sampler_file(name), dtype)
        files.append(sampler_file(name))
    with undrawn_weights(), dtype_policy("float32"):
        shipped = _build(folder)  # what a reader will have, after rounding
    load_weights(shipped, folder / WEIGHTS)
    metadata = {
        "format": FORMAT,
        **about,
        "parameters": int(model.count_params()),
        "dtype": dtype,
        "saved": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": ledger.versions(),
        "commit": ledger.commit(),
        "golden": golden(shipped),
        "sha256": {name: digests.of_files(folder / name) for name in files},
    }
    write_json(folder / METADATA, metadata)
    return metadata


def float32_twin(model):
    """The model itself if it computes in float32; else one that does, with the same weights and noise."""
    if model.dtype_policy.compute_dtype == "float32":
        return model
    with undrawn_weights(), dtype_policy("float32"):
        twin = type(model).from_config({**model.get_config(), "dtype": "float32"})
    twin.set_weights(model.get_weights())
    for own, layer in zip(twin.noises(), model.noises(), strict=True):
        own.generator.state.assign(layer.generator.state)
    return twin


def _by_epochs(history):
    """A history as a list of dicts, one for each epoch; that of Keras is a dict of lists.

    Raises:
        ValueError: neither, or lists of several lengths.
    """
    columns = () if history is None else getattr(history, "history", history)
    expected = "a history is what `fit` or `training.train` returned, or a list of dicts, one for each epoch"
    if isinstance(columns, dict):
        if len({len(column) for column in columns.values()}) > 1:
            lengths = {name: len(column) for name, column in columns.items()}
            raise ValueError(f"{expected}. Received: columns of several lengths, {lengths}")
        return [dict(zip(columns, epoch, strict=True)) for epoch in zip(*columns.values(), strict=True)]
    if not isinstance(columns, (list, tuple)) or not all(isinstance(epoch, dict) for epoch in columns):
        raise ValueError(f"{expected}. Received: {columns!r:.99}")
    return list(columns)


def _own_files(folder):
    """Names of the files that the model in a folder was saved in; none where there is no model."""
    try:
        names = metadata_of(folder)["sha256"]
    except (FileNotFoundError, ValueError):
        return set()
    return set(filter(_is_own, names))


def _is_own(name):
    """Whether a name in metadata is that of a file, and of one that lies beside them."""
    return Path(name).name == name and name not in ("", "..") and len(name) < 200


def load(name, weights="pretrained", seed=None):
    """A model with trained weights.

    Args:
        name: of the preset, say "survey/resnet-s4-b64-l64"; or a folder of `save_preset`, or "hf://user/repository".
        weights: "pretrained" for those that ship (`presets.pretrained` says where they are looked for and when they
            are fetched) or that lie in the folder, a path to a `.weights.h5` file, or None for fresh ones.
        seed: of fresh weights and of the model's noise. Without a seed, the noise goes on where the training left it.
            Generators of Python and NumPy are left alone.

    Raises:
        ValueError: unknown preset, or files that are damaged, of another model, or not those that were saved.
        FileNotFoundError: no such weights; the message says what to put where, or how to train them.
        ConnectionError: the address that weights are fetched from does not answer, or has no such file.
    """
    if not isinstance(name, (str, os.PathLike)):
        raise ValueError(f"a model has the name of a preset or of a folder. Received: {name!r}")
    if str(name).startswith("hf://") or (name not in PRESETS and Path(name).is_dir()):
        return load_preset(name, weights, seed)
    chosen = preset(str(name))
    if weights is None:
        return chosen.build(seed)
    path = verified(pretrained.folder_of(name)) / WEIGHTS if weights == "pretrained" else Path(weights)
    model = _with_weights(chosen.outline(seed), path, seed)
    return _with_samplers(model, path.parent) if weights == "pretrained" else model


def load_sampler(name, sampler):
    """A fitted sampler that ships with a model: `load_sampler("svae/mnist-mini", "gmm")`; name as for `load`.

    Raises:
        FileNotFoundError: there is no such sampler; the message names those that there are.
    """
    return sampler_in(pretrained.folder_of(name) if name in PRESETS else name, sampler)


def pretrained_path(name):
    """Where the trained weights of a preset lie on this machine, if they do; nothing is fetched."""
    return pretrained.where(name) / WEIGHTS


def load_preset(folder, weights="pretrained", seed=None):
    """The model in a folder of `save_preset`, or in `hf://user/repository` (with huggingface_hub installed).

    Nothing but the metadata is read before the checksum of every file is verified. Weights and seed are as for `load`.

    Raises:
        FileNotFoundError: no such folder, or a file of it is missing.
        ValueError: damaged files, files that are not the ones that were saved, or a foreign or newer format.
    """
    folder = verified(fetched(folder))
    with undrawn_weights(at_most=2 * (folder / WEIGHTS).stat().st_size):  # int4 has two numbers in a byte
        model = _build(folder, seed)
    if weights is None:
        return _build(folder, seed)
    model = _with_weights(model, folder / WEIGHTS if weights == "pretrained" else Path(weights), seed)
    return _with_samplers(model, folder) if weights == "pretrained" else model


def _with_samplers(model, folder):
    """The model, which now finds the samplers beside its weights by their names, whatever folder it runs in."""
    folder = Path(folder).absolute()
    model.shipped = {name: functools.partial(sampler_in, folder, name) for name in samplers_in(folder)}
    return model


def _with_weights(model, path, seed):
    """The model with the weights of a file; its noise starts anew where there is a seed."""
    if not path.exists():
        how = "weights=None builds the model untrained"
        raise FileNotFoundError(f"no such weights; {how}. Received: {path}, which does not exist")
    load_weights(model, path)
    if broken := [weight.path for weight in model.weights if not np.isfinite(keras.ops.convert_to_numpy(weight)).all()]:
        raise ValueError(f"weights are NaN or infinite; take another file. Received: {path}, {broken[0]}")
    if seed is not None:
        for layer in model.noises():
            layer.restart(seed)
    return model


def sampler_in(folder, name):
    """The fitted sampler that lies beside a model's weights.

    Raises:
        FileNotFoundError: the folder has no such sampler; the message names those that it has.
    """
    folder = verified(fetched(folder))
    path, there = folder / sampler_file(name), samplers_in(folder)
    if name not in there:
        raise FileNotFoundError(f"no such sampler; there is {', '.join(['prior', *there])}. Received: {name!r}")
    try:
        kind = SAMPLERS[read_sampler(path)[1]["sampler"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"no sampler of this version; fetch it again. Received: {path} ({error})") from error
    return kind.load(path)


def samplers_in(folder):
    """Names of the samplers that lie beside a model's weights."""
    files = sorted(metadata_of(folder)["sha256"])
    return [Path(file).stem.removeprefix("sampler-") for file in files if file.startswith("sampler-")]


def sampler_file(name):
    return f"sampler-{name}.npz"


def fetched(source):
    """A local folder: `source` itself, or the download of an `hf://` address."""
    if not str(source).startswith("hf://"):
        return Path(source)
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ImportError(f"hf:// needs `pip install huggingface_hub`. Received: {source}") from error
    return Path(snapshot_download(str(source).removeprefix("hf://")))


def metadata_of(folder):
    """The metadata of a folder, a dict.

    Raises:
        FileNotFoundError: there is none. ValueError: damaged, or of another format.
    """
    path = Path(folder) / METADATA
    if not path.exists():
        raise FileNotFoundError(f"no trained model there: a folder with {METADATA} is one. Received: {folder}")
    try:
        metadata = read_json(path)
        files = metadata["sha256"]
        if not isinstance(files, dict) or not all(isinstance(digest, str) for digest in files.values()):
            raise ValueError("every file has a SHA-256")
        if not isinstance(metadata.get("train_images"), (int, type(None))):
            raise ValueError("train_images is a number")
        known = metadata["format"] == FORMAT and {CONFIG, WEIGHTS} <= set(files)
    except (ValueError, KeyError, TypeError) as error:
        message = "damaged or foreign metadata; save or fetch the model again"
        raise ValueError(f"{message}. Received: {path} ({type(error).__name__}: {error})") from error
    if not known:
        raise ValueError(f"another format than {FORMAT}; it takes another version of green_vae. Received: {path}")
    return metadata


def verified(folder):
    """`folder`, once the checksum of every file that its metadata names is found right.

    Raises:
        FileNotFoundError: a file is missing. ValueError: a file is not the one that was saved.
    """
    folder = Path(folder)
    files = metadata_of(folder)["sha256"]
    if (foreign := next((name for name in files if not _is_own(name)), None)) is not None:
        raise ValueError(f"a model's files lie in its own folder. Received: {foreign[:99]!r} in {folder / METADATA}")
    for name, expected in files.items():
        if not (folder / name).is_file():
            raise FileNotFoundError(f"a file of the model is missing; fetch it again. Received: {folder / name}")
        if (found := digests.of_files(folder / name)) != expected:
            message = f"{folder / name} is damaged or not the file that was saved; fetch it again."
            raise ValueError(f"{message} Received: sha256 {found[:12]}..., expected {expected[:12]}...")
    return folder


def golden(model):
    """Outputs on fixed inputs, a few numbers of each: what a loaded model must give again.

    Images are ramps and codes are waves, made by formula, so that no file and no generator is needed.
    """
    shape = model.image_shape
    size = GOLDEN_IMAGES * int(np.prod(shape))
    images = (np.arange(size) * 37 % 256).astype("uint8").reshape(GOLDEN_IMAGES, *shape)
    waves = np.sin(np.arange(GOLDEN_IMAGES * model.latent_dim)).astype("float32")
    made = {
        "encode": model.encode(images),
        "decode": model.decode(waves.reshape(GOLDEN_IMAGES, model.latent_dim)),
    }
    return {name: [float(v) for v in _spread(values)] for name, values in made.items()}


def _spread(values):
    flat = np.ravel(values)
    return flat[np.linspace(0, len(flat) - 1, min(GOLDEN_NUMBERS, len(flat)), dtype=int)].astype("float64")


def _class_of(config):
    """The class of a serialised model, one of `MODELS`: no other is looked up, let alone imported."""
    for known in MODELS.values():
        if keras.saving.get_registered_name(known) == config["registered_name"]:
            return known
    name = config["registered_name"]
    raise ValueError(f"only the package's own models have this format; others: model.save(). Received: {name!r}")


def _refuse_objects(value):
    """Raise ValueError for a description of an object, other than `OBJECTS`, anywhere in a configuration.

    Older versions of Keras look up any function of any module by such a description.
    """
    if isinstance(value, list):
        for part in value:
            _refuse_objects(part)
    if isinstance(value, dict):
        of_keras = str(value.get("module")).split(".")[0] == "keras" and not value.get("registered_name")
        if "class_name" in value and not (of_keras and str(value["class_name"]).endswith(OBJECTS)):
            raise ValueError(
                f"a configuration holds no code; give activations by name. Received: {value['class_name']!r}"
            )
        for part in value.values():
            _refuse_objects(part)


def _build(folder, seed=None):
    path = Path(folder) / CONFIG
    try:
        config = read_json(path)
        kind, arguments = _class_of(config), config["config"]
        _refuse_objects(arguments)
        with python_seed(seed):
            return kind.from_config(arguments if seed is None else {**arguments, "seed": seed})
    except Exception as error:  # Keras and its backends raise many kinds for one cause
        message = f"the configuration is damaged or of another version. Received: {path}"
        raise ValueError(f"{message} ({type(error).__name__}: {error})") from error
