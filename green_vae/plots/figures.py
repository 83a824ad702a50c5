"""Figures of matplotlib as files, and what a file was drawn from."""

from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from green_vae.utils.files import write_aside


def save_figure(figure, path, source=""):
    """Write a matplotlib figure to `path` as PNG, and beside it as SVG, which a paper can take in any size.

    Args:
        source: what the figure was drawn from, say a digest of the numbers; `source_of` reads it from the PNG.
    """
    with write_aside(path) as aside:
        figure.savefig(aside, format="png", dpi=120, metadata={"Source": source} if source else None)
    # the same file for the same figure: no date, and names of its parts that do not change
    with write_aside(Path(path).with_suffix(".svg")) as aside, rc_context({"svg.hashsalt": "", "svg.fonttype": "none"}):
        figure.savefig(aside, format="svg", metadata={"Date": None})


def figure_picture(figure, dpi=80):
    """A matplotlib figure as a picture, uint8 (height, width, 3)."""
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def source_of(path):
    """What a PNG of `save_figure` was drawn from; "" if it does not tell.

    Raises:
        OSError: there is no such file, or it is no picture.
    """
    with Image.open(path) as picture:
        return picture.info.get("Source", "")
