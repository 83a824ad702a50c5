"""`green-vae cost`: parameters, FLOPs and memory traffic, layer by layer."""

import importlib
import os
import sys
from pathlib import Path

from green_vae.cli.common import add_command, check_name, print_table
from green_vae.utils.arguments import positive
from green_vae.utils.quiet import quiet_start

COST = """What one forward pass costs, layer by layer. Nothing is run: all is counted from shapes.

  parameters  trainable weights and moving statistics; a shared layer's stand at its first use
  MFLOPs      millions of operations for ONE image
  MB          memory traffic of one BATCH: weights once, inputs and outputs of each image, in float32, without caches
  FLOPs/byte  operations of the batch per byte; a layer with few of them waits for the memory, not for arithmetic"""

COST_EPILOG = """rules:
  survey  2 x multiply-accumulates, and 1 per output of BatchNorm and ReLU: what the survey's Tables 2 and 3 print
  macs    2 x multiply-accumulates alone

examples:
  %(prog)s survey/resnet-s4-b64-l64
  %(prog)s survey/gp-rae-b128-l128 --batch-size 1    weights dominate the traffic
  %(prog)s my_model.keras --import my_layers         after my_layers.py registered its classes

A .keras file is opened in Keras's safe mode: code inside it is refused. A model that is not functional is counted by
its `encoder` and its `decoder`; a preset also by its flow or its priors.
"""


def add_cost(commands):
    command = add_command(
        commands,
        "cost",
        _cost,
        help="parameters, FLOPs and memory traffic of a preset or of your own model",
        description=COST,
        epilog=COST_EPILOG,
    )
    add = command.add_argument
    add("model", metavar="PRESET|FILE.keras", help="a name that `list` shows, or a model saved by Keras")
    add("--rule", choices=("survey", "macs"), default="survey", help="how FLOPs are counted (default: survey)")
    add("--batch-size", type=positive, default=1, metavar="N", help="images in one batch (default: 1)")
    add("--import", action="append", default=[], metavar="MODULE", dest="modules", help="with classes of your own")


def _cost(options):
    if options.modules and os.getcwd() not in sys.path:  # where `green-vae` does not look, and `python -m` does
        sys.path.insert(0, os.getcwd())
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
    print_table(header, lines, ("total", "", "", *_numbers(*total)))


def _model(name):
    """The model of a preset, or of a file, to be counted."""
    if not name.endswith(".keras"):
        check_name(name)
        with quiet_start():
            from green_vae.presets import PRESETS

        return PRESETS[name].outline()
    if not Path(name).is_file():
        raise FileNotFoundError(f"no such file; `model.save({name!r})` writes one. Received: {name}")
    with quiet_start():
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
