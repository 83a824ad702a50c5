"""The command line `green-vae`, or `python -m green_vae`: a parser and a function for every command.

A command is a function (options) -> None that prints its result on stdout and raises ValueError or OSError with one
line that explains; what is heavy it imports itself, so that `--help` is quick.
"""

import argparse
import importlib
import json
import logging
import os
import sys
import textwrap
from pathlib import Path

from green_vae import cards
from green_vae.utils.arguments import positive
from green_vae.utils.quiet import quiet_start

EPILOG = """examples:
  %(prog)s list --trained                      what there is: data set, source, parameters, size
  %(prog)s info svae/mnist-mini                all that is known of one
  %(prog)s doctor                              backend, cores, data and weights of this machine
  %(prog)s cost survey/l2-rae-b128-l128        parameters, FLOPs and memory traffic, layer by layer
  %(prog)s cost my_model.keras --rule macs     the same of your own model
  %(prog)s generate boon/beta-mnist -n 64      new images from trained weights, as a PNG
  %(prog)s train svae/mnist-mini               by the paper's recipe; stopped, it goes on when called again

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
  %(prog)s survey/resnet-s4-b64-l64
  %(prog)s survey/gp-rae-b128-l128 --batch-size 1    weights dominate the traffic
  %(prog)s my_model.keras --import my_layers         after my_layers.py registered its classes

A .keras file is opened in Keras's safe mode: code inside it is refused. A model that is not functional is counted by
its `encoder` and its `decoder`; a preset also by its flow or its priors.
"""

GENERATE_EPILOG = """examples:
  %(prog)s boon/beta-mnist -n 64 -o grid.png
  %(prog)s boon/beta-mnist --sampler gmm --seed 7
  %(prog)s svae/mnist-mini --part map          the same codes, what x1 and x2 are mixed by
  %(prog)s runs/svae/mnist-mini/model          your own training

Trained weights that are not on this machine are fetched from the address in GREEN_VAE_PRETRAINED_URL, if it is set.
"""

TRAIN_EPILOG = """What lies in --out afterwards:
  run.json      what the run is: preset, configuration, recipe, seed, data, batch size, precision, backend, versions,
                commit. Another command for the same folder is refused; --fresh starts over
  model/        to be loaded: config.json, metadata.json (checksums, data, cost, golden outputs), model.weights.h5 in
                float16; and, once the command has said "written: ", fitted samplers
  pictures/     generated and reconstructed images of every epoch; TensorBoard logs, if tensorboard is installed
  history.json  losses, active latent units, seconds and energy of every epoch
  ledger.jsonl  what the training cost; and the newest checkpoint: a training that is
                killed loses a minute and the epoch it is in

A training that diverged leaves no model/. The error names the newest epoch in the folder; --epochs with that number
makes a model of it, but not of a run with --budget: its checkpoint is read by green_vae.load(PRESET, weights=FILE).

--budget: after the first epoch it is known how many fit. If the whole recipe does, it stays as it is; else the halvings
of its learning rate are scaled, and run.json and model/metadata.json say so: "63 of 150 epochs, schedule scaled".

examples:
  %(prog)s svae/mnist-mini
  %(prog)s survey/resnet-s4-b64-l64 --epochs 10 --limit-train 5000
  %(prog)s svae/cifar10-mini --budget 1h30m
  KERAS_BACKEND=jax %(prog)s survey/resnet-s4-b48-l128 --mixed-precision --budget 9m     on a GPU
"""


def program():
    """The name that this process was called by: `green-vae`, or `python -m green_vae`."""
    called = Path(sys.argv[0]).stem
    return called if called == "green-vae" else "python -m green_vae"


def parser():
    """The argument parser; the function of the chosen command is its result's `run`."""
    main_parser = argparse.ArgumentParser(
        prog=program(),
        description="Variational autoencoders and what they cost.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    main_parser.add_argument("--version", action="version", version=f"green_vae {sys.modules['green_vae'].__version__}")
    commands = main_parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    _add_cost(commands)
    _add_generate(commands)
    _add_train(commands)
    _add_list(commands)
    _add_info(commands)
    doctor = commands.add_parser(
        "doctor",
        help="what of this machine decides how the package runs",
        description="Versions, backend, devices, cores, matrix instructions, data sets and trained weights found here.",
    )
    doctor.add_argument("--data-dir", type=Path, metavar="DIR", help="folder with the data sets")
    doctor.set_defaults(run=_doctor)
    return main_parser


def main(arguments=None):
    """Run one command; returns the exit code. arguments: instead of `sys.argv[1:]`."""
    options = parser().parse_args(arguments)  # exits with 2
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
    add("model", metavar="PRESET|FILE.keras", help="a name that `list` shows, or a model saved by Keras")
    add("--rule", choices=("survey", "macs"), default="survey", help="how FLOPs are counted (default: survey)")
    add("--batch-size", type=positive, default=1, metavar="N", help="images in one batch (default: 1)")
    add("--import", action="append", default=[], metavar="MODULE", dest="modules", help="with classes of your own")
    command.set_defaults(run=_cost)


def _add_generate(commands):
    command = commands.add_parser(
        "generate",
        help="new images from trained weights, as a PNG",
        description="Draw new images from a trained model into one PNG.",
        epilog=GENERATE_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = command.add_argument
    add(
        "model",
        metavar="NAME|FOLDER",
        help="a preset with shipped weights, a folder of `train`, or hf://user/repository",
    )
    add("-n", type=positive, default=64, metavar="N", help="how many images (default: 64)")
    add(
        "-o",
        "--out",
        type=Path,
        default=Path("generated.png"),
        metavar="FILE",
        help="PNG, or by its ending (default: generated.png)",
    )
    add(
        "--sampler",
        metavar="S",
        help="of latent codes: prior (default, where there is one), or one that ships, say gmm",
    )
    add("--part", choices=("x", "x1", "x2", "map", "mix"), default="x", help="of a split model's images (default: x)")
    add("--seed", type=int, default=0, metavar="S", help="of the codes (default: 0)")
    add("--zoom", type=positive, default=2, metavar="Z", help="every pixel Z x Z large (default: 2)")
    command.set_defaults(run=_generate)


def _add_train(commands):
    command = commands.add_parser(
        "train",
        help="train a preset by the paper's recipe",
        description="Train a preset; a run that was stopped goes on when the same command is given again.",
        epilog=TRAIN_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = command.add_argument
    add("model", metavar="PRESET", help="a name that `list` shows")
    length = command.add_mutually_exclusive_group().add_argument
    length("--epochs", type=positive, metavar="N", help="instead of the recipe's")
    length("--budget", metavar="TIME", help="9m, 90s, 1h30m: as many epochs as fit, schedule scaled")
    add("--batch", type=positive, metavar="N", dest="batch_size", help="images in a batch, instead of the recipe's")
    add("--limit-train", type=positive, metavar="N", help="train on the first N images only")
    add("--seed", type=int, default=0, metavar="S", help="of weights, noise and order (default: 0)")
    add("--data-dir", type=Path, metavar="DIR", help="folder with the data sets (default: $GREEN_VAE_DATA)")
    add("--download", action="store_true", help="fetch the data set if it is missing")
    add("--mixed-precision", action="store_true", help="compute in bfloat16: for accelerators")
    add("--devices", choices=("one", "all"), default="one", help="share batches among all accelerators (JAX)")
    whole = "an epoch as one compiled program (JAX; default: on accelerators)"
    add("--whole-epochs", action=argparse.BooleanOptionalAction, help=whole)
    add("--pictures-every", type=positive, default=1, metavar="N", help="epochs between pictures (default: 1)")
    add("--save-every", type=positive, metavar="N", help="epochs between checkpoints (default: those of a minute)")
    add("--fresh", action="store_true", help="start over: delete the run in --out, its own files only")
    add("--out", type=Path, metavar="DIR", help="folder of the run (default: runs/PRESET)")
    command.set_defaults(run=_train)


def _add_list(commands):
    command = commands.add_parser(
        "list",
        aliases=["presets"],
        help="list the presets",
        description="The presets, one on each line: data set, source, parameters, and the size of trained weights.",
    )
    add = command.add_argument
    add("--trained", action="store_true", help="only those whose trained weights ship")
    add("--data", metavar="NAME", help="only those of this data set, say cifar10")
    add("--json", action="store_true", help="all that is known of each, as JSON")
    command.set_defaults(run=_list)


def _add_info(commands):
    command = commands.add_parser(
        "info",
        help="what is known of a preset",
        description="A preset's card: parameters, latent numbers, data, measured quality, samplers, licence, and how "
        "to use it in Python.",
    )
    command.add_argument("model", metavar="PRESET", help="a name that `list` shows")
    command.add_argument("--json", action="store_true", help="the same as JSON")
    command.set_defaults(run=_info)


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


def _generate(options):
    if not options.model.startswith("hf://") and not Path(options.model).is_dir():
        _check_name(options.model)
    with quiet_start():
        from green_vae import plots, presets

    plots.format_of(options.out)  # refused before the model is read
    model = presets.load(options.model)
    images = model.generate(options.n, options.sampler, seed=options.seed, part=options.part)
    plots.save_grid(options.out, images, zoom=options.zoom)
    print(f"written: {options.out}")


def _train(options):
    _check_name(options.model)
    with quiet_start():
        from green_vae import presets

    out = options.out or Path("runs", options.model)
    rest = ("command", "run", "model", "out")
    presets.train(options.model, out, **{key: value for key, value in vars(options).items() if key not in rest})
    print(f"written: {out / 'model'}; `{program()} generate {out / 'model'}` draws from it")


def _list(options):
    found = cards.list_presets(options.trained, options.data)
    if options.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    lines = [
        (name, card["data"], card["source"], f"{card['parameters']:,}", _megabytes(card["trained"]))
        for name, card in found.items()
    ]
    _print_table(("preset", "data set", "source", "parameters", "weights"), lines)


def _info(options):
    _check_name(options.model)
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
        _print_table(("measured in", "column", "verdict", "ours", "published"), rows)
    print(f"\n{textwrap.indent(cards.snippet(options.model, card), '    ')}")


def _doctor(options):
    with quiet_start():
        from green_vae.doctor import findings

        here = findings(options.data_dir)
    for subject, found in here.items():
        print(f"{subject:<10}{found}")


def _values(cell):
    return tuple("" if cell[name] is None else f"{cell[name]:,.4g}" for name in ("value", "published"))


def _megabytes(trained):
    return f"{trained['bytes'] / 1e6:,.1f} MB" if trained else ""


def _check_name(name):
    """Raises WrongCommand for a preset that there is not, at once: no backend is asked."""
    loaded = sys.modules.get("green_vae.presets")
    if loaded and name in loaded.PRESETS:  # one that the program around this command has added
        return
    try:
        cards.card_of(name)
    except ValueError as error:
        raise WrongCommand(str(error).replace("`green-vae list`", f"`{program()} list`")) from error


def _model(name):
    """The model of a preset, or of a file, to be counted."""
    if not name.endswith(".keras"):
        _check_name(name)
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
