"""A finished report where somebody reads it as text: one line for a row on the terminal, or CSV, JSON and LaTeX."""

import csv
import io
import json
import os

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid
from rich.text import Text

from green_vae.experiments import spec
from green_vae.experiments.report import STYLES, labelled, long_form, markdown, remarks, shown_columns

MARKS = {spec.EXACT: "=", spec.REPRODUCED: "≈", spec.DIFFERS: "≠", spec.INCOMPARABLE: "?"}
LEGEND = (
    "published → ours (difference). = equal, ≈ within the tolerance, ≠ outside of it, ? not comparable; r recorded "
    "earlier; [n] see below. --long tells more."
)
GAP = 2  # columns of the terminal between two of the table's
PIPE = 132  # columns where the output is no terminal and COLUMNS is not set


def show(table, report, rows=(), columns=(), form="table", width=None):
    """Print a report.

    Args:
        table: a `Table`. report: its cells, see `runner.to_json`.
        rows, columns: names of those to show; () for all.
        form: one of `cli.FORMATS`. width: of the terminal; None to ask it.
    """
    chosen = {name: cells for name, cells in report["rows"].items() if not rows or name in rows}
    shown = shown_columns(table, columns)
    if form == "csv":
        print(as_csv(shown, chosen), end="")
    elif form == "json":
        print(json.dumps({name: {c.name: cells[c.name] for c in shown} for name, cells in chosen.items()}, indent=1))
    elif form == "latex":
        print(as_latex(table, shown, chosen))
    elif form == "md":
        print(markdown(table, report, rows, shown))
    else:
        console = Console(width=width)
        if not width and not console.is_terminal and "COLUMNS" not in os.environ:
            console = Console(width=PIPE)
        footnotes = {}
        if form == "long":
            console.print(long_form(table, shown, chosen, footnotes))
        else:
            console.print(f"[bold]{escape(table.title)}[/]\n[dim]{escape(table.source)}[/]\n", highlight=False)
            for grid in blocks(table, shown, chosen, footnotes, console.width):
                console.print(grid)
            console.print(LEGEND, style="dim", highlight=False, markup=False)
        for reason, number in footnotes.items():
            console.print(f"[{number}] {reason}", markup=False, highlight=False)
        details = (*table.notes, *remarks(report, shown, rows)) if form == "long" else ()
        for note in (*table.conclusions(report), *details):
            console.print(f"* {note}", markup=False, highlight=False)


def short(column, cell, footnotes, meant=True):
    """One cell in a few characters, a `Text`: "110.0 → 117.5 FID~ ?r"; its reason goes to `footnotes`.

    Where a row is not `meant` to have a number in a column, there is none to miss, and no reason to give.
    """
    form = column.format.format
    value, published, difference, verdict = (cell[key] for key in ("value", "published", "difference", "verdict"))
    if value is None and not meant:
        return Text("-", "dim")
    mark = f" [{footnotes.setdefault(cell['reason'], len(footnotes) + 1)}]" if cell["reason"] else ""
    if value is None:
        return Text(("-" if published is None else f"{form(published)} → -") + mark, "dim")
    ours = labelled(column, cell)
    if published is not None and verdict != spec.EXACT:
        ours = f"{form(published)} → {ours}"
        if difference is not None:
            ours += f" ({'+' if difference > 0 else ''}{form(difference)})"
    sign = f" {MARKS.get(verdict, '')}{'r' if cell['recorded'] else ''}".rstrip()
    text = Text(ours)
    text.append(sign, STYLES.get(verdict, "dim"))
    return text.append(mark, "dim")


def blocks(table, columns, rows, footnotes, width):
    """Grids that fit into a width: the names of the rows, and beside them as many columns as there is room for."""
    meant = {row.name: None if row.images else row.published for row in table.rows}  # None: all

    def shorts(column):
        for name, row in rows.items():
            asked = meant.get(name) is None or column.name in meant[name]
            yield short(column, row[column.name], footnotes, asked)

    cells = {column.name: list(shorts(column)) for column in columns}
    left = width - GAP - max(map(cell_len, rows), default=0)
    part, room = [], left
    for column in columns:
        needed = GAP + narrowest(column, cells)
        if part and needed > room:
            yield block(part, rows, cells, left)
            part, room = [], left
        part.append(column)
        room -= needed
    if part:
        yield block(part, rows, cells, left)


def narrowest(column, cells):
    """How wide a column must be so that no word of its title and no cell is cut."""
    return max([len(word) for word in column.title.split()] + [cell.cell_len for cell in cells[column.name]])


def block(columns, rows, cells, room):
    """The grid of some columns: one line for a row. Titles take several lines where `room` is too small for one."""
    grid = Grid(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold")
    grid.add_column("", no_wrap=True)
    least = {column.name: narrowest(column, cells) for column in columns}
    whole = {column.name: max(least[column.name], cell_len(column.title)) for column in columns}
    widths = whole if sum(whole.values()) + GAP * len(columns) <= room else least
    for column in columns:
        grid.add_column(column.title, justify="right", vertical="bottom", width=widths[column.name])
    for index, name in enumerate(rows):
        grid.add_row(Text(name), *(cells[column.name][index] for column in columns))
    grid.add_row()
    return grid


def as_csv(columns, rows):
    """A line for every cell: row, column, published, ours, kind of number, difference, verdict, reason."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["row", "column", "published", "ours", "label", "difference", "verdict", "recorded", "reason"])
    keys = ("published", "value", "label", "difference", "verdict", "recorded", "reason")
    writer.writerows(
        [name, column.name, *(cells[column.name][key] for key in keys)]
        for name, cells in rows.items()
        for column in columns
    )
    return file.getvalue()


def as_latex(table, columns, rows):
    """A tabular: two lines for a row, published and ours."""
    lines = [f"% {table.title}. {table.source}", rf"\begin{{tabular}}{{ll{'r' * len(columns)}}}", r"\hline"]
    lines += [" & ".join(["", "", *(_escaped(column.title) for column in columns)]) + r" \\", r"\hline"]
    for name, cells in rows.items():
        theirs = [(column, cells[column.name]["published"]) for column in columns]
        printed = ["--" if value is None else column.format.format(value) for column, value in theirs]
        own = [(column, cells[column.name]) for column in columns]
        ours = ["--" if cell["value"] is None else labelled(column, cell) for column, cell in own]
        for head, values in (([name, "published"], printed), (["", "ours"], ours)):
            lines.append(" & ".join(map(_escaped, [*head, *values])) + r" \\")
    return "\n".join([*lines, r"\hline", r"\end{tabular}"])


def _escaped(text):
    """Text for LaTeX."""
    for sign, said in (("\\", r"\textbackslash "), ("~", r"\textasciitilde "), ("^", r"\textasciicircum ")):
        text = text.replace(sign, said)
    return "".join(f"\\{sign}" if sign in "&%$#_{}" else sign for sign in text)
