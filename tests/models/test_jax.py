"""The same models on JAX, from weights that TensorFlow wrote, and back; and the package where TensorFlow is not."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from core_models import (
    DENSE,
    DETERMINISTIC,
    OF_VECTORS,
    ROOT,
    SHARED,
    VARIANTS,
    build,
    child_env,
    examples,
    feed,
    fixed_weights,
    only,
    run_script,
    step,
)
from keras import ops
from script_jax_parity import state

pytestmark = pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="JAX is not installed")
# whose training step runs through code of its own: a penalty of the gradient, levels, two optimizers, vectors; a slow
# run has all variants
FITTED = ("rae_gp_dense", "rae_hutchinson_dense", "ladder_vae_dense", "lagging_vae", "second_stage_cosine")
ALL = {**DENSE, **VARIANTS}


def write(variant, folder):
    """Weights, and what the model makes of them here."""
    model, x = fixed_weights(build(variant)), examples(variant, 5)
    model.save_weights(folder / f"{variant}.weights.h5")
    rng = np.random.default_rng(0)
    noise, codes = (rng.normal(size=(5, model.latent_dim)).astype("float32") for _ in range(2))
    found = {"x": x, "noise": noise, "codes": codes, "decoded": model.decode(codes), **model.posterior(x)}
    feed(model, noise)
    for training in (False, True):
        found[f"loss_{training}"], outputs = step(model, x, training)
        if "gradient" in outputs:
            found[f"gradient_{training}"] = ops.convert_to_numpy(outputs["gradient"])
    found |= {f"state_{index}": weight.numpy() for index, weight in enumerate(state(model))}
    np.savez(folder / f"{variant}.npz", **found)


@pytest.fixture(scope="module")
def jax(tmp_path_factory):
    """(folder, what one process on JAX found for these variants)."""
    if keras.backend.backend() == "jax":
        pytest.skip("compares JAX with another backend")
    return found_by_jax(tmp_path_factory.mktemp("parity"), FITTED)


@pytest.fixture(scope="module")
def jax_rest(tmp_path_factory):
    """The same of a process for all other variants."""
    return found_by_jax(tmp_path_factory.mktemp("rest"), [name for name in ALL if name not in FITTED])


def found_by_jax(folder, variants):
    for variant in variants:
        write(variant, folder)
    # compiled for a few steps only, so compiled quickly
    quickly = {"KERAS_BACKEND": "jax", "JAX_DISABLE_MOST_OPTIMIZATIONS": "true"}
    return folder, json.loads(run_script("script_jax_parity.py", folder, *variants, **quickly).splitlines()[-1])


every = pytest.mark.parametrize("variant", only(ALL, *FITTED))


@pytest.fixture
def on_jax(variant, request):
    """(folder, what was found) of the process that had this variant."""
    return request.getfixturevalue("jax" if variant in FITTED else "jax_rest")


@every
def test_the_same_outputs(variant, on_jax):
    found = on_jax[1][variant]
    assert found["posterior"] < 1e-5
    assert found["decoded"] < 1e-5


@every
def test_the_same_loss_with_the_same_noise(variant, on_jax):
    found = on_jax[1][variant]
    assert abs(found["loss_False"]) < 1e-5
    assert abs(found["loss_True"]) < 1e-5  # with the statistics of the batch
    assert found["state"] < 1e-5  # moving statistics, gamma and counters after that batch


@pytest.mark.parametrize("variant", only(("rae_gp_dense", "rae_gp"), *FITTED))
def test_the_same_gradient_of_the_decoder(variant, on_jax):
    folder, found = on_jax
    with np.load(folder / f"{variant}.npz") as expected:
        for training in (False, True):
            size = np.abs(expected[f"gradient_{training}"]).max()
            assert size > 0.1
            assert found[variant][f"gradient_{training}"] < 1e-4 * size


@every
def test_fit(variant, on_jax):
    found = on_jax[1][variant]
    assert found["finite"]
    assert found["logs"] == sorted(["loss", *build(variant).logged])
    assert found["moved"] > 0.9
    if variant == "beta_vae":
        assert found["schedule"] == [2.0]
    if variant == "computed_gamma_vae":
        mse, gamma = found["schedule"]
        assert mse == gamma and 0.97 < gamma < 1
    start = build(variant).sample.generator.state.numpy().tolist()
    assert (found["noise"] != start) == (variant.removesuffix("_dense") not in DETERMINISTIC)


@pytest.mark.parametrize("variant", only([name for name in ALL if name not in OF_VECTORS], *FITTED))
def test_weights_go_back(variant, on_jax):
    folder, _ = on_jax
    model = build(variant, seed=55)
    model.load_weights(folder / f"{variant}.jax.weights.h5")
    with np.load(folder / f"{variant}.jax.npz") as expected:
        images = model.decode(np.ones((2, model.latent_dim)))
        np.testing.assert_allclose(images, expected["images"], atol=1e-5)


# without TensorFlow

LEFT_OUT = ("tensorflow", "tf_keras", "keras_flops", "tensorboard")


@pytest.fixture(scope="module")
def without_tensorflow(tmp_path_factory):
    """What a process found whose packages are all those installed here, TensorFlow and its companions left out."""
    packages = tmp_path_factory.mktemp("packages")
    for entry in Path(keras.__file__).parents[1].iterdir():
        if not entry.name.lower().startswith(LEFT_OUT) and entry.suffix != ".pth":
            (packages / entry.name).symlink_to(entry)
    script = SHARED / "script_no_tensorflow.py"
    command = [sys.executable, "-I", "-S", str(script), str(packages), str(ROOT)]
    quickly = child_env(JAX_DISABLE_MOST_OPTIMIZATIONS="true")  # as above
    env = {name: value for name, value in quickly.items() if not name.startswith(("KERAS", "PYTHON"))}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, cwd=os.fspath(packages))
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_tensorflow_is_not_there(without_tensorflow):
    found = without_tensorflow
    assert not found["tensorflow"] and not found["tf_keras"]
    assert found["jax"] and found["keras"] and found["backend"] == "jax"
    assert found["imported"] == []


def test_every_module_is_imported_without_tensorflow(without_tensorflow):
    names = without_tensorflow["modules"]
    files = {path for path in (ROOT / "green_vae").rglob("*.py") if path.name != "__init__.py"}
    assert len(names) >= len(files)
    assert {"green_vae.models.rae", "green_vae.metrics.inception", "green_vae.cost.crosscheck"} <= set(names)
    assert without_tensorflow["failed"] == {}


def test_training_and_a_distance_without_tensorflow(without_tensorflow):
    found = without_tensorflow
    assert found["generated"] == [8, 32, 32, 3]
    assert 0 < found["loss"] < 1e4
    assert 0 < found["fid"] < 1e4


def test_the_command_line_trains_without_tensorflow(without_tensorflow):
    """Whole epochs in mixed precision, and from the folder that they end in images of both samplers."""
    found = without_tensorflow
    assert found["exit"] == 0
    assert found["drawn"] == {"gmm": [3, 32, 32, 1, True], "second_stage": [3, 32, 32, 1, True]}
    samplers = ["sampler-gmm.npz", "sampler-second_stage.npz"]
    assert found["run"] == ["config.json", "history.json", "metadata.json", "model.weights.h5", *samplers]
