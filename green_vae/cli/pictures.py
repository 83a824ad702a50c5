"""`green-vae reconstruct`, `interpolate` and `traverse`: what a model makes of pictures and of codes around theirs."""

import argparse
from pathlib import Path

from green_vae.cli.common import add_command, add_files, add_model, check_model, loaded
from green_vae.utils.arguments import positive

SHOWN = 16  # latent units that `traverse` moves unless it is told
DRAWN = 1000  # codes whose spread stands for that of a prior

RECONSTRUCT_EPILOG = """--out is one picture, with a row of originals above each row of reconstructions, or a folder
(one that exists, or a name that ends in /), which gets a PNG for each.

examples:
  %(prog)s boon/beta-mnist my/digits --out rows.png
  %(prog)s survey/resnet-s4-b48-l128 cifar10:test -n 16
  %(prog)s runs/mine/model a.jpg b.jpg --out rebuilt/
"""
INTERPOLATE_EPILOG = """The images lie on the straight line between the codes of A and B; both ends are reconstructions.

examples:
  %(prog)s boon/beta-mnist three.png eight.png --steps 9
  %(prog)s runs/mine/model a.jpg b.jpg --steps 30 --out between.gif     an animation
"""
TRAVERSE_EPILOG = """A row for each unit, moved from --reach below its value to --reach above it, in units of the
prior's standard deviation. Without --image the middle is the prior's mean. Models without a prior N(0, I) of their
codes take the mean and the standard deviations of 1,000 codes that they draw: hierarchies and the ladder from their
priors, autoencoders by a sampler that came with them.

examples:
  %(prog)s boon/beta-mnist
  %(prog)s boon/beta-mnist --image seven.png --units 0,3-4 --steps 15
"""


def add_reconstruct(commands):
    command = add_command(
        commands,
        "reconstruct",
        _reconstruct,
        help="what a model leaves of pictures",
        description="Encode pictures and decode their codes.",
        epilog=RECONSTRUCT_EPILOG,
    )
    add_model(command)
    add_files(command)
    _add_draws(command)
    command.add_argument(
        "--part", choices=("x", "x1", "x2", "map", "mix"), default="x", help="of a split model's images (default: x)"
    )
    _add_picture(command, "reconstructed.png")


def add_interpolate(commands):
    command = add_command(
        commands,
        "interpolate",
        _interpolate,
        help="the images between two pictures",
        description="Images between two pictures, by their codes.",
        epilog=INTERPOLATE_EPILOG,
    )
    add_model(command)
    command.add_argument("a", metavar="A", help="a picture")
    command.add_argument("b", metavar="B", help="another one")
    command.add_argument("--steps", type=positive, default=11, metavar="N", help="images, with both ends (default: 11)")
    _add_draws(command)
    _add_picture(command, "interpolated.png")


def add_traverse(commands):
    command = add_command(
        commands,
        "traverse",
        _traverse,
        help="what single latent units do",
        description="Images with one latent unit at a time moved.",
        epilog=TRAVERSE_EPILOG,
    )
    add_model(command)
    add = command.add_argument
    add("--image", metavar="FILE", help="a picture to start from")
    add("--units", type=_units, metavar="U", help=f"numbers from 0, say 0,3-5 (default: the first {SHOWN})")
    add("--reach", type=float, default=3.0, metavar="R", help="how far to either side (default: 3)")
    add("--steps", type=positive, default=11, metavar="N", help="images of a row (default: 11)")
    _add_draws(command)
    _add_picture(command, "traversed.png")


def _add_draws(command):
    told = "draw codes from the posterior; else its mean, where that is known"
    command.add_argument("--sample", action="store_true", help=told)
    command.add_argument("--seed", type=int, default=0, metavar="S", help="of draws (default: 0)")


def _add_picture(command, name):
    told = f"picture to write; its ending names the format (default: {name})"
    command.add_argument("-o", "--out", default=name, metavar="FILE", help=told)
    command.add_argument("--zoom", type=positive, default=2, metavar="Z", help="every pixel Z x Z large (default: 2)")


def _units(text):
    """ "0,3-5" -> [0, 3, 4, 5]."""
    units = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal() or int(first) > int(last or first):
            raise argparse.ArgumentTypeError(f"expected numbers such as 0,3-5. Received: {text}")
        units += range(int(first), int(last or first) + 1)
    return units


def _reconstruct(options):
    check_model(options.model)  # before plots, which take a second to import
    from green_vae import plots
    from green_vae.cli.sources import images_for

    folder = options.out.endswith("/") or Path(options.out).is_dir()
    if not folder:
        plots.format_of(options.out)
    model = loaded(options.model)
    from green_vae.metrics import mse  # it brings the backend, which `loaded` has brought quietly

    names, images = images_for(model.image_shape, options.files, options.n, options.data_dir)
    made = model.reconstruct(images, _draws(model, options), options.seed, part=options.part)
    if folder:
        for number, (name, image) in enumerate(zip(names, made, strict=True)):
            plots.save_png(Path(options.out, f"{number:04}-{Path(name).stem}.png"), image, options.zoom)
    else:
        grid = plots.reconstruction_grid(images / 255, made.repeat(images.shape[-1] // made.shape[-1], axis=-1))
        plots.save_picture(options.out, grid, options.zoom)
    error = f"; mean squared error {mse(images, made):.5f}" if options.part == "x" else ""
    print(f"written: {options.out}{error}")


def _interpolate(options):
    check_model(options.model)  # before plots, which take a second to import
    from green_vae import plots
    from green_vae.cli.sources import image_for

    plots.format_of(options.out)
    model = loaded(options.model)
    ends = (image_for(model.image_shape, word) for word in (options.a, options.b))
    (row,) = model.interpolate(*ends, options.steps, _draws(model, options), options.seed)
    if options.out.lower().endswith(".gif"):
        plots.save_gif(options.out, [*row, *row[-2:0:-1]], options.zoom)  # there and back
    else:
        plots.save_grid(options.out, row, len(row), zoom=options.zoom)
    print(f"written: {options.out}")


def _traverse(options):
    check_model(options.model)  # before plots, which take a second to import
    from green_vae import plots
    from green_vae.cli.sources import image_for

    plots.format_of(options.out)
    model = loaded(options.model)
    units = options.units or list(range(min(SHOWN, model.latent_dim)))
    scale, start = None, {}
    if not model.variational or model.prior_only:
        codes = model.new_codes(DRAWN, seed=options.seed)
        scale, start = codes.std(axis=0), {"z": codes.mean(axis=0, keepdims=True)}
    if options.image:
        start = {"x": image_for(model.image_shape, options.image), "sample": _draws(model, options)}
    elif not start:
        import numpy as np

        start = {"z": np.zeros((1, model.latent_dim), "float32")}
    (rows,) = model.traverse(
        **start, units=units, reach=options.reach, steps=options.steps, scale=scale, seed=options.seed
    )
    named = {f"z {unit}": row for unit, row in zip(units, rows, strict=True)}
    plots.save_picture(options.out, plots.rows_picture(named, zoom=options.zoom))
    more = f"; the first {SHOWN} of {model.latent_dim} units, --units chooses others"
    print(f"written: {options.out}{'' if options.units or model.latent_dim <= SHOWN else more}")


def _draws(model, options):
    """Whether codes are drawn: the mean behind a flow is not known."""
    return options.sample or model.flow is not None
