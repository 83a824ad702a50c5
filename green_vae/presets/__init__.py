"""Names for everything a paper trained: class, configuration, data, recipe; one file per paper.

`load` turns a name into a model.
"""

from pathlib import Path

from green_vae import zoo
from green_vae.checkpoint import load_weights
from green_vae.presets import boon, review, slides, survey, svae
from green_vae.presets.preset import Preset as Preset

PRETRAINED = Path(__file__).resolve().parent.parent.parent / "pretrained"
PRESETS = {name: chosen for paper in (survey, svae, review, slides, boon) for name, chosen in paper.PRESETS.items()}


def preset(name):
    """The `Preset` of that name.

    Raises:
        ValueError: no such name.
    """
    if name not in PRESETS:
        raise ValueError(f"unknown preset; there are {', '.join(PRESETS)}. Received: {name!r}")
    return PRESETS[name]


def load(name, weights="pretrained", seed=None):
    """A model with trained weights.

    Args:
        name: of the preset, say "survey/resnet-s4-b64-l64"; or a folder of `save_preset`, or "hf://user/repository".
        weights: "pretrained" for those in `pretrained/`, a path to a `.weights.h5` file, or None for fresh ones.
        seed: of fresh weights and of the model's noise.

    Raises:
        ValueError: unknown preset, or files that are damaged, of another model, or not those that were saved.
        FileNotFoundError: no such weights; the message says how to train them.
    """
    if str(name).startswith("hf://") or (name not in PRESETS and Path(name).is_dir()):
        return zoo.load_preset(name)
    chosen = preset(name)
    if weights is None:
        return chosen.build(seed)
    path = pretrained_path(name) if weights == "pretrained" else Path(weights)
    if not path.exists():
        how = f"weights=None builds it untrained; `python -m green_vae train {name}` trains it"
        raise FileNotFoundError(f"no weights for {name}; {how}. Received: {path}, which does not exist")
    model = chosen.build(seed)
    if weights == "pretrained":
        zoo.verified(path.parent)
    load_weights(model, path)
    return model


def load_sampler(name, sampler):
    """A fitted sampler that ships with a model: `load_sampler("svae/mnist-mini", "gmm")`; name as for `load`.

    Raises:
        FileNotFoundError: there is no such sampler; the message names those that there are.
    """
    return zoo.load_sampler(pretrained_path(name).parent if name in PRESETS else name, sampler)


def pretrained_path(name):
    """Where the trained weights of a preset lie, if they do."""
    return PRETRAINED / name / zoo.WEIGHTS
