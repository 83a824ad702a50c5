"""Pictures and curves of a report on its HTML page: those that lie beside the report, and histories of trainings."""

import html
import math
from pathlib import Path

from green_vae.plots import page, svg
from green_vae.presets import pretrained
from green_vae.training.checkpoint import read_history
from green_vae.utils.reading import read_json

NOT_DRAWN = {"seconds", "images", "flops", "kwh", "fid_n"}  # what a history keeps for the account of its cost


def found(path, folders):
    """The file of that name in the first folder that has it; None for none, or for one that lies elsewhere."""
    if ".." in Path(path).parts or Path(path).is_absolute():
        return None
    return next((folder / path for folder in folders if (folder / path).is_file()), None)


def of_table(table, report, columns, folders):
    """Sections with the pictures of rows and the charts of columns that lie beside the report."""
    paths = {}
    for folder in reversed(folders):
        paths |= {path.stem: path for path in sorted((folder / table.name).glob("*.png"))}
    titles = {column.name: column.title for column in columns}
    kept, others = page.embedded(paths.values()), {column.name for column in table.columns} - titles.keys()
    rows, charts = [], []
    for stem, path in sorted(paths.items()):
        row = _row_of(stem, report["rows"])
        if stem in titles:
            charts.append(_framed(path, kept, titles[stem], f"Bars of {titles[stem]}: published and ours."))
        elif stem not in others and (row or len(report["rows"]) == len(table.rows)):
            kind = stem[len(row) :].strip("-").replace("-", ", ").replace("_", " ")
            name = f"{row}: {kind}" if row and kind else row or stem
            rows.append(_framed(path, kept, name, f"Picture of {name}."))
    return [
        *([page.heading("Pictures"), f'<div class="gallery">{"".join(rows)}</div>'] if rows else []),
        *([page.heading("Charts"), f'<div class="gallery">{"".join(charts)}</div>'] if charts else []),
    ]


def _row_of(stem, rows):
    """The row that the name of a picture begins with, "" for none."""
    fitting = [row for row in rows if stem.startswith((row, row.replace(",", "").replace(" ", "-")))]
    return max(fitting, key=len, default="")


def _framed(path, kept, name, words):
    """A figure with its name."""
    shown = shown_or_told(path, kept, words)
    return f"<figure{extent(path, kept)}>{shown}<figcaption>{html.escape(name)}</figcaption></figure>"


def extent(path, kept):
    """The attribute of a figure whose chart takes more room; "" for others."""
    name = kept[path].extent if path in kept else ""
    return f' class="{name}"' if name else ""


def shown_or_told(path, kept, words):
    """The picture, or why it is not on the page.

    Args:
        path: of the file; None if it is not there. kept: path -> `plots.page.Picture`. words: what it shows.
    """
    if path in kept:
        return page.picture(kept[path], words)
    if path is None:
        return page.text("The picture does not lie beside the report.")
    return page.text(f"This page has no room for the picture, or it cannot be read: `{path.parent.name}/{path.name}`.")


def trainings(presets, folders):
    """A section with the curves of every training whose history is there."""
    parts = []
    for preset in dict.fromkeys(filter(None, presets)):
        if history := _history(preset, folders):
            parts.append(page.folded(f"{preset}, {len(history)} epochs", _curves(history)))
    if not parts:
        return []
    words = "What each epoch logged. A dashed line is of validation."
    return [page.heading("Trainings"), page.text(words), *parts]


def _history(preset, folders):
    """What each epoch of a preset logged: of the weights that ship, else of a history that was kept without them."""
    kept = found(f"histories/{preset.replace('/', '-')}.json", folders)
    return read_history(pretrained.where(preset)) or (read_json(kept, list) if kept else [])


def _curves(history):
    names = dict.fromkeys(name for epoch in history for name in epoch)
    of = {name: [epoch.get(name, math.nan) for epoch in history] for name in names}
    shown = (name for name in names if name not in NOT_DRAWN and not name.startswith("val_"))
    drawn = [
        svg.curve(name, of[name], of.get(f"val_{name}", ())) for name in shown if any(map(math.isfinite, of[name]))
    ]
    return f'<div class="curves">{"".join(drawn)}</div>'
