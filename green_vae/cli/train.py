"""`green-vae train`: a preset by its recipe."""

import argparse
from pathlib import Path

from green_vae.cli.common import add_command, check_name, program
from green_vae.utils.arguments import positive
from green_vae.utils.quiet import quiet_start

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


def add_train(commands):
    command = add_command(
        commands,
        "train",
        _train,
        help="train a preset by the paper's recipe",
        description="Train a preset; a run that was stopped goes on when the same command is given again.",
        epilog=TRAIN_EPILOG,
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


def _train(options):
    check_name(options.model)
    with quiet_start():
        from green_vae import presets

    out = options.out or Path("runs", options.model)
    rest = ("command", "run", "model", "out")
    presets.train(options.model, out, **{key: value for key, value in vars(options).items() if key not in rest})
    print(f"written: {out / 'model'}; `{program()} generate {out / 'model'}` draws from it")
