"""What presets there are, and what is known of each, without a backend.

It is read from a file that `presets.write_cards` writes.
"""

import json
from pathlib import Path

from green_vae.utils.arguments import meant

CARDS = Path(__file__).with_name("presets") / "cards.json"
LICENCE = "Apache-2.0, as the package"
# what a model of one's own pictures is trained by: name -> a name of `green_vae.MODELS`, and arguments that differ from
# those of the class
OBJECTIVES = {
    "autoencoder": ("autoencoder", {}),
    "bernoulli-vae": ("bernoulli_vae", {}),
    "beta-vae": ("beta_vae", {}),
    "computed-gamma-vae": ("computed_gamma_vae", {}),
    "free-bits-vae": ("free_bits_vae", {}),
    "info-vae": ("info_vae", {}),
    "rae": ("rae", {"regularizer": "l2"}),
    "rae-gp": ("rae", {"regularizer": "gp"}),
    "rae-sn": ("rae", {"regularizer": "sn"}),
    "sigma-vae": ("sigma_vae", {}),
    "split-vae": ("split_vae", {"beta": 1.0}),
    "vae": ("vae", {}),
}


def cards():
    """All cards: name -> dict, in the order of the papers' presets.

    A card has "model" (class), "image_shape" (h, w, c), "latent_dim", "parameters", "data" (name of a data set),
    "data_licence", "source" (paper and table), and "trained": None, or a dict with "data" (and how many images),
    "epochs", "bytes" (of all its files), "samplers", and "quality", a list of measured cells: "table", "column",
    "label" (what a Frechet distance has to be called, "FID~" not being FID; else ""), "value", "published" (None where
    the paper publishes none) and "verdict".
    """
    return json.loads(CARDS.read_text(encoding="utf-8"))


def list_presets(trained=False, data=None):
    """The cards of presets by name, see `cards`.

    Args:
        trained: only those whose trained weights ship.
        data: only those of this data set, say "cifar10".

    Raises:
        ValueError: no preset has that data set.
    """
    found = cards()
    known = sorted({card["data"] for card in found.values()})
    if data is not None and data not in known:
        hint = meant(data, known) or f"there are {', '.join(known)}."
        raise ValueError(f"no preset has that data set; {hint} Received: data={data!r}")
    return {
        name: card for name, card in found.items() if (card["trained"] or not trained) and data in (None, card["data"])
    }


def card_of(name):
    """The card of one preset.

    Raises:
        ValueError: there is none of that name; the message suggests the nearest.
    """
    found = cards()
    if name not in found:
        raise ValueError(f"no such preset; {unknown(name, found)} Received: {name}")
    return found[name]


def snippet(name, card):
    """Python that makes images with this preset, or begins its training."""
    if card["trained"]:
        return f'import green_vae as gv\nmodel = gv.load("{name}")\nimages = model.generate(64)'
    return f'import green_vae as gv\nmodel = gv.train("{name}", "runs/{name}")  # by the recipe of {card["source"]}'


def unknown(name, names):
    """What to do about a name that there is not, in words."""
    return meant(name, names) or "`green-vae list` shows all of them."
