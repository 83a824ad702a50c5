"""The command line `python -m green_vae`: a parser and a function for every command.

A command is a function (options) -> None that prints its result on stdout and raises ValueError or OSError with one
line that explains; what is heavy it imports itself, so that `--help` is quick.
"""

import argparse
import importlib
import logging
import os
import sys
from pathlib import Path

EPILOG = """examples:
  python -m green_vae presets                             what there is: name, data set, source
  python -m green_vae cost survey/l2-rae-b128-l128        parameters, FLOPs and memory traffic, layer by layer
  python -m green_vae cost my_model.keras --rule macs     the same of your own model

exit codes: 0 done, 1 an error that the last line explains, 2 a wrong command line, 130 interrupted.
"""

COST = """What one forward pass costs, layer by layer. Nothing is run: all is counted from shapes.

  parameters  trainable weights and moving statistics; a shared layer's stand at its first use
  MFLOPs      millions of operations for ONE image
  MB          memory traffic of one BATCH: weights once, inputs and outputs of each image, in float32, without caches
  FLOPs/byte  operations of the batch per byte; a layer with few of them waits for the memory, not for arithmetic"""

COST_EPILOG = """rules:
  survey  2 x multiply-accumulates, and 1 per output of BatchNorm and ReLU: what the survey's Tables 2 and 3 print
  macs    2 x multiply-accumulates alone

examples:
  python -m green_vae cost survey/resnet-s4-b64-l64
  python -m green_vae cost survey/gp-rae-b128-l128 --batch-size 1    weights dominate the traffic
  python -m green_vae cost my_model.keras --import my_layers         after my_layers.py registered its classes

A .keras file is opened in Keras's safe mode: code inside it is refused. A model that is not functional is counted by
its `encoder` and its `decoder`.
"""


def parser():
    """The argument parser; the function of the chosen command is its result's `run`."""
    main_parser = argparse.ArgumentParser(
        prog="python -m green_vae",
        description="Variational autoencoders and what they cost.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = main_parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    _add_cost(commands)
    listing = commands.add_parser("presets", help="list the presets", description="The presets, one on each line.")
    listing.set_defaults(run=_presets)
    return main_parser


def main(arguments=None):
    """Run one command; returns the exit code. arguments: instead of `sys.argv[1:]`."""
    options = parser().parse_args(arguments)  # exits with 2
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    try:
        options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except WrongCommand as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (ValueError, OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


class WrongCommand(ValueError):
    """What was asked for cannot exist, as far as the command line alone tells."""


def _add_cost(commands):
    command = commands.add_parser(
        "cost",
        help="parameters, FLOPs and memory traffic of a preset or of your own model",
        description=COST,
        epilog=COST_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = command.add_argument
    add("model", metavar="PRESET|FILE.keras", help="a name that `presets` lists, or a model saved by Keras")
    add("--rule", choices=("survey", "macs"), default="survey", help="how FLOPs are counted (default: survey)")
    add("--batch-size", type=_positive, default=1, metavar="N", help="images in one batch (default: 1)")
    add("--import", action="append", default=[], metavar="MODULE", dest="modules", help="with classes of your own")
    command.set_defaults(run=_cost)


def _positive(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive number. Received: {text}")
    return int(text)


def _cost(options):
    for name in options.modules:
        importlib.import_module(name)
    model = _model(options.model)
    from green_vae.cost import layer_traffic

    rows = layer_traffic(model, options.batch_size, options.rule)
    flops, moved = sum(row.flops for row in rows), sum(row.bytes for row in rows)
    total = [sum(row.parameters for row in rows), flops, moved, options.batch_size * flops / moved if moved else 0.0]
    lines = [
        (row.name, row.type, _shape(row.shape), *_numbers(row.parameters, row.flops, row.bytes, row.intensity))
        for row in rows
    ]
    print(f"{options.model}: rule {options.rule}, batches of {options.batch_size}\n")
    header = ("layer", "type", "output", "parameters", "MFLOPs", "MB", "FLOPs/byte")
    _print_table(header, lines, ("total", "", "", *_numbers(*total)))


def _presets(options):
    from green_vae.presets import PRESETS

    lines = [(name, preset.dataset, preset.source) for name, preset in PRESETS.items()]
    _print_table(("preset", "data set", "source"), lines)


def _model(name):
    """The model of a preset with fresh weights, or of a file."""
    if not name.endswith(".keras"):
        from green_vae.presets import PRESETS

        if name not in PRESETS:
            raise WrongCommand(f"a preset (`presets` lists them) or a file that ends in .keras. Received: {name}")
        return PRESETS[name].build()
    if not Path(name).is_file():
        raise FileNotFoundError(f"no such file; `model.save({name!r})` writes one. Received: {name}")
    import keras

    import green_vae.models  # noqa: F401, registers its classes

    try:
        return keras.saving.load_model(name, compile=False, safe_mode=True)
    except Exception as error:  # Keras and zipfile raise many kinds for one cause
        first = next(iter(str(error).splitlines()), type(error).__name__)
        message = f"could not load {name}: damaged, not safe, or of classes to --import. Received: {first}"
        raise ValueError(message) from error


def _shape(shape):
    return " x ".join(map(str, shape)) or "1"


def _numbers(parameters, flops, moved, intensity):
    return f"{parameters:,}", f"{flops / 1e6:,.3f}", f"{moved / 1e6:,.3f}", f"{intensity:,.2f}"


def _print_table(header, lines, total=None):
    """Columns as wide as they must be, wherever it is printed; numbers, behind the third column, to the right."""
    table = [header, *lines, *([total] if total else [])]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    rule = "  ".join("-" * width for width in widths)
    for index, line in enumerate(table):
        cells = [f"{cell:{'<<<>>>>'[i]}{widths[i]}}" for i, cell in enumerate(line)]
        if index == 1 or (total and index == len(table) - 1):
            print(rule)
        print("  ".join(cells).rstrip())
