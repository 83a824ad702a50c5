"""What the documents tell a reader to type: commands that the parsers take, and Python that runs."""

import json
import os
import re
import runpy
import shlex
import subprocess
import sys
import textwrap
import types
from pathlib import Path

import numpy as np
import pytest

from green_vae.cli.entry import parser
from green_vae.experiments.cli import parser_for
from green_vae.plots import save_png

ROOT = Path(__file__).parent.parent
DOCUMENTS = ("README.md", "docs/guide.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "SECURITY.md")
STANDS_FOR_SOMETHING = re.compile(r"[A-Z]{2,}|\$|[<>]")  # DIR, NAME, $p: no command yet


def blocks(name):
    """Blocks of code of a document, indented by four spaces or fenced, without their indentation."""
    text = (ROOT / name).read_text(encoding="utf-8")
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    indented = re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", text, re.MULTILINE)
    return [textwrap.dedent(block).strip() for block in [*fenced, *indented]]


def commands(name, start):
    """Words after `start` of each line of code that begins so, behind environment variables."""
    for block in blocks(name):
        for line in block.splitlines():
            line = re.sub(r"^\s*(\w+=\S+ )*", "", re.sub(r"\s+#.*", "", line))
            if line.startswith(start) and not STANDS_FOR_SOMETHING.search(line.removeprefix(start)):
                yield shlex.split(line.removeprefix(start))


OURS = [
    words for name in DOCUMENTS for start in ("green-vae ", "python -m green_vae ") for words in commands(name, start)
]
SCRIPTS = [words for name in DOCUMENTS for words in commands(name, "python reproduce/")]
PYTHON = [
    pytest.param(block, id=f"{name}-{number}")
    for name in DOCUMENTS
    for number, block in enumerate(blocks(name))
    if block.startswith(("import ", "from "))
]


def test_there_is_something_to_type():
    assert len(OURS) >= 10 and len(SCRIPTS) >= 3 and len(PYTHON) >= 4


@pytest.mark.parametrize("words", OURS, ids=" ".join)
def test_command_is_understood(words):
    assert parser().parse_args(words).run


@pytest.mark.parametrize("words", SCRIPTS, ids=" ".join)
def test_script_of_a_table_is_understood(words):
    script, *options = words
    table = runpy.run_path(ROOT / "reproduce" / script)["TABLE"]
    rows = parser_for(table).parse_args(options).rows
    assert all(any(row.name.startswith(asked) for row in table.rows) for asked in rows)


@pytest.mark.slow  # loads models with TensorFlow and trains one for some steps
@pytest.mark.filterwarnings("ignore:a KID of subsets")
@pytest.mark.parametrize("block", PYTHON)
def test_python_runs(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, picture in enumerate(np.random.default_rng(0).random((100, 32, 32, 3))):
        save_png(tmp_path / "my" / "pictures" / f"{number}.png", picture)
    exec(block.replace("epochs=10", "epochs=1"), {})


# notebooks


NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def code(path):
    """The cells of code of a notebook."""
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_was_executed_from_top_to_bottom_and_is_short_of_noise(path):
    cells = code(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert len(outputs) >= 5 and any("image/png" in output.get("data", {}) for output in outputs)
    assert not [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"]
    assert path.stat().st_size < 2**20


@pytest.mark.slow  # trains some small models
@pytest.mark.filterwarnings("ignore:a KID of subsets")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = f"notebook_{path.stem.replace('-', '_')}"
    monkeypatch.setitem(sys.modules, name, module := types.ModuleType(name))  # where its classes say they are from
    for cell in code(path):
        exec("".join(cell["source"]), module.__dict__)


@pytest.mark.slow  # imports everything
def test_reference_of_the_api_has_a_page_for_every_public_module_without_a_warning(tmp_path):
    program = f"import pathlib, runpy; runpy.run_path('docs/build.py')['api'](pathlib.Path({str(tmp_path)!r}))"
    command = [sys.executable, "-W", "error::UserWarning", "-c", program]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True, timeout=300)
    pages = {str(path.relative_to(tmp_path)): path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html")}
    parts = ("cost", "data", "metrics", "models", "networks", "plots", "presets", "samplers", "sklearn", "training")
    assert pages.keys() >= {"index.html", "green_vae.html", *(f"green_vae/{part}.html" for part in parts)}
    assert "A model with trained weights." in pages["green_vae/presets.html"]
    assert not [name for name, page in pages.items() if re.search(r"<(?:script|link)[^>]*https?://", page)]
