"""Several processes that share every batch train the model that one process trains."""

import json
import socket
import subprocess
import sys

import core_models
import numpy as np
import pytest

import green_vae as gv

SCRIPT = core_models.ROOT / "docs" / "fit_on_a_cluster.py"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def fit(folder, *processes):
    """Losses of the epochs, of as many processes as there are lists of arguments; all start before one is awaited."""
    environment = core_models.child_env(KERAS_BACKEND="jax", JAX_PLATFORMS="cpu")
    started = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), "--out", str(folder), *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for arguments in processes
    ]
    try:
        for child in started:
            said, _ = child.communicate(timeout=300)
            assert child.returncode == 0, said[-4000:]
    finally:
        for child in started:
            child.kill()
    return json.loads((folder / "losses.json").read_text())


@pytest.mark.slow
def test_two_processes_on_the_loopback_interface_have_the_losses_of_one(tmp_path):
    pytest.importorskip("jax")
    one = fit(tmp_path / "one", [])
    shared = ["--address", f"127.0.0.1:{free_port()}", "--processes", "2"]
    two = fit(tmp_path / "two", *([*shared, "--process", str(process)] for process in (0, 1)))
    assert len(one) == 3 and one[-1] < one[0]
    np.testing.assert_allclose(two, one, rtol=1e-5)
    kept = [gv.load(str(tmp_path / name)).get_weights() for name in ("one", "two")]
    for a, b in zip(*kept, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)  # float16 in the files
