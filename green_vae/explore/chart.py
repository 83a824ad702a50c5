"""The map of codes as a picture whose pixels are places on it."""

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

SIZE = (720, 560)  # width and height in pixels
DPI = 100
RING = 9  # radius of the mark around the chosen point, in pixels


class Chart:
    """Points on a plane.

    Args:
        positions: (n, 2).
        labels: (n,) integers that colour the points, or None. names: of the labels, by their numbers; None for numbers.
        axes: texts of the two axes.

    Attributes:
        pixels: uint8 (height, width, 3).
    """

    def __init__(self, positions, labels=None, names=None, axes=("", "")):
        self.positions = np.asarray(positions, "float64")
        figure = Figure(figsize=(SIZE[0] / DPI, SIZE[1] / DPI), dpi=DPI, layout="constrained")
        canvas, panel = FigureCanvasAgg(figure), figure.add_subplot(xlabel=axes[0], ylabel=axes[1])
        kinds = [None] if labels is None else np.unique(labels)
        colours = colormaps["tab10" if len(kinds) <= 10 else "tab20"]
        for index, kind in enumerate(kinds):
            chosen = slice(None) if kind is None else np.asarray(labels) == kind
            name = None if kind is None else str(kind) if names is None else names[kind]
            colour = colours(index % colours.N)
            panel.scatter(*self.positions[chosen].T, s=14, linewidths=0, alpha=0.7, color=colour, label=name)
        if labels is not None and len(kinds) <= colours.N:
            panel.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, markerscale=1.5, fontsize="small")
        canvas.draw()
        self.pixels = np.asarray(canvas.buffer_rgba())[..., :3].copy()
        self._transform = panel.transData.frozen()

    def pixel_of(self, place):
        """(column, row) of a place (2,) on the plane; rows count from the top."""
        x, y = self._transform.transform(np.asarray(place, "float64"))
        return float(x), float(self.pixels.shape[0] - y)

    def place_of(self, column, row):
        """The place (2,) on the plane of a pixel."""
        return self._transform.inverted().transform((column, self.pixels.shape[0] - row))

    def marked(self, number):
        """The picture with a ring around one of the points."""
        picture = Image.fromarray(self.pixels)
        x, y = self.pixel_of(self.positions[number])
        for radius, width, colour in ((RING + 1, 5, "white"), (RING, 3, "black")):
            ImageDraw.Draw(picture).ellipse(
                (x - radius, y - radius, x + radius, y + radius), outline=colour, width=width
            )
        return np.asarray(picture)
