"""Numbers as charts: curves, scatter plots, dots of published against ours."""

import math
import textwrap
from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from green_vae.plots.figures import save_figure

PUBLISHED, OURS = "#9aa5b1", "#1f6fb4"  # grey for what is given, blue for what was measured
MEASURED, VALIDATION = "#1f6fb4", "#d9762b"


def curves(path, history, title=None, x_label="epoch"):
    """Training curves, one panel per quantity, since their scales differ; "val_<name>" joins the panel of <name>.

    Args:
        path: of the PNG.
        history: dict of equally long sequences, such as `model.fit(...).history`. NaN leaves a gap.
        title: above the panels.
        x_label: what the steps are.

    Raises:
        ValueError: an empty history, or an entry that is not a sequence of numbers.
    """
    series = {name: np.asarray(values, dtype=np.float64) for name, values in history.items()}
    if not series or any(values.ndim != 1 or not len(values) for values in series.values()):
        raise ValueError(f"history is a dict of number sequences. Received: {_shapes(series)}")
    names = list(dict.fromkeys(name.removeprefix("val_") for name in series))
    columns = math.ceil(math.sqrt(len(names)))
    rows = math.ceil(len(names) / columns)
    figure = Figure(figsize=(4 * columns, 2.8 * rows), layout="constrained")
    figure.suptitle(title)
    for index, name in enumerate(names):
        _panel(figure.add_subplot(rows, columns, index + 1), name, series, x_label)
    save_figure(figure, path)


def lines(path, series, title=None, x_label="epoch", y_label=None):
    """Several quantities on one scale over the same kind of steps, in one panel.

    Args:
        path: of the PNG.
        series: dict name -> (steps, values), number sequences of one length; the legend lists the names.
        title, x_label, y_label: texts above the picture and of the two axes.

    Raises:
        ValueError: nothing to draw, or as many steps as values are not given.
    """
    series = {name: tuple(np.asarray(side, np.float64) for side in pair) for name, pair in series.items()}
    if not series or any(x.ndim != 1 or x.shape != y.shape or not len(x) for x, y in series.values()):
        shapes = {name: [side.shape for side in pair] for name, pair in series.items()}
        raise ValueError(f"series is a dict of steps and as many values. Received: {shapes}")
    figure = Figure(figsize=(6, 4), layout="constrained")
    panel = figure.add_subplot(xlabel=x_label, ylabel=y_label, title=title)
    for index, (name, (steps, values)) in enumerate(series.items()):
        panel.plot(steps, values, color=_colour(index, len(series)), marker=".", label=name)
    panel.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(loc="outside right upper", frameon=False)
    _tidy(panel)
    save_figure(figure, path)


def scatter2d(path, z, labels=None, title=None, axes=("z 1", "z 2")):
    """Two latent variables of many examples, coloured by class.

    Args:
        path: of the PNG.
        z: (n, 2), finite.
        labels: (n,) classes; the legend lists them. Default: one colour.
        title, axes: texts above the picture and of the two axes.

    Raises:
        ValueError: wrong shape, or NaN or infinity.
    """
    z = np.asarray(z, dtype=np.float64)
    labels = None if labels is None else np.asarray(labels)
    if z.ndim != 2 or z.shape[1] != 2 or (labels is not None and labels.shape != z.shape[:1]):
        raise ValueError(f"z has the shape (n, 2) and labels (n,). Received: {z.shape}, {np.shape(labels)}")
    if not np.isfinite(z).all():
        raise ValueError("z must be finite. Received: NaN or infinity")
    figure = Figure(figsize=(6, 5), layout="constrained")
    panel = figure.add_subplot(xlabel=axes[0], ylabel=axes[1], title=title, aspect="equal")
    classes = [None] if labels is None else np.unique(labels)
    for index, value in enumerate(classes):
        points = z if value is None else z[labels == value]
        colour = _colour(index, len(classes))
        panel.scatter(*points.T, s=6, linewidths=0, alpha=0.7, color=colour, label=value, rasterized=True)
    if labels is not None:
        figure.legend(loc="outside right center", markerscale=3, frameon=False, ncols=math.ceil(len(classes) / 20))
    save_figure(figure, path)


class Points(NamedTuple):
    """One kind of points of a `scatter` plot.

    Attributes:
        name: for the legend; "" for none.
        x, y: number sequences of one length.
        labels: a text beside each point; () for none.
        colour: of matplotlib; "" for the next of its own.
        marker: of matplotlib.
        line: (x, y) of a line in the same colour, None for none.
        steps: whether that line goes in steps, each value being kept up to the next.
    """

    name: str
    x: tuple
    y: tuple
    labels: tuple = ()
    colour: str = ""
    marker: str = "o"
    line: tuple | None = None
    steps: bool = False


def scatter(path, panels, title=None, x_label=None, log=""):
    """Points with labels and lines, one panel per quantity, all over the same kind of quantity; two panels beside
    each other, so that a page shows them readably.

    Args:
        path: of the PNG.
        panels: dict text of the vertical axis -> list of `Points`.
        title, x_label: texts above the panels and of every horizontal axis.
        log: the axes with a logarithmic scale: "", "x", "y" or "xy". Only positive numbers stand on such an axis.

    Raises:
        ValueError: nothing to draw, lengths that differ, or a number that its axis cannot show.
    """
    for name, kinds in panels.items():
        for points in kinds:
            _check_points(name, points, log)
    if not any(len(points.x) for kinds in panels.values() for points in kinds):
        raise ValueError(f"there is no point to draw. Received: {panels}")
    columns = min(2, len(panels))  # on a page of some 830 pixels, smaller text cannot be read
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(5 * columns, 3.8 * rows), layout="constrained")
    figure.suptitle(title)
    scales = {f"{axis}scale": "log" for axis in log}
    for index, (name, kinds) in enumerate(panels.items()):
        words = textwrap.fill(name, 40)  # a panel's height holds no more beside each other
        panel = figure.add_subplot(rows, columns, index + 1, xlabel=x_label, ylabel=words, **scales)
        for number, points in enumerate(kinds):
            _draw_points(panel, points, points.colour or _colour(number, len(kinds)))
        panel.margins(0.15)
        for axis in log:
            _plain_ticks(getattr(panel, f"{axis}axis"))
        _label_points(panel, kinds)
        if any(points.name for points in kinds):
            panel.legend(fontsize=8, framealpha=1, edgecolor="0.7")  # without a frame its marks look like points
        _tidy(panel)
    save_figure(figure, path)


def dots(path, labels, published, ours, spread=None, title=None, x_label=None, source=""):
    """Published values beside ours: one line for each label, a dot for each value, the numbers at the right.

    The picture is as wide as a page however many labels there are. The scale begins where the values do, not at 0, so
    that values that are close can be told apart; it is logarithmic where they differ by a factor of 100 or more.

    Args:
        path: of the PNG.
        labels: names of the rows, from the top.
        published, ours: numbers of the same length; None or NaN where there is none.
        spread: of our numbers, drawn as a line to either side; None for none at all, and in it where there is none.
        title, x_label: texts above the picture and of the horizontal axis.
        source: what the numbers are from; it is written into the file, see `save_figure`.

    Raises:
        ValueError: lengths differ, or there is nothing to draw.
    """
    sides = [_floats(row) for row in (published, ours, [None] * len(ours) if spread is None else spread)]
    if not len(labels) or any(len(row) != len(labels) for row in sides):
        lengths = f"{len(labels)} labels, {len(published)} published, {len(ours)} ours"
        raise ValueError(f"one published and one own value per label are needed. Received: {lengths}")
    published, ours, spread = sides
    figure = Figure(figsize=(7.5, 1.3 + 0.26 * len(labels)), layout="constrained")
    panel = figure.add_subplot(xlabel=x_label)
    if title:
        figure.suptitle(textwrap.fill(title, 100), x=0.01, ha="left", fontsize=10)
    if log := _spans(np.concatenate([published, ours])):
        panel.set_xscale("log")
    places = np.arange(len(labels))
    for y, *pair in zip(places, published, ours, strict=True):
        panel.plot(pair, [y, y], color=PUBLISHED, linewidth=1, zorder=1)  # nothing where one of them is missing
    panel.errorbar(ours, places, xerr=np.nan_to_num(spread), fmt="none", ecolor=OURS, linewidth=2, zorder=2)
    kinds = [("published", published, PUBLISHED), ("ours", ours, OURS)][0 if np.isfinite(published).any() else 1 :]
    for column, (name, values, colour) in enumerate(kinds, 1):
        panel.scatter(values, places, s=36, color=colour, zorder=3, clip_on=False)
        texts = ["-" if math.isnan(value) else f"{value:.4g}" for value in values]
        for y, text in zip([-1, *places], [name, *texts], strict=True):
            panel.annotate(
                text, (1, y), (52 * column, 0), xycoords=panel.get_yaxis_transform(), textcoords="offset points",
                ha="right", va="center", color=colour, fontsize=8, annotation_clip=False,
            )  # fmt: skip
    panel.set_yticks(places, labels, fontsize=8)
    panel.set_ylim(len(labels) - 0.5, -0.5)
    panel.margins(x=0.06)
    _tidy(panel)
    panel.grid(axis="x", alpha=0.3)
    panel.tick_params(axis="y", length=0)
    if log:
        _plain_ticks(panel.xaxis)
    save_figure(figure, path, source)


def _floats(row):
    return np.array([math.nan if value is None else value for value in row], float)


def _spans(values):
    """Whether numbers differ by a factor of 100 or more, and all are positive."""
    values = values[np.isfinite(values)]
    return bool(len(values)) and bool(values.min() > 0) and bool(values.max() >= 100 * values.min())


def _check_points(name, points, log):
    sizes = {len(points.x), len(points.y), *([len(points.labels)] if points.labels else [])}
    if len(sizes) > 1:
        raise ValueError(f"as many labels and y as x are needed. Received: lengths {sorted(sizes)} in {name!r}")
    for axis, values in (("x", points.x), ("y", points.y)):
        values = np.asarray(values, float)
        if not np.isfinite(values).all() or (axis in log and not (values > 0).all()):
            raise ValueError(f"the {axis} axis cannot show all of these. Received: {values.tolist()} in {name!r}")


def _draw_points(panel, points, colour):
    panel.scatter(points.x, points.y, s=22, color=colour, marker=points.marker, label=points.name or None, zorder=3)
    if points.line:
        panel.plot(*points.line, color=colour, linewidth=1.2, drawstyle="steps-post" if points.steps else "default")


def _plain_ticks(axis):
    """Plain numbers, if they are short, on a logarithmic axis with less than two powers of ten, which are too few."""
    low, high = axis.get_view_interval()
    if high < min(100 * low, 1e4):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(NullFormatter())


def _label_points(panel, kinds):
    """Texts at the upper right of their points, one above the other where points are close."""
    panel.autoscale_view()
    placed, (width, height) = [], (90, 10)  # pixels
    for points in kinds:
        for x, y, label in zip(points.x, points.y, points.labels, strict=False):
            left, low = panel.transData.transform((x, y))
            top = low
            while any(abs(left - x) < width and abs(top - y) < height for x, y in placed):
                top += height / 3
            placed.append((left, top))
            shift = (3, 3 + (top - low) * 72 / panel.figure.dpi)
            panel.annotate(label, (x, y), xytext=shift, textcoords="offset points", fontsize=7)


def _panel(panel, name, series, x_label):
    for key, label, colour in ((name, "training", MEASURED), (f"val_{name}", "validation", VALIDATION)):
        if key in series:
            steps = np.arange(1, len(series[key]) + 1)
            # A lone point makes no line.
            panel.plot(steps, series[key], color=colour, label=label, marker="o" if len(steps) == 1 else None)
    panel.set(xlabel=x_label, ylabel=name)
    panel.xaxis.get_major_locator().set_params(integer=True)
    if f"val_{name}" in series:
        panel.legend(frameon=False)
    _tidy(panel)


def _tidy(panel):
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(axis="y", alpha=0.3)
    panel.set_axisbelow(True)


def _colour(index, n):
    return colormaps["tab10"](index) if n <= 10 else colormaps["nipy_spectral"](index / n)


def _shapes(series):
    return {name: values.shape for name, values in series.items()}
