"""The package as somebody installs it: what a wheel and an sdist carry, and what runs outside a checkout."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from loopback import serving

from green_vae.presets import pretrained

ROOT = Path(__file__).parent.parent
SOURCES = ("LICENSE", "README.md", "pyproject.toml", "setup.cfg", "setup.py")

pytestmark = pytest.mark.slow


def process(*command, cwd, **variables):
    """stdout of a process that must end well; it finds no checkout on its path."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GREEN_VAE"))}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=env | variables, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wheel(source, out):
    """The wheel of a folder of sources; it is built with the setuptools at hand, so that nothing is downloaded."""
    process(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", out, ".", cwd=source)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """(wheel of a checkout, sdist, wheel of what the sdist unpacks to), all built in a copy of the sources."""
    folder = tmp_path_factory.mktemp("built")
    shutil.copytree(ROOT / "green_vae", folder / "source" / "green_vae", ignore=shutil.ignore_patterns("__pycache__"))
    for name in SOURCES:
        shutil.copy(ROOT / name, folder / "source")
    (folder / "source" / "pretrained").symlink_to(ROOT / "pretrained")
    whole = wheel(folder / "source", folder / "wheel")
    shutil.rmtree(folder / "source" / "build")
    process(sys.executable, "-c", "import setuptools.build_meta as b; b.build_sdist('../sdist')", cwd=folder / "source")
    sdist = next((folder / "sdist").glob("*.tar.gz"))
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    return whole, sdist, wheel(next((folder / "unpacked").iterdir()), folder / "again")


@pytest.fixture(scope="module")
def site(built, tmp_path_factory):
    """A folder in which only the wheel is installed; its dependencies are those of the interpreter."""
    folder = tmp_path_factory.mktemp("site")
    process(sys.executable, "-m", "pip", "install", "--no-deps", "--target", folder, built[0], cwd=folder)
    return folder


@pytest.fixture
def empty(tmp_path):
    """A folder to work in, with a cache that holds nothing."""
    return {"cwd": tmp_path, "XDG_CACHE_HOME": str(tmp_path / "cache"), "TF_CPP_MIN_LOG_LEVEL": "3"}


def test_a_wheel_carries_the_models_under_two_megabytes_and_no_other(built):
    sizes = {name: sum(file["size"] for file in files.values()) for name, files in pretrained.registry().items()}
    expected = {name for name, size in sizes.items() if size < 2_000_000}
    assert "boon/beta-mnist" in expected and "svae/mnist-mini" not in expected
    with zipfile.ZipFile(built[0]) as archive:
        names = archive.namelist()
        models = [name for name in names if name.startswith("green_vae/pretrained/")]
        for name in models:
            file = archive.getinfo(name)
            assert file.file_size == (ROOT / name.removeprefix("green_vae/")).stat().st_size
    assert {"/".join(name.split("/")[2:4]) for name in models} == expected
    assert len(models) == sum(len(pretrained.registry()[name]) for name in expected)
    assert {f"green_vae/plots/page.{kind}" for kind in ("html", "css", "js")} <= {*names}
    assert "green_vae/presets/registry.json" in names and any(name.endswith("/LICENSE") for name in names)
    assert built[0].stat().st_size < 20e6 and built[1].stat().st_size < 20e6


def test_an_sdist_builds_the_same_wheel(built):
    with zipfile.ZipFile(built[0]) as first, zipfile.ZipFile(built[2]) as second:
        assert {file.filename: file.CRC for file in first.infolist() if "dist-info" not in file.filename} == {
            file.filename: file.CRC for file in second.infolist() if "dist-info" not in file.filename
        }


def test_load_generate_and_fetch_outside_a_checkout(site, empty):
    path = os.pathsep.join([str(site), str(ROOT / "tests" / "shared")])
    script = ROOT / "tests" / "shared" / "script_wheel.py"
    assert "all in order" in process(sys.executable, script, site, ROOT, PYTHONPATH=path, **empty)


def test_the_command_line_outside_a_checkout(site, empty):
    command = [sys.executable, site / "bin" / "green-vae"]
    told = process(*command, "--help", PYTHONPATH=str(site), **empty)
    assert told.startswith("usage: green-vae [-h] [--version] COMMAND")
    with serving(ROOT / "pretrained") as (address, asked, _):
        more = {"PYTHONPATH": str(site), "GREEN_VAE_PRETRAINED_URL": address, **empty}
        out = process(*command, "generate", "svae/mnist-mini", "-n", "4", "-o", "grid.png", **more)
    assert out == "written: grid.png\n" and len(asked) == 5
    assert (empty["cwd"] / "grid.png").stat().st_size > 500
