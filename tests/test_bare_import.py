"""`import green_vae` alone: it is quick, and Keras knows the classes of its models once it is there."""

import subprocess
import sys

import numpy as np
import pytest
from core_models import blobs, build, child_env

SAVED = ("vae", "split_vae", "lagging_vae")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    root, codes = tmp_path_factory.mktemp("saved"), {}
    for name in SAVED:
        model = build(name)
        model.compile("adam")
        model.save(root / f"{name}.keras")
        codes[name] = model.encode(blobs(3))
    np.savez(root / "codes.npz", images=blobs(3), **codes)
    return root


IMPORTS = (
    "import green_vae, keras",
    "import keras, green_vae",
    pytest.param("from green_vae import cost; import keras", marks=pytest.mark.slow),  # the way of the first
)


@pytest.mark.parametrize("imports", IMPORTS)
def test_a_saved_model_is_loaded_after_a_bare_import(files, imports):
    code = f"""
import gc; gc.disable()  # which takes a third of the time away
{imports}
import numpy as np
codes = np.load("codes.npz")
for name in {SAVED}:
    model = keras.saving.load_model(name + ".keras")
    np.testing.assert_allclose(model.encode(codes["images"]), codes[name], rtol=1e-5, atol=1e-6)
"""
    subprocess.run([sys.executable, "-c", code], cwd=files, env=child_env(), check=True, timeout=300)


def test_a_bare_import_imports_no_keras():
    code = "import green_vae, sys; print(*{'keras', 'tensorflow', 'jax', 'numpy'} & {*sys.modules})"
    found = subprocess.run([sys.executable, "-c", code], env=child_env(), capture_output=True, text=True, check=True)
    assert found.stdout == "\n"
