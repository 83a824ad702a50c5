"""A paper's figures as data, and the command line of a script that draws them. Nothing in here computes."""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass

from green_vae.experiments.cli import add_shared, chosen, new_parser, run_script
from green_vae.utils.arguments import positive

EPILOG = """examples:
  {command}                    what the weights and data that are here allow; why not the rest
  {command} --smoke            everything tiny, in a minute: does it run here?
  {command} --figures {number} {name}
  {command} --train --figures {number} --epochs 2 --limit-train 5000
{preset}
which weights:
  --preset's; else with --train those of the first preset that a figure names, trained under --out; else the first that
  lie in pretrained/, or that an earlier --train left under --out (give the same --seed and --limit-train).
"""
DATA_EPILOG = """examples:
  {command}                    what the results that are here allow; why not the rest
  {command} --smoke            everything tiny, in a minute: does it run here?
  {command} --figures {number}
  {command} --fresh            measures again what an earlier run recorded
"""
PRESET_EPILOG = "  {command} --train --preset {preset}\n"


@dataclass(frozen=True)
class Figure:
    """One figure of a paper.

    Attributes:
        name: of the PNG, as "figure07".
        title: what it shows, one line.
        draw: `draw(context)` writes the PNG `context.path`, see `green_vae.experiments.figures.Context`; it may return
            a sentence with what was measured on the picture.
        presets: names of the models that it can be drawn from, the preferred first; () if it needs data only.
        note: a remark printed below it.
        watch: `watch(context)` -> Keras callbacks that training must have for the figure; None for none.
    """

    name: str
    title: str
    draw: Callable
    presets: tuple = ()
    note: str = ""
    watch: Callable | None = None

    @property
    def label(self):
        """As published: "figure07" -> "Figure 7"."""
        return re.sub(r"^figure0*", "Figure ", self.name)


@dataclass(frozen=True)
class Gallery:
    """The figures of a paper.

    Attributes:
        name: of the script and of the result files.
        title: one line.
        source: the paper.
        figures: in the published order.
        notes: remarks printed below.
    """

    name: str
    title: str
    source: str
    figures: tuple
    notes: tuple = ()

    @property
    def command(self):
        return f"python reproduce/{self.name}.py"

    @property
    def presets(self):
        """Every preset that a figure names, once."""
        return tuple(dict.fromkeys(preset for figure in self.figures for preset in figure.presets))


def parser_for(gallery):
    """The argument parser of a gallery's script."""
    first, last = gallery.figures[0], gallery.figures[-1]
    presets, command = gallery.presets, gallery.command
    example = PRESET_EPILOG.format(command=command, preset=presets[-1]) if presets else ""
    number = first.label.removeprefix("Figure ")
    examples = (EPILOG if presets else DATA_EPILOG).format(
        command=command, number=number, name=last.name, preset=example
    )
    parser = new_parser(gallery, f"{gallery.title}, drawn anew. Source: {gallery.source}.", examples)
    names = ", ".join(figure.name for figure in gallery.figures)
    add = parser.add_argument
    add("--figures", nargs="+", default=[], metavar="NAME", help=f"figures, by name or number: {names}")
    add("--preset", default="", metavar="NAME", help=f"draw from this model: {', '.join(presets)}")
    add("--fid-every", type=positive, default=5, metavar="K", help="epochs between FIDs in training (default: 5)")
    add("--fresh", action="store_true", help="measure again what is recorded")
    add_shared(parser)
    return parser


def chosen_figures(gallery, names, preset=""):
    """The figures of those names or numbers, all for none, that can be drawn from `preset` or need no model.

    Raises:
        ValueError: a name or preset that fits nothing.
    """
    names = [part.strip() for name in names for part in name.split(",")]
    numbers = [re.fullmatch(r"(?:figure)?(\d+)", name, re.IGNORECASE) for name in names]
    names = [f"figure{int(n[1]):02}" if n else name for n, name in zip(numbers, names, strict=True)]
    figures = chosen(gallery.figures, names, "figure")
    if not preset:
        return figures
    if preset not in gallery.presets:
        there_are = f"there are {', '.join(gallery.presets)}" if gallery.presets else "none needs a model"
        raise ValueError(f"no figure is drawn from that preset; {there_are}. Received: {preset!r}")
    fitting = [figure for figure in figures if preset in figure.presets or not figure.presets]
    if not fitting:
        asked = ", ".join(figure.name for figure in figures)
        raise ValueError(f"none of {asked} is drawn from that preset. Received: {preset!r}")
    return fitting


def main(gallery, arguments=None):
    """Run the script of a gallery: parse, train if asked to, draw, report.

    Args:
        gallery: a `Gallery`. arguments: instead of `sys.argv[1:]`; with them the exit code is returned, not raised.
    """

    def choose(options):
        names, preset = options.pop("figures"), options.pop("preset")
        figures = chosen_figures(gallery, names, preset)
        left_out = [figure.name for figure in chosen_figures(gallery, names) if figure not in figures]
        if names and left_out:
            print(f"left out, since {preset} does not draw them: {', '.join(left_out)}", file=sys.stderr)
        return figures, preset, options.pop("fid_every")

    def work(settings, *asked):
        from green_vae.experiments import figures  # TensorFlow comes with it

        figures.draw_gallery(gallery, settings, *asked)

    return run_script(parser_for(gallery), arguments, choose, work)
