"""What of a machine decides how this package runs: backend, devices, cores, data sets, trained weights."""

import importlib.util
import os
import re

import keras

from green_vae.data import DATASETS, tfds
from green_vae.presets import pretrained
from green_vae.utils import ledger, places, processor

OPTIONAL = {
    "tensorboard": "pictures of a training in TensorBoard",
    "huggingface_hub": "models by hf://user/repository",
    "pynvml": "the energy of NVIDIA GPUs (nvidia-ml-py)",
    "codecarbon": "an estimate of energy where nothing can be measured",
}


def findings(data_dir=None):
    """What was found: subject -> text. Nothing is downloaded, and no data set is read."""
    return {
        "versions": ", ".join(f"{name} {version}" for name, version in ledger.versions().items()),
        "backend": f"{keras.backend.backend()}, {_chosen_by()}",
        "devices": ", ".join(keras.distribution.list_devices()) or "none",
        "cores": f"{len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()}{_threads()}",
        "processor": instructions(),
        "data": data_found(places.data_dir(data_dir)),
        "weights": weights_found(),
        "optional": ", ".join(_optional()),
    }


def _chosen_by():
    if os.environ.get("KERAS_BACKEND"):
        return "as KERAS_BACKEND says"
    return "as keras.json says; the environment variable KERAS_BACKEND=jax or =tensorflow chooses"


def _threads():
    limits = [f"{name}={os.environ[name]}" for name in os.environ if name.endswith(("_NUM_THREADS", "OP_THREADS"))]
    return f" ({', '.join(sorted(limits))})" if limits else ""


def instructions(cpuinfo=None):
    """Which instructions for matrices the processor has, as Linux tells them; cpuinfo: as for `processor.flags`."""
    flags = processor.flags(cpuinfo)
    if flags is None:
        return "unknown"
    found = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in flags]
    if "amx_bf16" in flags:
        said = "convolutions in bfloat16 are several times as quick as in float32"
    elif "avx512_bf16" in flags:
        said = "convolutions in bfloat16 are about twice as quick as in float32"  # 1.8 to 2.0, one core of an AMD EPYC
    else:
        said = "none for bfloat16, which gains nothing here"
    return f"{', '.join(found) or 'no vector extension known here'}; {said}"


def data_found(root):
    """Which data sets lie under a folder, and which do not."""
    there = [name for name, spec in DATASETS.items() if _lies(spec, root)]
    missing = [name for name in DATASETS if name not in there]
    advice = f"; not there: {', '.join(missing)} (--data-dir, ${places.VARIABLE} or --download)" if missing else ""
    return f"{', '.join(there) or 'none'} in {root}{advice}"


def _lies(spec, root):
    """Whether files of a data set seem to be there; those of scikit-learn always are."""
    starts = [re.split(r"[{*\[ ]", pattern)[0] for pattern in spec.files]
    return not starts or any((root / start).exists() for start in starts) or tfds.find(spec, root) is not None


def weights_found():
    """How many of the trained models that ship lie on this machine, and what to do about the others."""
    names = list(pretrained.registry())
    missing = [name for name in names if not (pretrained.where(name) / pretrained.METADATA).exists()]
    text = f"{len(names) - len(missing)} of {len(names)} trained models"
    return text + (
        f"; not here: {', '.join(missing)} (`${pretrained.ADDRESS}` or `green_vae.fetch`)" if missing else ""
    )


def _optional():
    for name, use in OPTIONAL.items():
        yield f"{name} {'is here' if importlib.util.find_spec(name) else 'is not here'}: {use}"
