"""cards.json, which says what is known of every preset, is written anew from a checkout's `pretrained/` and `results/`.

python -m green_vae.presets.write_cards
"""

import argparse
import json

from green_vae import data
from green_vae.cards import CARDS
from green_vae.models import MODELS
from green_vae.presets.catalog import PRESETS
from green_vae.presets.pretrained import CHECKOUT, METADATA
from green_vae.presets.registry import files_of
from green_vae.presets.store import load_preset
from green_vae.utils import digests
from green_vae.utils.files import write_json


def cards_of(folder, results, presets=None):
    """The card of every preset, see `green_vae.cards.cards`; each model is built once to be counted.

    Args:
        folder: with trained models. results: folder of tables, of which measured cells are taken.
        presets: names; None for all.
    """
    measured = list(_measured(results))
    return {name: _card(name, PRESETS[name], folder / name, measured) for name in presets or PRESETS}


def _card(name, preset, folder, measured):
    trained = (folder / METADATA).exists()
    model = load_preset(folder) if trained else preset.outline()
    card = {
        "model": type(model).__name__,
        "image_shape": list(model.image_shape),
        "latent_dim": model.latent_dim,
        "parameters": int(model.count_params()),
        "data": preset.dataset,
        "data_licence": data.DATASETS[preset.dataset].licence,
        "source": preset.source,
        "trained": None,
    }
    if trained:
        files = files_of(folder)
        told = json.loads((folder / METADATA).read_text(encoding="utf-8"))
        own = sorted(file.removeprefix("sampler-").removesuffix(".npz") for file in files if file.endswith(".npz"))
        weights = digests.of_arrays(model.get_weights())[:16]  # as tables write it down
        card["trained"] = {
            "data": told["data"],
            "epochs": told["epochs"],
            "bytes": sum(file["size"] for file in files.values()),
            "weights": weights,
            "samplers": ["prior"] * MODELS[preset.model].variational + own,
            "quality": [cell for of, hashed, cell in measured if (of, hashed) == (name, weights)],
        }
    return card


def _measured(results):
    """(preset, hash of its weights, cell of a card) of every measured cell of every table."""
    for path in sorted(results.glob("*_table*.json")):
        for cells in json.loads(path.read_text(encoding="utf-8"))["rows"].values():
            for column, cell in cells.items():
                told = cell["details"]
                if cell["value"] is not None and told.get("preset") and told.get("weights"):
                    kept = {name: cell[name] for name in ("label", "value", "published", "verdict")}
                    yield told["preset"], told["weights"], {"table": path.stem, "column": column, **kept}


def main(arguments=None):
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    write_json(CARDS, cards_of(CHECKOUT, CHECKOUT.parent / "results"))
    print(f"written: {CARDS}, {len(PRESETS)} presets")


if __name__ == "__main__":
    main()
