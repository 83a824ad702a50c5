"""The virtual environment of the peers, which the package never needs."""

import importlib.metadata
import json
import os
import subprocess
import sys

PEERS = ("torch==2.13.0", "torchvision==0.28.0", "pythae==0.1.2", "pydantic==2.14.4", "pytorch-fid==0.3.0",
         "keras-hub==0.32.0")  # fmt: skip
SHARED = ("numpy", "scipy", "scikit-learn", "keras", "tensorflow")  # in the versions that green_vae is measured with
TOLD = ("python", "torch", "pythae", "pytorch-fid", "keras-hub", *SHARED)


def python_of(folder):
    """The interpreter of the peers in a folder; what is missing is installed there by pip, with its own settings."""
    python, marker, wanted = folder / "bin" / "python", folder / "peers.txt", "\n".join(requirements())
    if not marker.is_file() or marker.read_text() != wanted:
        print(f"installing the peers into {folder}, some minutes", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *requirements()], check=True, stdout=sys.stderr)
        marker.write_text(wanted)
    return str(python)


def requirements():
    """What pip is asked for."""
    return [*PEERS, *(f"{name}=={importlib.metadata.version(name)}" for name in SHARED)]


def versions(python):
    """Name -> version of what is installed for an interpreter."""
    code = "import importlib.metadata as m, json, platform, sys\nfound = {'python': platform.python_version()}\n"
    code += "found |= {name: m.version(name) for name in sys.argv[2:]}\nprint(json.dumps(found))"
    done = subprocess.run([python, "-c", code, *TOLD], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def threads():
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def limited(count):
    """Variables that give NumPy, SciPy, PyTorch and TensorFlow so many threads, and let oneDNN list what it does."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    names += ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    return {**dict.fromkeys(names, str(count)), "ONEDNN_VERBOSE": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
