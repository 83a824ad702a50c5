"""What setup.cfg cannot say: the small trained models are installed with the package, out of `pretrained/`."""

import json
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

REGISTRY = Path(__file__).parent / "green_vae" / "presets" / "registry.json"
LIMIT = 2_000_000  # bytes of all files of a model; larger ones are fetched when they are asked for


def carried():
    """The files of the models that a wheel and an sdist carry, under `pretrained/`."""
    models = json.loads(REGISTRY.read_text(encoding="utf-8"))
    small = {name: files for name, files in models.items() if sum(file["size"] for file in files.values()) < LIMIT}
    return [f"{name}/{file}" for name, files in small.items() for file in files]


class BuildWithModels(build_py):
    """Copies the small models to green_vae/pretrained; an editable install has them in the checkout."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, "green_vae", "pretrained")
        shutil.rmtree(target, ignore_errors=True)  # of an earlier build: models that ship no more
        for path in carried():
            self.mkpath(str((target / path).parent))
            self.copy_file(f"pretrained/{path}", str(target / path))

    def get_source_files(self):
        return [*super().get_source_files(), *(f"pretrained/{path}" for path in carried())]


setup(cmdclass={"build_py": BuildWithModels})
