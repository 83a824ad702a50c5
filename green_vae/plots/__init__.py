"""Pictures as PNG files, or by the ending of their name, and animations as GIF: grids of images, curves, scatter plots,
dots, densities, diagrams.

NumPy in, a file out, written aside. Everything is drawn on an own figure: no pyplot, no global state, no display.
"""

from green_vae.plots.charts import (
    MEASURED,
    OURS,
    PUBLISHED,
    VALIDATION,
    Points,
    curves,
    dots,
    lines,
    scatter,
    scatter2d,
)
from green_vae.plots.diagrams import diagram
from green_vae.plots.figures import source_of
from green_vae.plots.images import (
    format_of,
    image_grid,
    reconstruction_grid,
    rows_picture,
    save_gif,
    save_grid,
    save_picture,
    save_png,
    side_by_side,
)
from green_vae.plots.planes import clouds, clouds_picture, densities

__all__ = [
    "MEASURED",
    "OURS",
    "PUBLISHED",
    "VALIDATION",
    "Points",
    "clouds",
    "clouds_picture",
    "curves",
    "densities",
    "diagram",
    "dots",
    "format_of",
    "image_grid",
    "lines",
    "reconstruction_grid",
    "rows_picture",
    "save_gif",
    "save_grid",
    "save_picture",
    "save_png",
    "scatter",
    "scatter2d",
    "side_by_side",
    "source_of",
]
