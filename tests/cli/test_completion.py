"""`green-vae completion`: what bash offers after the Tab key, asked of bash itself."""

import shutil
import subprocess
import sys

import pytest

from green_vae import cards, cli

pytest.importorskip("shtab")

ASK = """
source completion.bash
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 ))
_shtab_green_vae
printf "%s\\n" "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Holds the script, and a picture."""
    out = tmp_path_factory.mktemp("shell")
    called = subprocess.run([sys.executable, "-c", "from green_vae import cli; cli.main(['completion', 'bash'])"],
                            capture_output=True, text=True, check=True)  # fmt: skip
    (out / "completion.bash").write_text(called.stdout)
    (out / "seven.png").touch()
    return out


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash here")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("ex", {"explore", "export"}),
        ("info svae/mnist-mini", {"svae/mnist-mini", "svae/mnist-mini-plain"}),
        ("train --mod", {"--model"}),
        ("train --model be", {"beta-vae", "bernoulli-vae"}),
        ("evaluate boon/beta-mn", {"boon/beta-mnist"}),
        ("reconstruct boon/beta-mnist se", {"seven.png"}),
        ("generate se", {"seven.png"}),
    ],
)
def test_what_bash_offers(words, offered, folder):
    asked = subprocess.run(["bash", "-c", ASK, "bash", "green-vae", *words.split()], capture_output=True, text=True,
                           cwd=folder)  # fmt: skip
    assert set(asked.stdout.split()) == offered


def test_zsh_has_every_command_and_preset(capsys):
    assert cli.main(["completion", "zsh"]) == 0
    script = capsys.readouterr().out
    assert script.startswith("#compdef green-vae")
    for word in ("evaluate", "traverse", "--units", *cards.cards()):
        assert word in script


def test_the_extra_is_named_where_it_is_missing(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert cli.main(["completion", "bash"]) == 1
    assert capsys.readouterr().err == "error: completion needs shtab: pip install 'green_vae[completion]'\n"
