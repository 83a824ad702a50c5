"""`green-vae train`: a preset by its recipe, or a model of one's own pictures."""

import argparse
import shlex
from pathlib import Path

from green_vae.cards import OBJECTIVES
from green_vae.cli.common import WrongCommand, add_command, check_name, program
from green_vae.utils.arguments import positive
from green_vae.utils.quiet import quiet_start

TRAIN_EPILOG = """PRESET is trained by the paper's recipe on the paper's data. DIR is a folder of your own pictures, of
any sizes: the largest square of each is taken, --size pixels wide. A tenth of them is for validation; where there are
DIR/train and DIR/test, the latter.
  --model       what is minimised:
                sigma-vae (default)  log of the squared error + KL: nothing has to be weighed by hand
                vae, beta-vae        1/2 squared error + beta KL; beta 1 and 4 unless --beta says otherwise
                bernoulli-vae        cross-entropy + KL: for black and white
                info-vae             maximum mean discrepancy instead of the KL
                free-bits-vae        a free allowance of KL for every number of a code
                computed-gamma-vae   squared error / its running average + KL
                split-vae            two images and a map that mixes them
                rae, rae-gp, rae-sn, autoencoder   codes without noise: sharper, and new images by a fitted mixture
  the network   is the survey's plain convolutional one with 32 channels (16 above 64 pixels), 4 halvings
  page.html     in --out shows the result at the end; it is one file that you can send
The same command goes on after Ctrl-C.

What lies in --out afterwards:
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
A warm-up of the KL is not shortened; a warning tells if the training ended before it.

examples:
  %(prog)s my/pictures --size 64 --model beta-vae
  %(prog)s my/pictures --size 32 --budget 20m
  %(prog)s my/pictures --model autoencoder --corrupt gaussian:0.2     removes noise: reconstruct noisy pictures with it
  %(prog)s svae/mnist-mini
  %(prog)s survey/resnet-s4-b64-l64 --epochs 10 --limit-train 5000
  %(prog)s svae/cifar10-mini --budget 1h30m
  KERAS_BACKEND=jax %(prog)s survey/resnet-s4-b48-l128 --precision bfloat16 --budget 9m     on a GPU
"""


DEFAULT = "sigma-vae"
OWN = ("size", "objective", "latent_dim", "beta", "corruption")  # options of one's own pictures


def add_train(commands):
    command = add_command(
        commands,
        "train",
        _train,
        help="train a preset by the paper's recipe, or a model of your own pictures",
        description="Train a preset, or a model of your own pictures; a run that was stopped goes on when the same "
        "command is given again.",
        epilog=TRAIN_EPILOG,
    )
    add = command.add_argument
    add("model", metavar="PRESET|DIR", help="a name that `list` shows, or a folder of pictures")
    length = command.add_mutually_exclusive_group().add_argument
    length("--epochs", type=positive, metavar="N", help="instead of the recipe's")
    length("--budget", metavar="TIME", help="9m, 90s, 1h30m: as many epochs as fit, schedule scaled")
    add("--batch", type=positive, metavar="N", dest="batch_size", help="images in a batch, instead of the recipe's")
    add("--limit-train", type=positive, metavar="N", help="train on the first N images only")
    add("--seed", type=int, default=0, metavar="S", help="of weights, noise and order (default: 0)")
    add("--data-dir", type=Path, metavar="DIR", help="folder with the data sets (default: $GREEN_VAE_DATA)")
    add("--download", action="store_true", help="fetch the data set if it is missing")
    precision = command.add_mutually_exclusive_group().add_argument
    told = "auto: bfloat16 on accelerators and processors with AMX, where it is quicker, else float32 (default: auto)"
    precision("--precision", choices=("auto", "float32", "bfloat16"), default="auto", help=told)
    same = "the same as --precision bfloat16"
    precision("--mixed-precision", action="store_const", const="bfloat16", dest="precision", help=same)
    add("--devices", choices=("one", "all"), default="one", help="share batches among all accelerators (JAX)")
    whole = "an epoch as one compiled program (JAX; default: on accelerators)"
    add("--whole-epochs", action=argparse.BooleanOptionalAction, help=whole)
    add("--pictures-every", type=positive, default=1, metavar="N", help="epochs between pictures (default: 1)")
    add("--save-every", type=positive, metavar="N", help="epochs between checkpoints (default: those of a minute)")
    add("--fresh", action="store_true", help="start over: delete the run in --out, its own files only")
    add("--out", type=Path, metavar="DIR", help="folder of the run (default: runs/PRESET, or runs/FOLDER-MODEL)")
    own = command.add_argument_group("of your own pictures").add_argument
    own("--size", type=positive, metavar="N", help="side in pixels, a multiple of 16 up to 256 (default: 64)")
    own("--model", choices=OBJECTIVES, metavar="MODEL", dest="objective", help="see below (default: sigma-vae)")
    own("--latent", type=positive, metavar="N", dest="latent_dim", help="numbers of a code (default: 64)")
    own("--beta", type=float, metavar="WEIGHT", help="weight of the KL, instead of the model's own")
    damage = "what the model learns to undo: gaussian:S, noise of that deviation, or mask:P, a share of black pixels"
    own("--corrupt", metavar="HOW", dest="corruption", help=damage)


def _train(options):
    given = {name: getattr(options, name) for name in OWN if getattr(options, name) is not None}
    folder = _folder(options.model, given)
    with quiet_start():
        from green_vae import presets
        from green_vae.training.checkpoint import newest

    objective = given.pop("objective", DEFAULT)
    rest = ("command", "run", "model", "out", *OWN)
    settings = {key: value for key, value in vars(options).items() if key not in rest}
    out = options.out or Path("runs", f"{folder.resolve().name}-{objective}" if folder else options.model)
    try:
        if folder:
            _check(options, objective)
            presets.train_on_pictures(folder, out, model=objective, **given, **settings)
        else:
            presets.train(options.model, out, **settings)
    except KeyboardInterrupt as stop:
        epochs = newest(out)[0]
        kept = f"{out} keeps {epochs} epoch{'s' * (epochs > 1)}" if epochs else "no epoch was finished"
        again = "The same command without --fresh goes on" if options.fresh else "The same command goes on"
        raise KeyboardInterrupt(f"interrupted; {kept}. {again}; --fresh starts over") from stop
    print(f"written: {out / 'model'}; `{program()} generate {shlex.quote(str(out / 'model'))}` draws from it")
    if folder:
        print(f'in Python: green_vae.load("{out / "model"}"); what it has learnt is shown by {out / presets.PAGE}')


def _check(options, objective):
    """Raises WrongCommand for a model that cannot be made."""
    from green_vae.presets import pictures

    try:
        pictures.check(options.size or pictures.SIDE, objective, options.beta, options.corruption)
    except ValueError as error:
        raise WrongCommand(str(error)) from error


def _folder(name, given):
    """The folder of pictures that a name is; None for a preset.

    Raises:
        WrongCommand: neither, or options of the one for the other.
    """
    folder = Path(name.removeprefix("folder:"))
    try:
        check_name(name)
    except WrongCommand as error:
        if folder.is_dir():
            return folder
        raise WrongCommand(f"{error}, and no such folder of pictures") from error
    if given:
        options = {"objective": "--model", "latent_dim": "--latent", "corruption": "--corrupt"}
        wrong = ", ".join(sorted(options.get(one, f"--{one}") for one in given))
        raise WrongCommand(f"{wrong}: only for a folder of your own pictures; a preset has its own. Received: {name}")
    return None
