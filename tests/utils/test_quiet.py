"""The start of a command with a backend: the collector pauses, and what the backend's compiled parts print is lost."""

import gc
import os
import subprocess
import sys

import pytest
from core_models import child_env

from green_vae.utils.quiet import quiet_start


def test_what_is_written_past_python_is_lost_and_errors_are_not(capfd):
    os.write(2, b"before\n")
    with pytest.raises(ImportError), quiet_start():
        os.write(2, b"a library's own line\n")
        raise ImportError
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "before\nafter\n"


@pytest.mark.parametrize("first", [True, False])
def test_the_collector_pauses_while_a_backend_is_imported_first_and_leaves_it_out(first, monkeypatch):
    """Later on there may be garbage, which must not be kept for good."""
    frozen = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(gc.isenabled()))
    if first:
        monkeypatch.delitem(sys.modules, "keras", raising=False)
    else:
        monkeypatch.setitem(sys.modules, "keras", object())
    with quiet_start():
        assert gc.isenabled() is not first
    assert gc.isenabled() and frozen == [False] * first


def test_a_collector_that_is_off_stays_off(monkeypatch):
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    gc.disable()
    try:
        with quiet_start():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_home_that_cannot_be_written_to_is_no_news(tmp_path):
    """A folder cannot be made under a file, even by root."""
    (tmp_path / "file").write_text("")
    changes = {"HOME": str(tmp_path / "file"), "MPLCONFIGDIR": "", "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": ""}
    command = ["generate", "slides/sigma-mnist-l2", "--out", str(tmp_path / "new.png")]
    code = f"from green_vae import cli; raise SystemExit(cli.main({command}))"
    done = subprocess.run([sys.executable, "-c", code], env=child_env(**changes), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and (tmp_path / "new.png").exists()
