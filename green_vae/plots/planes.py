"""What happens on a plane, side by side: clouds of points and densities."""

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from green_vae.plots.figures import figure_picture, save_figure

COLOURS = colormaps["tab10"]


def clouds(path, panels, reach, title=None, **options):
    """Points in squares [-reach, reach]^2, a panel for each set of clouds, a colour for each cloud.

    Args:
        path: of the PNG.
        panels: dict title -> (clouds, n, 2), at most ten clouds.
        reach: half the side of the square, or one for each panel; what lies outside is not seen.
        title: above the panels.
        options: "columns", panels in a row, all by default; "axes", the texts of the two axes, ("z 1", "z 2") by
            default; "diagonal", whether the line on which both are equal is drawn, which it is not by default.

    Raises:
        ValueError: no panel, wrong shape, NaN or infinity, or too many clouds.
    """
    save_figure(_clouds(panels, reach, title, **options), path)


def clouds_picture(panels, reach, title=None, **options):
    """What `clouds` draws, as uint8 (height, width, 3): a picture of an animation. Arguments and errors as there."""
    return figure_picture(_clouds(panels, reach, title, **options))


def _clouds(panels, reach, title, columns=None, axes=("z 1", "z 2"), diagonal=False):
    panels = {name: np.asarray(points, np.float64) for name, points in panels.items()}
    if not panels or any(points.ndim != 3 or points.shape[2] != 2 or len(points) > 10 for points in panels.values()):
        shapes = {name: points.shape for name, points in panels.items()}
        raise ValueError(f"panels have the shape (at most 10 clouds, n, 2). Received: {shapes}")
    if not all(np.isfinite(points).all() for points in panels.values()):
        raise ValueError(f"points must be finite. Received: NaN or infinity in one of {', '.join(panels)}")
    names, columns = list(panels), columns or len(panels)
    rows = [names[start : start + columns] for start in range(0, len(names), columns)]
    figure, drawn = _square_panels(rows, reach, title, axes)
    for panel, points in zip(drawn, panels.values(), strict=True):
        if diagonal:
            panel.axline((0, 0), slope=1, color="#9aa5b1", linewidth=1, zorder=0)
        for index, cloud in enumerate(points):
            # thousands of points: an image within the SVG, too
            panel.scatter(*cloud.T, s=3, linewidths=0, alpha=0.5, color=COLOURS(index), rasterized=True)
    return figure


def densities(path, rows, reach, title=None):
    """Densities on the square [-reach, reach]^2 as shades, each column on one scale.

    Args:
        path: of the PNG.
        rows: dict name -> dict name -> (side, side), the second coordinate upwards; all rows with the same columns.
        reach: half the side of the square.
        title: above the panels.

    Raises:
        ValueError: nothing to draw, rows of different columns, or what is no finite density on a square.
    """
    names = [list(row) for row in rows.values()]
    if not names or not names[0] or any(row != names[0] for row in names):
        raise ValueError(f"all rows have the same columns, at least one. Received: {names}")
    shades = [np.asarray(value, np.float64) for row in rows.values() for value in row.values()]
    for shade in shades:
        if shade.ndim != 2 or shade.shape[0] != shade.shape[1] or not np.isfinite(shade).all() or shade.min() < 0:
            raise ValueError(f"a density is finite, not negative, (side, side). Received: shape {shade.shape}")
    figure, axes = _square_panels([[f"{column}, {row}" for column in names[0]] for row in rows], reach, title)
    columns = len(names[0])
    for index, (panel, shade) in enumerate(zip(axes, shades, strict=True)):
        top = max(float(other.max()) for other in shades[index % columns :: columns])
        panel.imshow(shade, cmap="viridis", vmin=0, vmax=top or 1, extent=(-reach, reach, -reach, reach))
    save_figure(figure, path)


def _square_panels(titles, reach, title, axes=("z 1", "z 2")):
    """A figure, and its panels row by row, for squares.

    titles: of rows of panels. reach: one, or of each panel. axes: texts of the two.
    """
    figure = Figure(figsize=(3.2 * len(titles[0]), 3.4 * len(titles)), layout="constrained")
    figure.suptitle(title)
    shape, flat = (len(titles), len(titles[0])), [name for row in titles for name in row]
    panels = [figure.add_subplot(*shape, index + 1, title=name, aspect="equal") for index, name in enumerate(flat)]
    for panel, half in zip(panels, np.broadcast_to(reach, len(panels)), strict=True):
        panel.set(xlim=(-half, half), ylim=(-half, half), xlabel=axes[0], ylabel=axes[1])
        panel.locator_params(nbins=5)  # more numbers may overlap
    return figure, panels
