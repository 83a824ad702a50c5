"""Where data sets, feature weights and caches of this package lie on a machine."""

import os
from pathlib import Path

import platformdirs

VARIABLE = "GREEN_VAE_DATA"


def cache_dir():
    """The user's own cache folder of this package."""
    return Path(platformdirs.user_cache_dir("green_vae"))


def data_dir(path=None):
    """The folder that data sets are looked for in: `path`, else $GREEN_VAE_DATA, else the user's cache folder."""
    return Path(path or os.environ.get(VARIABLE) or cache_dir()).expanduser()
