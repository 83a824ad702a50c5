"""registry.json, which names the files of every model that ships, is written anew from a checkout's `pretrained/`.

python -m green_vae.presets.registry
"""

import argparse

from green_vae.presets.pretrained import CHECKOUT, METADATA, REGISTRY
from green_vae.utils import digests
from green_vae.utils.files import write_json


def registry_of(folder):
    """The files of every model in a folder: preset -> file -> {"size": bytes, "sha256": hexadecimal}."""
    models = sorted(path.parent for path in folder.rglob(METADATA))
    return {model.relative_to(folder).as_posix(): files_of(model) for model in models}


def files_of(model):
    paths = sorted(path for path in model.iterdir() if path.is_file())
    return {path.name: {"size": path.stat().st_size, "sha256": digests.of_files(path)} for path in paths}


def main(arguments=None):
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    found = registry_of(CHECKOUT)
    if not found:
        raise FileNotFoundError(f"there is no trained model; it takes a checkout. Received: {CHECKOUT}")
    write_json(REGISTRY, found)
    print(f"written: {REGISTRY}, {len(found)} models")


if __name__ == "__main__":
    main()
