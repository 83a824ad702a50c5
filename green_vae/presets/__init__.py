"""Names for everything a paper trained: class, configuration, data, recipe; one file per paper.

`load` turns a name into a model, `train` a name into a trained one.
"""

from green_vae.presets.catalog import PRESETS, preset
from green_vae.presets.pictures import PAGE, train_on_pictures
from green_vae.presets.preset import Preset
from green_vae.presets.pretrained import fetch
from green_vae.presets.store import load, load_sampler, pretrained_path, save_preset
from green_vae.presets.train import load_run, run_length, ship, train

__all__ = [
    "PAGE",
    "PRESETS",
    "Preset",
    "fetch",
    "load",
    "load_run",
    "load_sampler",
    "preset",
    "pretrained_path",
    "run_length",
    "save_preset",
    "ship",
    "train",
    "train_on_pictures",
]
