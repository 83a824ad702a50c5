"""Where trained weights are looked for, and how those that are not on this machine are fetched.

They are looked for in $GREEN_VAE_PRETRAINED, in the `pretrained/` of a checkout, among the files installed with the
package, and in the user's cache, in this order. An installed package carries the models under 2 MB. The others are
fetched into the cache with pooch, and only from an address that somebody gave: $GREEN_VAE_PRETRAINED_URL, or the
argument of `fetch`. The address serves ADDRESS/PRESET/FILE, which is a checkout's `pretrained/` as it is.

`registry.json` names the files of every model that ships, with size and SHA-256: an address has to serve exactly these.
"""

import json
import os
from pathlib import Path

from green_vae.utils import digests
from green_vae.utils.places import cache_dir

FOLDER, ADDRESS = "GREEN_VAE_PRETRAINED", "GREEN_VAE_PRETRAINED_URL"
METADATA = "metadata.json"
REGISTRY = Path(__file__).with_name("registry.json")
INSTALLED = Path(__file__).resolve().parents[1] / "pretrained"
CHECKOUT = Path(__file__).resolve().parents[2] / "pretrained"


def registry():
    """The files of every model that ships: preset -> file -> {"size": bytes, "sha256": hexadecimal}."""
    return json.loads(REGISTRY.read_text(encoding="utf-8"))


def cached():
    """The folder of fetched models in the user's cache."""
    return cache_dir() / "pretrained"


def places():
    """The folders that are looked in, in this order; each holds PRESET/FILE."""
    own = os.environ.get(FOLDER)
    return [*([Path(own).expanduser()] if own else []), CHECKOUT, INSTALLED, cached()]


def where(name):
    """The folder of a preset's trained weights: the first place that has it, else where the first would."""
    folders = [place / name for place in places()]
    return next((folder for folder in folders if (folder / METADATA).exists()), folders[0])


def folder_of(name):
    """The folder of a preset's trained weights, which are fetched if no place has them.

    Raises: as `fetch`.
    """
    folder = where(name)
    ours = folder.is_relative_to(cached()) and name in registry()  # then what the registry says has to lie there
    return folder if (folder / METADATA).exists() and not ours else fetch(name)


def fetch(name, address=None):
    """Fetch the trained weights of a preset into the user's cache; files that lie there already are only verified.

    Args:
        name: of a preset whose weights ship, say "svae/mnist-mini".
        address: what the files lie under; None takes $GREEN_VAE_PRETRAINED_URL.

    Returns:
        Path of the folder.

    Raises:
        FileNotFoundError: no weights of this preset ship, or there is no address; the message says what to put where.
        ConnectionError: the address does not answer, has no such file, or broke off.
        ValueError: the address serves another file than the one that shipped. Nothing of it is kept.
        OSError: the cache cannot be written.
    """
    files, folder = registry().get(name), cached() / name
    if files is None:
        how = f"weights=None builds it untrained; `python -m green_vae train {name}` trains it"
        raise FileNotFoundError(f"no weights for {name}; {how}. Received: {name}, looked for in {_list(places())}")
    lacking = [file for file, entry in files.items() if not _is(folder / file, entry)]
    address = address or os.environ.get(ADDRESS)
    if lacking and not address:
        raise FileNotFoundError(_what_to_put_where(name, {file: files[file] for file in lacking}))
    for file in sorted(lacking, key=METADATA.__eq__):  # metadata last: a folder that has it is whole
        _download(address, f"{name}/{file}", files[file]["sha256"])
    return folder


def _is(path, entry):
    return path.is_file() and path.stat().st_size == entry["size"] and digests.of_files(path) == entry["sha256"]


def _what_to_put_where(name, files):
    files = _list(f"{file} ({entry['size']:,} bytes)" for file, entry in files.items())
    return (
        f"the trained weights of {name} are not on this machine, and nothing is downloaded unasked. Set {ADDRESS} "
        f"to the address of the trained models, or {FOLDER} to a folder with {name}/, or put {files} into "
        f"{cached() / name}; weights=None builds it untrained. "
        f"Received: no {ADDRESS}, and no such files in {_list(places())}"
    )


def _download(address, file, sha256):
    """Fetch one file into the cache, whole and verified or not at all."""
    import pooch
    import requests

    server = pooch.Pooch(cached(), address.rstrip("/") + "/", registry={file: f"sha256:{sha256}"}, retry_if_failed=1)
    source = server.get_url(file)
    try:
        server.fetch(file)
    except requests.RequestException as error:
        message = f"could not fetch a file; look at {ADDRESS} and the network, and try again: what is whole is kept"
        raise ConnectionError(f"{message}. Received: {source}: {error}") from error
    except ValueError as error:  # of pooch: another SHA-256, or an address that is none
        message = "the address serves another file than the one that shipped, or is no address; nothing was kept"
        raise ValueError(f"{message}. Received: {source}: {error}") from error


def _list(things):
    return ", ".join(map(str, things))
