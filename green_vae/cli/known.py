"""`green-vae list` and `info`: what presets there are, and what is known of one; no backend is asked."""

import json
import sys
import textwrap

from green_vae import cards
from green_vae.cli.common import add_command, check_name, print_table, program


def add_list(commands):
    command = add_command(
        commands,
        "list",
        _list,
        aliases=["presets"],
        help="list the presets",
        description="The presets, one on each line: data set, source, parameters, and the size of trained weights.",
    )
    add = command.add_argument
    add("--trained", action="store_true", help="only those whose trained weights ship")
    add("--data", metavar="NAME", help="only those of this data set, say cifar10")
    add("--json", action="store_true", help="all that is known of each, as JSON")


def add_info(commands):
    command = add_command(
        commands,
        "info",
        _info,
        help="what is known of a preset",
        description="A preset's card: parameters, latent numbers, data, measured quality, samplers, licence, and how "
        "to use it in Python.",
    )
    command.add_argument("model", metavar="PRESET", help="a name that `list` shows")
    command.add_argument("--json", action="store_true", help="the same as JSON")


def _list(options):
    found = cards.list_presets(options.trained, options.data)
    if options.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    lines = [
        (name, card["data"], card["source"], f"{card['parameters']:,}", _megabytes(card["trained"]))
        for name, card in found.items()
    ]
    if not lines:
        print(f"no preset of {options.data} has trained weights; list it without --trained", file=sys.stderr)
        return
    print_table(("preset", "data set", "source", "parameters", "weights"), lines)


def _info(options):
    check_name(options.model)
    card = cards.card_of(options.model)
    if options.json:
        print(json.dumps(card, indent=2, ensure_ascii=False))
        return
    print(f"{options.model}: {card['model']} of {card['source']}\n")
    trained = card["trained"]
    height, width, channels = card["image_shape"]
    facts = {
        "parameters": f"{card['parameters']:,}",
        "images": f"{height} x {width}, {channels} channel{'s' * (channels > 1)}",
        "latent": f"{card['latent_dim']} numbers",
        "data": f"{card['data']}; its licence: {card['data_licence']}",
        "weights": f"none ship; `{program()} train {options.model}` trains them",
    }
    if trained:
        facts["weights"] = f"{_megabytes(trained)}, {trained['epochs']} epochs on {trained['data']}"
        facts["samplers"] = ", ".join(trained["samplers"])
        facts["licence"] = cards.LICENCE
    for name, value in facts.items():
        print(f"  {name:<12}{value}")
    if trained and trained["quality"]:
        print()
        rows = [
            (cell["table"], cell["column"], f"{cell['label']} {cell['verdict']}".strip(), *_values(cell))
            for cell in trained["quality"]
        ]
        print_table(("measured in", "column", "verdict", "ours", "published"), rows)
    print(f"\n{textwrap.indent(cards.snippet(options.model, card), '    ')}")


def _values(cell):
    return tuple("" if cell[name] is None else f"{cell[name]:,.4g}" for name in ("value", "published"))


def _megabytes(trained):
    return f"{trained['bytes'] / 1e6:,.1f} MB" if trained else ""
