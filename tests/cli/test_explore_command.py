"""`green-vae explore`: what it says, which images it shows, and how it ends. The page is tested in tests/explore."""

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
import types
import urllib.request

import numpy as np
import pytest
from core_models import child_env, fresh

import green_vae as gv
from green_vae import cli


@pytest.fixture
def shown(monkeypatch):
    """What the command hands to the page, which is a stand-in that Ctrl-C stops at once."""
    found = {}

    @contextlib.contextmanager
    def running(view, title, words, names=None, port=None):
        found.update(view=view, title=title, words=words, names=names, port=port)
        yield "http://127.0.0.1:7860/"

    def interrupted(seconds):  # no signal: whoever starts the tests may have it ignored
        raise KeyboardInterrupt

    monkeypatch.setattr("green_vae.explore.running", running)
    monkeypatch.setattr("green_vae.cli.explore.time", types.SimpleNamespace(sleep=interrupted))
    monkeypatch.setattr("green_vae.cli.explore.importlib.util.find_spec", lambda name: True)
    return found


@pytest.fixture
def saved(tmp_path):
    """A function (text of the metadata on the data) -> folder of a tiny model of 32 x 32 grey pixels."""

    def save(seen):
        gv.save_preset(fresh("vae"), tmp_path / "model", data=seen)
        return str(tmp_path / "model")

    return save


def test_the_map_shows_test_images_of_the_models_own_data(saved, shown, capsys):
    folder, before = saved("digits, 1,437 images"), signal.getsignal(signal.SIGINT)
    assert cli.main(["explore", folder, "-n", "20", "--port", "8123"]) == 0
    assert signal.getsignal(signal.SIGINT) is before
    assert "Open http://127.0.0.1:7860/ in a browser." in capsys.readouterr().out
    digits = gv.data.load("digits", "test")[:20]
    np.testing.assert_allclose(shown["view"].images, digits.images / 255, atol=1e-6)
    assert np.array_equal(shown["view"].labels, digits.labels) and shown["names"] == digits.class_names
    assert (shown["title"], shown["port"]) == (folder, 8123)
    assert shown["words"] == "The map shows 20 test images of digits."


def test_without_the_data_generated_images_take_its_place(saved, shown):
    assert cli.main(["explore", saved("arrays, 10 images"), "-n", "5"]) == 0
    np.testing.assert_allclose(shown["view"].images, shown["view"].model.generate(5, seed=0), atol=1e-6)
    assert "that the model generates" in shown["words"] and shown["port"] is None


def test_ones_own_pictures(saved, shown, tmp_path):
    pictures = gv.data.load("digits", "test").images[:3]
    for number, picture in enumerate(pictures):
        gv.plots.save_png(tmp_path / "pictures" / f"{number}.png", picture)
    assert cli.main(["explore", saved("digits, 9 images"), str(tmp_path / "pictures")]) == 0
    np.testing.assert_allclose(shown["view"].images, pictures / 255, atol=1e-6)


def test_the_missing_extra_is_named_before_the_model_is_read(monkeypatch, capsys):
    monkeypatch.setattr("green_vae.cli.explore.importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("green_vae.cli.explore.loaded", lambda name: pytest.fail("was read"))
    assert cli.main(["explore", "boon/beta-mnist"]) == 1
    assert capsys.readouterr().err == "error: explore needs Gradio: pip install 'green_vae[explore]'\n"


@pytest.mark.parametrize("port", ["0", "65536", "web"])
def test_ports_that_there_are_not(port, capsys):
    with pytest.raises(SystemExit):
        cli.main(["explore", "boon/beta-mnist", "--port", port])
    assert f"invalid port value: '{port}'" in capsys.readouterr().err


@pytest.mark.slow  # it starts a process that imports a backend and Gradio
@pytest.mark.skipif(not importlib.util.find_spec("gradio"), reason="Gradio is not installed")
def test_ctrl_c_ends_the_command_and_leaves_nothing_behind(tmp_path):
    command = [sys.executable, "-m", "green_vae", "explore", "boon/beta-mnist"]
    env = child_env(TMPDIR=str(tmp_path), GREEN_VAE_DATA=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "cache"))
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        words = process.stdout.readline().split()
        assert words[0] == "Open", process.stderr.read()
        with urllib.request.urlopen(words[1]) as page:
            assert b"boon/beta-mnist" in page.read()
        assert any(name.startswith("green-vae-explore-") for name in os.listdir(tmp_path))
        second = subprocess.run([*command, "--port", words[1].rstrip("/").rpartition(":")[2]], env=env,
                                capture_output=True, text=True, timeout=120)  # fmt: skip
        assert second.returncode == 1 and "port" in second.stderr.splitlines()[-1]
        for _ in range(3):  # impatient
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        assert process.wait(30) in (0, -signal.SIGINT)  # the last one may come when all is done
    finally:
        process.kill()
        process.communicate()
    assert not any(name.startswith("green-vae-explore-") for name in os.listdir(tmp_path))
