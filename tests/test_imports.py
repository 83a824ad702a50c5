"""Who may import whom, and where TensorFlow may stand (ARCHITECTURE.md)."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "green_vae"
LEAVES = {"files", "progress"}  # imported by anybody, import nothing of ours
ALLOWED = {
    "files": set(),
    "progress": set(),
    "data": LEAVES,
    "metrics": LEAVES,
    "cost": LEAVES,
    "plots": LEAVES,
    "inputs": set(),
    "losses": set(),
    "layers": set(),
    "train_step": set(),
    "networks": {"layers"},
    "flows": {"networks"},
    "likelihood": {"inputs", "losses"},
    "models": {"flows", "networks", "layers", "losses", "train_step", "inputs"},
    "checkpoint": {"files"},
    "training": LEAVES | {"checkpoint"},
    "samplers": LEAVES | {"models", "training"},
    "account": {"cost", "ledger", "callbacks"},
    "zoo": LEAVES | {"models", "samplers", "checkpoint", "ledger"},
    "presets": {"models", "networks", "data", "checkpoint", "training", "zoo"},
    "callbacks": {"metrics", "cost", "plots"},
    "ledger": set(),
    "workshop": {"data", "presets", "zoo", "callbacks", "account", "samplers", "checkpoint", "training"},
    "cli": {"presets", "models", "cost", "plots", "workshop"},
    "__main__": {"cli"},
    "experiments": LEAVES
    | {"presets", "samplers", "metrics", "cost", "data", "training", "plots", "callbacks", "account", "ledger", "zoo"}
    | {"models", "likelihood", "flows", "checkpoint", ""},
}
TENSORFLOW = {"train_step.py", "data/tfds.py", "metrics/inception.py", "cost/crosscheck.py", "callbacks.py"}
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


@pytest.mark.parametrize("path", [path for path in FILES if path != "__init__.py"])
def test_imports_only_what_its_part_may(path):
    own = path.split("/")[0].removesuffix(".py")
    assert own in ALLOWED, f"{own} is a new part of the package: say here, and in ARCHITECTURE.md, what it may import"
    ours = {part(module) for module, _ in imports(path) if module.split(".")[0] == "green_vae"}
    assert ours <= ALLOWED[own] | {own}


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
