"""The parser of `green-vae`, and what a command's end means."""

import argparse
import os
import sys

from green_vae.cli.codes import add_encode, add_score
from green_vae.cli.common import WrongCommand, program
from green_vae.cli.completion import add_completion
from green_vae.cli.cost import add_cost
from green_vae.cli.doctor import add_doctor
from green_vae.cli.evaluate import add_evaluate
from green_vae.cli.explore import add_explore
from green_vae.cli.export import add_export
from green_vae.cli.generate import add_generate
from green_vae.cli.known import add_info, add_list
from green_vae.cli.pictures import add_interpolate, add_reconstruct, add_traverse
from green_vae.cli.train import add_train
from green_vae.utils.quiet import quiet_loggers

EPILOG = """examples:
  %(prog)s list --trained                      what there is: data set, source, parameters, size
  %(prog)s info svae/mnist-mini                all that is known of one
  %(prog)s doctor                              backend, cores, data and weights of this machine
  %(prog)s cost survey/l2-rae-b128-l128        parameters, FLOPs and memory traffic, layer by layer
  %(prog)s cost my_model.keras --rule macs     the same of your own model
  %(prog)s generate boon/beta-mnist -n 64      new images from trained weights, as a PNG
  %(prog)s evaluate my/samples cifar10         FID, KID, precision, recall, density, coverage
  %(prog)s reconstruct boon/beta-mnist x.png   what a model leaves of pictures; also encode, traverse, score ...
  %(prog)s explore svae/mnist-mini             a page in the browser: sliders, a map of codes, samplers
  %(prog)s export boon/beta-mnist --to onnx --out beta.onnx
  %(prog)s train svae/mnist-mini               by the paper's recipe; stopped, it goes on when called again
  %(prog)s train my/pictures --model beta-vae  a model of your own pictures, and a page about it

exit codes: 0 done, 1 an error that the last line explains, 2 a wrong command line, 130 interrupted.
"""


COMMANDS = (
    add_list,
    add_info,
    add_doctor,
    add_cost,
    add_generate,
    add_evaluate,
    add_train,
    add_reconstruct,
    add_encode,
    add_interpolate,
    add_traverse,
    add_score,
    add_explore,
    add_export,
    add_completion,
)


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
    for add in COMMANDS:
        add(commands)
    return main_parser


def main(arguments=None):
    """Run one command; returns the exit code. arguments: instead of `sys.argv[1:]`."""
    options = parser().parse_args(arguments)  # exits with 2
    quiet_loggers()
    try:
        options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt as stop:
        print(f"\n{str(stop) or 'interrupted'}", file=sys.stderr)
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
