"""`green-vae export`: what other programs read gives the model's own numbers."""

import importlib.util

import keras
import numpy as np
import pytest

import green_vae as gv
from green_vae import cli

BETA = "boon/beta-mnist"
ONNX = all(importlib.util.find_spec(name) for name in ("tf2onnx", "onnx", "onnxruntime"))


@pytest.fixture(scope="module")
def model():
    return gv.load(BETA)


IMAGES = np.random.default_rng(0).random((3, 28, 28, 1)).astype("float32")
CODES = np.random.default_rng(1).standard_normal((3, 5)).astype("float32")


def test_keras(model, tmp_path):
    assert cli.main(["export", BETA, "--to", "keras", "-o", str(tmp_path / "beta.keras")]) == 0
    read = keras.saving.load_model(tmp_path / "beta.keras")
    np.testing.assert_allclose(read.encode(IMAGES), model.encode(IMAGES), rtol=1e-6)


def test_savedmodel(model, tmp_path, capsys):
    tf = pytest.importorskip("tensorflow")
    out = tmp_path / "exported" / "decoder"
    for _ in range(2):  # the second one replaces the first
        assert cli.main(["export", BETA, "--to", "savedmodel", "--part", "decoder", "-o", str(out)]) == 0
    assert capsys.readouterr().out == 2 * f"written: {out}\n"
    read = tf.saved_model.load(str(out))
    np.testing.assert_allclose(read.serve(CODES), model.decode(CODES), rtol=1e-5, atol=1e-6)


def test_a_place_that_takes_nothing_is_found_first(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert cli.main(["export", BETA, "--to", "savedmodel", "-o", str(tmp_path / "file" / "out")]) == 1
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.skipif(not ONNX, reason="tf2onnx, onnx or onnxruntime is not installed; the package does not need them")
def test_onnx(model, tmp_path):
    import onnxruntime

    assert cli.main(["export", BETA, "--to", "onnx", "-o", str(tmp_path / "beta.onnx")]) == 0
    encoder, decoder = (onnxruntime.InferenceSession(tmp_path / f"beta-{part}.onnx") for part in ("encoder", "decoder"))
    (means,) = encoder.run(["mean"], {encoder.get_inputs()[0].name: IMAGES})
    np.testing.assert_allclose(means, model.encode(IMAGES), rtol=1e-4, atol=1e-5)
    (images,) = decoder.run(None, {decoder.get_inputs()[0].name: CODES})
    np.testing.assert_allclose(images, model.decode(CODES), rtol=1e-4, atol=1e-5)


def test_packages_that_onnx_needs_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("green_vae.cli.export.importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    assert cli.main(["export", BETA, "--to", "onnx", "-o", str(tmp_path / "beta.onnx")]) == 1
    assert capsys.readouterr().err == "error: --to onnx needs tf2onnx and onnx: pip install tf2onnx onnx\n"


@pytest.mark.parametrize(
    ("kind", "out", "code", "message"),
    [
        ("keras", "beta.h5", 2, "a file of this format ends in .keras. Received: "),
        ("onnx", "beta", 2, "ends in .onnx"),
        ("savedmodel", "kept", 1, "no savedmodel lies there that could be replaced"),
    ],
)
def test_other_places_are_refused(kind, out, code, message, tmp_path, capsys):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "notes.txt").write_text("mine")
    assert cli.main(["export", BETA, "--to", kind, "-o", str(tmp_path / out)]) == code
    assert message in capsys.readouterr().err and [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_onnx_has_no_noise(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("green_vae.cli.export.importlib.util.find_spec", lambda name: True)
    assert cli.main(["export", BETA, "--to", "onnx", "--part", "model", "-o", str(tmp_path / "beta.onnx")]) == 1
    assert "a whole VAE draws noise, which ONNX has not; take --part encoder or decoder" in capsys.readouterr().err
