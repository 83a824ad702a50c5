"""`python -m green_vae train` and `generate`: from digits to a folder to a picture."""

import importlib
import io
import json
from contextlib import redirect_stdout

import numpy as np
import pytest
from core_models import run_script
from PIL import Image

import green_vae as gv
from green_vae import cli, presets
from green_vae.presets import Preset, store
from green_vae.training import Recipe, recalibrate_batch_norm
from green_vae.training.checkpoint import load_weights
from green_vae.training.statistics import batch_norms
from green_vae.utils import ledger

train_module = importlib.import_module("green_vae.presets.train")  # the package's name is the function
CONFIG = {"image_shape": (32, 32, 1), "latent_dim": 4, "network_options": {"base": 2, "projection": 8}, "beta": 3.0}


@pytest.fixture(scope="module")
def printed():
    """What the second command of `trained` wrote on stdout: a list of one text."""
    return []


@pytest.fixture(scope="module")
def trained(tmp_path_factory, printed):
    """(folder of a run of two commands, metadata of the model after the first one)."""
    out = tmp_path_factory.mktemp("run") / "tiny"
    with pytest.MonkeyPatch.context() as patch:
        recipe = Recipe(1e-3, (), 20, 3)
        tiny = Preset("split_vae", CONFIG, "digits", recipe, "us", samplers={"gmm": {}, "neighbourhood": {}})
        patch.setitem(presets.PRESETS, "test/tiny", tiny)
        patch.setattr("green_vae.training.account.idle", lambda: (None, ""))
        command = [
            "train",
            "test/tiny",
            "--limit-train",
            "60",
            "--pictures-every",
            "2",
            "--precision",
            "float32",
            "--out",
            str(out),
        ]
        assert cli.main([*command, "--epochs", "1"]) == 0
        first = store.metadata_of(out / "model")
        with redirect_stdout(io.StringIO()) as stdout:
            assert cli.main(command) == 0
        printed.append(stdout.getvalue())
        yield out, first


def test_one_line_on_stdout_says_at_the_end_where_the_model_is(trained, printed):
    folder = trained[0] / "model"
    assert printed == [f"written: {folder}; `python -m green_vae generate {folder}` draws from it\n"]


def test_a_second_call_goes_on(trained):
    out, first = trained
    history = json.loads((out / "history.json").read_text())
    assert (first["epochs"], len(history)) == (1, 3)
    assert [path.name for path in out.glob("*.weights.h5")] == ["epoch-3.weights.h5"]
    assert [line["quality"]["epochs"] for line in ledger.read(out / "ledger.jsonl")] == [1, 3]
    for epoch in history:
        assert {"loss", "gamma", "active_means", "variance_law", "seconds", "images"} <= set(epoch)
        assert epoch["images"] == 60 and epoch.get("kwh") != 0


def test_the_folder_tells_how_it_came_about(trained):
    out, _ = trained
    metadata = store.metadata_of(out / "model")
    history = json.loads((out / "history.json").read_text())
    assert (metadata["preset"], metadata["data"], metadata["seed"]) == ("test/tiny", "digits, 60 images", 0)
    assert metadata["train_images"] == 60 and metadata["epochs"] == 3 and metadata["recipe"]["batch_size"] == 20
    assert metadata["cost"]["seconds"] == pytest.approx(sum(epoch["seconds"] for epoch in history))
    assert metadata["cost"]["images"] == 180 and metadata["cost"]["kwh"] != 0
    assert json.loads((out / "model" / "history.json").read_text()) == history


def test_the_folder_is_the_trained_model(trained):
    out, _ = trained
    model = gv.load(str(out / "model"))
    sampler = presets.load_sampler(out / "model", "gmm")
    images = model.generate(3, sampler, part="x1")
    assert images.shape == (3, 32, 32, 1) and sampler.n_components == 10


def test_pictures_of_the_epochs_asked_for(trained):
    out, _ = trained
    names = sorted(path.name for path in (out / "pictures").glob("*.png"))
    assert names == [f"{what}-{epoch}.png" for what in ("generated", "reconstructed") for epoch in ("0001", "0002")]
    for name in names:
        picture = np.asarray(Image.open(out / "pictures" / name))
        assert picture.min() < picture.max()


def test_generate_draws_what_the_model_generates(trained, tmp_path, capsys):
    out, _ = trained
    path = tmp_path / "grid.png"
    asked = ["generate", str(out / "model"), "-n", "4", "-o", str(path), "--seed", "5", "--zoom", "1"]
    assert cli.main([*asked, "--sampler", "gmm", "--part", "map"]) == 0
    assert capsys.readouterr().out == f"written: {path}\n"
    model, sampler = gv.load(out / "model"), presets.load_sampler(out / "model", "gmm")
    expected = gv.plots.image_grid(model.generate(4, sampler, seed=5, part="map"))
    assert np.array_equal(np.asarray(Image.open(path)), expected[..., 0])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["generate", "nothing/there"],
            2,
            "no such preset; `python -m green_vae list` shows all of them. Received: nothing",
        ),
        (["generate", "survey/nvae-of-nobody"], 2, "Received: survey/nvae-of-nobody"),
        (["generate", "svae/celeba"], 1, "`python -m green_vae train svae/celeba` trains it"),
        (["train", "nothing"], 2, "`python -m green_vae list` shows all of them. Received: nothing"),
    ],
)
def test_errors_are_one_line(arguments, code, message, capsys):
    assert cli.main(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == "" and message in captured.err.splitlines()[-1]


def test_no_data_is_one_error(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    arguments = ["train", "svae/mnist-mini", "--data-dir", str(tmp_path), "--out", str(tmp_path / "run")]
    assert cli.main(arguments) == 1
    assert "was not found" in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_a_run_of_another_seed_is_not_overwritten(trained, capsys):
    out, _ = trained
    before = (out / "history.json").read_bytes()
    assert cli.main(["train", "test/tiny", "--limit-train", "60", "--seed", "1", "--out", str(out)]) == 1
    assert "seed 0 there, 1 now" in capsys.readouterr().err and (out / "history.json").read_bytes() == before


def test_statistics_of_batch_norm_are_those_of_the_trained_weights(trained):
    """Every pass sees the same images, but noise of its own behind the encoder."""
    out, _ = trained
    model, shipped = presets.preset("test/tiny").build(0), gv.load(out / "model")
    load_weights(model, out / "epoch-3.weights.h5")
    moving = {norm.path: norm.get_weights() for norm in batch_norms(model)}
    recalibrate_batch_norm(model, gv.data.load("digits").images[:60], 20)
    for ours, norm in zip(batch_norms(shipped), batch_norms(model), strict=True):
        for own, expected in zip(ours.get_weights(), norm.get_weights(), strict=True):
            np.testing.assert_allclose(own, expected, rtol=2e-3, atol=1e-4)
        assert not np.allclose(moving[norm.path][3], norm.get_weights()[3], rtol=0.1)  # 9 steps at momentum 0.999


def test_a_sampler_that_does_not_ship(trained, capsys):
    out, _ = trained
    assert cli.main(["generate", str(out / "model"), "--sampler", "second_stage"]) == 1
    assert "there is prior, gmm, neighbourhood" in capsys.readouterr().err


def test_several_devices_need_jax(tmp_path, monkeypatch, capsys):
    import keras

    if keras.backend.backend() == "jax":
        pytest.skip("this is JAX")
    assert cli.main(["train", "svae/mnist-mini", "--devices", "all", "--out", str(tmp_path)]) == 1
    assert "KERAS_BACKEND=jax" in capsys.readouterr().err


@pytest.mark.parametrize(("batch_size", "validation", "size"), [(20, 0, 20), (30, 10, 10), (30, 100, 10)])
def test_batches_that_devices_cannot_share_evenly_are_refused(batch_size, validation, size, monkeypatch):
    monkeypatch.setattr("keras.distribution.list_devices", lambda: ["cpu:0", "cpu:1", "cpu:2"])
    with pytest.raises(ValueError, match=f"3 devices share every batch evenly.*Received: a batch of {size}$"):
        train_module._share(batch_size, validation)


def test_samplers_that_ship_are_those_of_the_survey():
    wide, narrow = (presets.preset(f"survey/{name}") for name in ("resnet-s4-b64-l64", "resnet-mini"))
    for chosen in (wide, narrow, presets.preset("survey/l2-rae-mini")):
        assert [*chosen.samplers] == ["gmm", "second_stage"] and chosen.new_sampler("gmm").n_components == 10
    assert wide.new_sampler("second_stage").settings() == gv.samplers.SecondStage("cosine", 150).settings()
    second = narrow.new_sampler("second_stage", seed=3)
    assert (second.widths, second.epochs, second.seed) == ((512, 512), 100, 3)
    assert second.epochs > 10 * narrow.recipe.epochs  # a length of its own, not that of the first stage


@pytest.mark.parametrize("command", ["train", "generate"])
def test_help_teaches(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main([command, "--help"])
    text = capsys.readouterr().out
    assert stopped.value.code == 0 and f"python -m green_vae {command} svae/mnist-mini" in text


@pytest.fixture(scope="module")
def on_devices(tmp_path_factory):
    """on_devices("all", ...) -> what script_devices.py found, on JAX with two devices made of one CPU."""
    pytest.importorskip("jax")

    def run(*arguments):
        folder = tmp_path_factory.mktemp("devices")
        extra = {"KERAS_BACKEND": "jax", "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
        return json.loads(run_script("script_devices.py", folder, *arguments, **extra).splitlines()[-1])

    return run


@pytest.mark.slow
def test_all_devices_train_the_same_model_as_one(on_devices):
    one, both, whole = on_devices("one"), on_devices("all"), on_devices("all", "whole")
    assert (one["devices"], one["on"], both["devices"], both["on"], whole["on"]) == (2, 1, 2, 2, 2)
    for other in (both, whole):
        np.testing.assert_allclose(one["weights"], other["weights"], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_mixed_precision_keeps_its_weights_in_float32(on_devices):
    found = on_devices("all", "mixed")
    assert (found["compute"], found["kept"]) == ("bfloat16", "float32") and np.isfinite(found["weights"]).all()


def test_a_training_that_ends_within_its_warm_up_says_so(tmp_path, recwarn):
    config = {"image_shape": (32, 32, 1), "latent_dim": 2, "network": "mlp", "network_options": {"widths": (4,)}}
    for steps, told in ((8, "the warm-up has only gone 38% of its way: it takes 8 steps"), (3, None)):
        recwarn.clear()
        chosen = Preset("beta_vae", {**config, "warmup_steps": steps}, "digits", Recipe(1e-3, (), 20, 1), "us")
        gv.train(chosen, tmp_path / str(steps), limit_train=60, pictures_every=0)
        found = [str(warning.message) for warning in recwarn if "warm-up" in str(warning.message)]
        assert found == [f"{told}, however long the training is. Received: 3 steps"] if told else not found
