"""Diagrams: labelled boxes on a grid, and arrows between them."""

from matplotlib.figure import Figure

from green_vae.plots.figures import save_figure

WIDTH, HEIGHT = 1.7, 0.85  # inches of a cell of the grid
BOX = {"boxstyle": "round,pad=0.35", "edgecolor": "0.35", "linewidth": 0.8}


def diagram(path, boxes, arrows, title=None):
    """Boxes with text, and arrows from box to box.

    Args:
        path: of the PNG.
        boxes: dict name -> (column, row, text, colour); columns grow to the right, rows downwards, halves are allowed.
        arrows: pairs of names, from and to; a third entry, if any, is written beside the arrow.
        title: above.

    Raises:
        ValueError: no box, or an arrow from or to none.
    """
    if not boxes:
        raise ValueError("nothing to draw: expected at least one box. Received: {}")
    if unknown := {name for arrow in arrows for name in arrow[:2]} - set(boxes):
        raise ValueError(f"arrows join boxes; there are {', '.join(boxes)}. Received: {', '.join(sorted(unknown))}")
    columns, rows = (1 + max(box[axis] for box in boxes.values()) for axis in (0, 1))
    figure = Figure(figsize=(WIDTH * columns, HEIGHT * rows + 0.5), layout="constrained")
    panel = figure.add_subplot(xlim=(-0.6, columns - 0.4), ylim=(rows - 0.4, -0.6), title=title)
    panel.set_axis_off()
    drawn = {
        name: panel.text(column, row, text, ha="center", va="center", fontsize=7, bbox={**BOX, "facecolor": colour})
        for name, (column, row, text, colour) in boxes.items()
    }
    figure.canvas.draw()  # only then do the boxes have a size, at which the arrows end
    for start, end, *label in arrows:
        ends = {"patchA": drawn[start].get_bbox_patch(), "patchB": drawn[end].get_bbox_patch()}
        style = {"arrowstyle": "-|>", "color": "0.35", "linewidth": 0.8, "shrinkA": 2, "shrinkB": 2, **ends}
        panel.annotate("", boxes[end][:2], boxes[start][:2], arrowprops=style)
        if label:
            middle = [(a + b) / 2 for a, b in zip(boxes[start][:2], boxes[end][:2], strict=True)]
            panel.text(*middle, label[0], fontsize=7, ha="center", va="center", backgroundcolor="white")
    save_figure(figure, path)
