"""`green-vae train DIR`: one's own pictures, stopped by Ctrl-C, gone on with, and shown on a page."""

import contextlib
import dataclasses
import io
import json
import shlex

import numpy as np
import pytest
from html_pages import Page, check
from PIL import Image

import green_vae as gv
from green_vae import cli, presets
from green_vae.cards import OBJECTIVES
from green_vae.models import MODELS
from green_vae.plots.pictures import Pictures
from green_vae.presets import pictures


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """40 pictures of a bright spot, of two sizes."""
    rng, out = np.random.default_rng(0), tmp_path_factory.mktemp("my") / "spots"
    out.mkdir()
    for number in range(40):
        image = rng.integers(0, 60, (24, 20 + number % 2, 3), "uint8")
        y, x = rng.integers(4, 16, 2)
        image[y : y + 6, x : x + 6] = 250
        Image.fromarray(image).save(out / f"{number:02}.png")
    return out


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    """(folder of the run, exit codes and outputs of two calls of one command, the first of which was interrupted)."""
    out, said = tmp_path_factory.mktemp("run") / "spots", []
    command = ["train", str(folder), "--size", "16", "--model", "beta-vae", "--latent", "3", "--epochs", "3"]

    def interrupt(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    def narrow(*arguments, **settings):
        chosen = presets_of(*arguments, **settings)
        chosen.config["network_options"] = {**chosen.config["network_options"], "base": 2}
        return dataclasses.replace(chosen, samplers={"gmm": {"n_components": 2}})

    presets_of = pictures.preset_of
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("green_vae.training.account.idle", lambda: (None, ""))
        patch.setattr(pictures, "preset_of", narrow)
        with pytest.MonkeyPatch.context() as stopped:
            stopped.setattr(Pictures, "on_epoch_end", interrupt)
            said.append(called([*command, "--out", str(out)]))
        said.append(called([*command, "--out", str(out)]))
    return out, said


def called(command):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = cli.main(command)
    return code, out.getvalue(), err.getvalue()


def test_ctrl_c_says_what_is_kept_and_how_to_go_on(run):
    out, ((code, printed, err), _) = run
    assert (code, printed) == (130, "")
    said = err.splitlines()[-1]
    assert said == f"interrupted; {out} keeps 1 epoch. The same command goes on; --fresh starts over"


def test_the_same_command_goes_on_to_the_end(run):
    out, (_, (code, printed, err)) = run
    assert code == 0 and "epoch 1/3" not in err and "epoch 3/3" in err and " left 0:0" in err
    assert f'green_vae.load("{out / "model"}")' in printed and str(out / "page.html") in printed
    assert len(json.loads((out / "history.json").read_text())) == 3


def test_the_folder_is_a_model_that_generates(run, tmp_path):
    out, _ = run
    model = gv.load(out / "model")
    assert (type(model).__name__, model.image_shape, model.latent_dim) == ("BetaVAE", (16, 16, 3), 3)
    assert cli.main(["generate", str(out / "model"), "-n", "4", "-o", str(tmp_path / "new.png")]) == 0
    told = json.loads((out / "model" / "metadata.json").read_text())
    assert told["data"] == "spots@16, 36 images"  # its name, and not where it lies


def test_the_page_needs_no_other_file(run):
    out, _ = run
    page = check(Page((out / "page.html").read_text(encoding="utf-8")))
    assert [picture.get("class") for picture in page.all("img")] == ["pixels", "pixels", None, None]
    for word in ("spots@16", "36 to train on and 4 to validate", "3 of 400 epochs in ", "gv.load("):
        assert word in page.text


def test_a_refused_command_leaves_the_page(run, folder):
    out, _ = run
    before = (out / "page.html").read_bytes()
    code, _, err = called(["train", str(folder), "--size", "16", "--model", "vae", "--out", str(out)])
    assert code == 1 and "another run lies there" in err
    assert (out / "page.html").read_bytes() == before


def test_a_folder_beside_it_whose_name_ends_in_the_size_is_another_one(folder, tmp_path, monkeypatch):
    """`train my/pictures --size 16` once took a folder my/pictures@16 in the place of my/pictures."""
    for name, size in (("spots", 40), ("spots@16", 8)):
        (tmp_path / name).mkdir()
        for number in range(2):
            Image.new("L", (size, size), size).save(tmp_path / name / f"{number}.png")
    seen = {}
    monkeypatch.setattr(pictures, "train", lambda *_, read, **settings: seen.update(images=read("", "train").images))
    monkeypatch.setattr(pictures, "_write_page", lambda *_: None)
    pictures.train_on_pictures(tmp_path / "spots", tmp_path / "run", size=16)
    assert seen["images"].shape == (1, 16, 16, 1) and seen["images"].max() == 40


def test_a_command_that_is_shown_can_be_typed():
    shown = pictures.usage("runs/my holiday").splitlines()[-1]
    assert shlex.split(shown)[:3] == ["green-vae", "generate", "runs/my holiday/model"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--size", "30"], 2, "a multiple of 16 up to 256, say 32. Received: 30"),
        (["--size", "300"], 2, "say 256. Received: 300"),
        (["--model", "rae", "--beta", "2"], 2, "rae has no KL whose weight beta could be. Received: beta=2.0"),
        (["--corrupt", "blur:2"], 2, "a corruption is 'gaussian:S'"),
    ],
)
def test_what_cannot_be_trained_is_refused_first(folder, arguments, code, message, tmp_path, capsys):
    assert cli.main(["train", str(folder), *arguments, "--out", str(tmp_path / "run")]) == code
    assert message in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_neither_preset_nor_folder(tmp_path, capsys):
    assert cli.main(["train", "svae/mnst-mini"]) == 2
    assert "did you mean svae/mnist-mini? Received: svae/mnst-mini, and no such folder" in capsys.readouterr().err
    assert cli.main(["train", "svae/mnist-mini", "--size", "32", "--model", "vae", "--corrupt", "mask:0.1"]) == 2
    assert "--corrupt, --model, --size: only for a folder of your own pictures" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert cli.main(["train", str(tmp_path / "empty"), "--out", str(tmp_path / "run")]) == 1
    assert "has no images for the train split" in capsys.readouterr().err


@pytest.mark.parametrize("side", range(16, 257, 16))
def test_the_networks_of_all_sizes(side):
    """The decoder reaches the side by doubling, from 4 to 9 pixels, but for 16 times a large odd number."""
    options = pictures.preset_of("x", (side, side, 3), 1000, "vae", 8).config["network_options"]
    doublings = np.log2(side / options["seed_side"])
    assert doublings == int(doublings) >= 1 and options["seed_side"] <= 15


def test_every_objective_is_a_model_and_its_own_arguments():
    for name, (kind, arguments) in OBJECTIVES.items():
        assert {"network", "latent_dim", *arguments} <= set(MODELS[kind].arguments()), name
        epochs = {
            count: pictures.preset_of("x", (32, 32, 3), count, name, 8).recipe.epochs for count in (9, 1000, 10**6)
        }
        assert epochs == {9: 400, 1000: 200, 10**6: 20}
        damaged = pictures.preset_of("x", (32, 32, 3), 9, name, 8, corruption="mask:0.5")
        assert damaged.config["corruption"] == "mask:0.5" and "corruption" in MODELS[kind].arguments()
    assert presets.train_on_pictures.__defaults__[:2] == (64, "sigma-vae")
