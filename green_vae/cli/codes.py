"""`green-vae encode` and `score`: numbers for pictures."""

import csv
from pathlib import Path

from green_vae.cli.common import add_command, add_files, add_model, loaded, notes
from green_vae.utils.arguments import positive

ENCODE_EPILOG = """The .npz file has the arrays codes, float32 (n, latent numbers), and names, of the files. The .csv
file has a line for each file: its name, then z0, z1 ...

examples:
  %(prog)s boon/beta-mnist mnist:test --out codes.npz
  %(prog)s runs/mine/model my/pictures --out codes.csv
"""
SCORE_EPILOG = """A line for each picture: its score and its name. HIGHER is more normal, so anomalies come first in
`| sort -g`.

kinds:
  reconstruction  minus the squared error, summed over pixels; any model has it
  elbo            evidence lower bound in nats, the mean over -k draws
  iw              importance-weighted bound of -k draws, nearer to log p(x)
The two bounds need a model that states p(x|z); for others --sigma says what a pixel's standard deviation is. None of
the kinds is safe: a smooth picture of another kind may score higher than those the model has learnt from.

examples:
  %(prog)s boon/beta-mnist my/digits | sort -g | head
  %(prog)s slides/vae-mnist-binary mnist_binary:test -n 100 --kind iw -k 50
"""


def add_encode(commands):
    command = add_command(
        commands,
        "encode",
        _encode,
        help="codes of pictures, as .npz or .csv",
        description="Codes of pictures: the means of their posteriors.",
        epilog=ENCODE_EPILOG,
    )
    add_model(command)
    add_files(command)
    add = command.add_argument
    add("-o", "--out", type=Path, default=Path("codes.npz"), metavar="FILE", help=".npz or .csv (default: codes.npz)")
    add("--sample", action="store_true", help="a draw from each posterior instead of its mean")
    add("--seed", type=int, default=0, metavar="S", help="of the draws (default: 0)")


def add_score(commands):
    command = add_command(
        commands,
        "score",
        _score,
        help="how normal a model finds pictures",
        description="How normal a model finds each picture.",
        epilog=SCORE_EPILOG,
    )
    add_model(command)
    add_files(command)
    add = command.add_argument
    kinds = ("reconstruction", "elbo", "iw")
    add("--kind", choices=kinds, default=kinds[0], help="see below (default: reconstruction)")
    add("-k", type=positive, default=200, metavar="K", help="draws of the two bounds (default: 200)")
    add("--sigma", type=float, metavar="S", help="of a pixel, for a bound of a model that states none")
    add("--seed", type=int, default=0, metavar="S", help="of the draws (default: 0)")


def _encode(options):
    if options.out.suffix not in (".npz", ".csv"):
        raise ValueError(f"codes are written as .npz or .csv. Received: {options.out}")
    from green_vae.cli.sources import images_for
    from green_vae.utils.files import write_aside

    model = loaded(options.model)
    names, images = images_for(model.image_shape, options.files, options.n, options.data_dir)
    codes = model.encode(images, options.sample, options.seed)
    with write_aside(options.out) as aside:
        if options.out.suffix == ".npz":
            import numpy as np

            np.savez(aside, codes=codes, names=np.array(names))
        else:
            with open(aside, "w", newline="", encoding="utf-8") as file:
                lines = csv.writer(file)
                lines.writerow(["name", *(f"z{unit}" for unit in range(codes.shape[1]))])
                lines.writerows([name, *map(str, code)] for name, code in zip(names, codes, strict=True))
    print(f"written: {options.out}; {len(codes):,} codes of {codes.shape[1]} numbers")


def _score(options):
    from green_vae.cli.sources import images_for

    model = loaded(options.model)
    names, images = images_for(model.image_shape, options.files, options.n, options.data_dir)
    with notes():
        scores = model.score(images, options.kind, options.k, sigma=options.sigma, seed=options.seed)
    for score, name in zip(scores, names, strict=True):
        print(f"{score:.4f}\t{name}")
