"""Who may import whom, and where TensorFlow may stand (ARCHITECTURE.md)."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "green_vae"
ALLOWED = {  # the parts of the house, and what each imports of ours
    "utils": set(),
    "keras_internals": set(),
    "networks": set(),
    "models": {"keras_internals", "networks", "presets", "utils"},  # presets inside from_preset and save_to_preset
    "training": {"cost", "keras_internals", "metrics", "utils"},
    "samplers": {"models", "training", "utils"},
    "data": {"utils"},
    "metrics": {"utils"},
    "cost": {"keras_internals", "utils"},
    "plots": {"utils"},
    "cards": {"utils"},
    "presets": {"cards", "data", "models", "networks", "plots", "samplers", "training", "utils"},
    "sklearn": {"cards", "models", "samplers", "training"},
    "doctor": {"data", "presets", "utils"},
    "explore": {"data", "plots", "utils"},
    "cli": {"cards", "cost", "data", "doctor", "explore", "metrics", "models", "plots", "presets", "training", "utils"},
    "__main__": {"cli"},
    "experiments": {"cost", "data", "metrics", "models", "networks", "plots", "presets", "training", "utils"},
}
TENSORFLOW = {
    "models/jacobian.py",
    "models/streams.py",
    "models/train_step.py",
    "training/statistics.py",
    "data/tfds.py",
    "metrics/inception.py",
    "cost/crosscheck.py",
    "plots/pictures.py",
}
FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def imports(path):
    """Every absolute module name that a file imports, with whether it stands at the top level of the file."""
    tree = ast.parse((PACKAGE / path).read_text())
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((name.name, id(node) in top) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                module = ".".join(["green_vae", *Path(path).parent.parts[: len(Path(path).parts) - node.level], module])
            if module.rstrip(".") == "green_vae":
                yield from ((f"green_vae.{name.name}", id(node) in top) for name in node.names)
            else:
                yield module, id(node) in top


def part(module):
    """The part of the package that a module name belongs to: "green_vae.metrics.fid" -> "metrics"."""
    names = module.rstrip(".").split(".")
    known = len(names) > 1 and ((PACKAGE / names[1]).is_dir() or (PACKAGE / f"{names[1]}.py").exists())
    return names[1] if known else ""


def parts_of(path):
    """The parts of ours that a file imports."""
    return {part(module) for module, _ in imports(path) if module.split(".")[0] == "green_vae"}


def test_every_part_imports_exactly_what_the_house_says():
    found = {}
    for path in FILES:
        if path != "__init__.py":
            own = path.split("/")[0].removesuffix(".py")
            found[own] = found.get(own, set()) | parts_of(path) - {own}
    assert found == ALLOWED, "say it here, and in ARCHITECTURE.md"


def test_architecture_says_the_same():
    """Its table of parts: | `part/` | what it is | imports |."""
    lines = (PACKAGE.parent / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()
    rows = [re.findall(r"[^|]+", line) for line in lines if line.startswith("| `")]
    said = {names[0].strip(" `/").removesuffix(".py"): set(re.findall(r"\w+", names[2])) for names in rows}
    assert {name: said.get(name) for name in ALLOWED} == ALLOWED


@pytest.mark.parametrize("path", FILES)
def test_tensorflow_only_where_needed_and_inside_functions(path):
    names = ("tensorflow", "tensorflow_datasets", "tensorflow_probability", "keras_flops", "tf_keras")
    found = [top for module, top in imports(path) if module.split(".")[0] in names]
    assert not any(found), "TensorFlow is imported inside functions only: the package works without it"
    assert not found or path in TENSORFLOW


def test_the_rules_can_fail(tmp_path, monkeypatch):
    monkeypatch.setattr("test_imports.PACKAGE", tmp_path)
    (tmp_path / "metrics").mkdir()
    (tmp_path / "models").mkdir()
    text = "import tensorflow\nfrom green_vae.models import VAE\nfrom .x import y\n"
    (tmp_path / "metrics" / "bad.py").write_text(text)
    assert list(imports("metrics/bad.py")) == [
        ("tensorflow", True),
        ("green_vae.models", True),
        ("green_vae.metrics.x", True),
    ]
    assert part("green_vae.models") == "models"
