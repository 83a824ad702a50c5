"""`green-vae generate`: new images of a trained model."""

from pathlib import Path

from green_vae.cli.common import add_command, add_model, check_model, loaded
from green_vae.utils.arguments import positive

GENERATE_EPILOG = """examples:
  %(prog)s boon/beta-mnist -n 64 -o grid.png
  %(prog)s boon/beta-mnist --sampler gmm --seed 7
  %(prog)s svae/mnist-mini --part map          the same codes, what x1 and x2 are mixed by
  %(prog)s runs/svae/mnist-mini/model          your own training

Trained weights that are not on this machine are fetched from the address in GREEN_VAE_PRETRAINED_URL, if it is set.
"""


def add_generate(commands):
    command = add_command(
        commands,
        "generate",
        _generate,
        help="new images from trained weights, as a PNG",
        description="Draw new images from a trained model into one PNG.",
        epilog=GENERATE_EPILOG,
    )
    add_model(command)
    add = command.add_argument
    add("-n", type=positive, default=64, metavar="N", help="how many images (default: 64)")
    add(
        "-o",
        "--out",
        type=Path,
        default=Path("generated.png"),
        metavar="FILE",
        help="picture to write; its ending names the format (default: generated.png)",
    )
    add(
        "--sampler",
        metavar="S",
        help="of latent codes: prior (default, where there is one), or one that ships, say gmm",
    )
    add("--part", choices=("x", "x1", "x2", "map", "mix"), default="x", help="of a split model's images (default: x)")
    add("--seed", type=int, default=0, metavar="S", help="of the codes (default: 0)")
    add("--zoom", type=positive, default=2, metavar="Z", help="every pixel Z x Z large (default: 2)")


def _generate(options):
    check_model(options.model)  # before plots, which take a second to import
    from green_vae import plots

    plots.format_of(options.out)  # refused before the model is read
    images = loaded(options.model).generate(options.n, options.sampler, seed=options.seed, part=options.part)
    plots.save_grid(options.out, images, zoom=options.zoom)
    print(f"written: {options.out}")
