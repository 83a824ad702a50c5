"""A finished report as one HTML page: every cell with its provenance, filters by verdict, pictures and curves."""

import dataclasses
import html
import itertools
from collections import Counter

from green_vae.experiments import html_pictures, spec
from green_vae.experiments.cli import RECORDED
from green_vae.experiments.figure_report import Entry, drawn_from
from green_vae.experiments.gallery import Gallery
from green_vae.experiments.html_cells import DRAWN, SIGNS, cell, mark, pairs_of
from green_vae.experiments.provenance import measured_cells, told
from green_vae.experiments.report import remarks
from green_vae.plots import page
from green_vae.utils.files import write_text

WORDS = {
    spec.EXACT: "equal to the published number, to the digit",
    spec.REPRODUCED: "within the tolerance",
    spec.DIFFERS: "outside of the tolerance",
    spec.INCOMPARABLE: "not on the scale of the published number",
    spec.MEASURED: "nothing is published",
    spec.NOT_RUN: "with its reason",
    spec.SMOKE: "a smoke test: the number means nothing",
}
SMOKE = '<p class="warning"><strong>Smoke test: tiny networks on embedded digits; the {} mean nothing.</strong></p>'
HELP = (
    "Each cell: the verdict's mark and our number, and below it the published number and the difference. "
    "Point at a cell, or move to it with the Tab and arrow keys, to see how it came about; Escape closes that."
)
ABSENT = "the report is older than this row, column or figure"
BACK = '<a href="index.html">All tables and galleries</a>'


def write(entry, report, settings):
    """Write `<out>/<name>.html`, but not in results/: what it holds is under version control there already.

    Returns:
        " and <path>", or "" where nothing was written.
    """
    if settings.out == RECORDED:
        return ""
    path = settings.out / f"{entry.name}.html"
    write_text(path, document(entry, report, folders(settings)))
    return f" and {path}"


def folders(settings):
    """Where the pictures of a run's report are, those of this run first."""
    return [folder for folder in (settings.out, settings.recorded) if folder]


def document(entry, report, folders, rows=(), columns=(), back=""):
    """The page of a table or a gallery.

    Args:
        entry: a `Table` or a `Gallery`. report: as `runner.to_json` or `figure_report.to_json` gives it.
        folders: where its pictures and histories of trainings are looked for, the first that has one.
        rows, columns: of a table: names and `Column`s of those to show; () for all.
        back: see `plots.page.document`.
    """
    if isinstance(entry, Gallery):
        return page.document(entry.title, _gallery(entry, report, folders), back)
    return page.document(entry.title, _table(entry, report, folders, rows, columns or entry.columns), back)


def _table(table, whole, folders, rows, columns):
    """The pieces of the page of a table."""
    report = {**whole, "rows": _chosen(table, whole["rows"], rows, columns)}
    reference, footnotes = report["reference"], {}
    counts = Counter(cells[column.name]["verdict"] for cells in report["rows"].values() for column in columns)
    grid = _grid(table, report, columns, footnotes)
    notes = {
        "What these numbers say": table.conclusions(whole),
        "Notes": table.notes,
        "Details of single numbers": remarks(report, columns),
    }
    made = told(measured_cells(report, columns))
    return [
        page.text(f"Source of the published numbers: {table.source}."),
        page.text(
            f"Reference images: the first {reference['n']:,} of {reference['dataset']}, {reference['split']} split. "
            f"Made by `{table.command}`."
        ),
        *([SMOKE.format("numbers")] if report["smoke"] else []),
        controls("table", "Rows with a verdict", counts, sort=True),
        grid,
        *([page.heading("Numbered notes"), page.bullets(footnotes, ordered=True)] if footnotes else []),
        *(piece for title, lines in notes.items() for piece in _bullets(title, list(lines))),
        *html_pictures.of_table(table, report, columns, folders),
        *html_pictures.trainings((row.preset for row in table.rows if row.name in report["rows"]), folders),
        *_made("How these numbers were measured", made),
    ]


def _bullets(title, lines):
    """The pieces of a section of bullets; [] for none."""
    return [page.heading(title), page.bullets(lines)] if lines else []


def _chosen(table, recorded, rows, columns):
    """The rows of that name, all for none, with their cells; what a report lacks, since it is older, is not run."""
    published = {row.name: row.published for row in table.rows}

    def absent(row, column):
        cell = spec.Cell(published=published.get(row, {}).get(column.name), reason=ABSENT)
        return {**dataclasses.asdict(cell), "difference": None}

    names = [name for name in {**published, **recorded} if not rows or name in rows]
    return {name: {c.name: recorded.get(name, {}).get(c.name) or absent(name, c) for c in columns} for name in names}


def _grid(table, report, columns, footnotes):
    """The table itself; `footnotes`, a dict reason -> number, takes the reasons."""
    heads = "".join(head(column.title) for column in columns)
    meant = {row.name: None if row.images else row.published for row in table.rows}  # None: all
    keys, body = (f"cell{number}" for number in itertools.count(1)), []
    for name, cells in report["rows"].items():
        asked = columns if meant.get(name) is None else [column for column in columns if column.name in meant[name]]
        line = (cell(c, cells[c.name], next(keys), name, footnotes, c in asked) for c in columns)
        body.append(f'<tr><th scope="row">{html.escape(name)}</th>{"".join(line)}</tr>')
    return scrolled("table", HELP, head("row", number=False) + heads, body, 'class="report sortable" data-by="by"')


def scrolled(key, caption, heads, lines, more):
    """A table whose head and names of rows stay while the rest scrolls; heads, lines: HTML; more: of its attributes."""
    body = "\n".join(lines)
    return (
        f'<div class="scroll"><table id="{key}" {more}><caption>{html.escape(caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>\n{body}\n</tbody></table></div>"
    )


def head(title, number=True):
    """The head of a column that can be sorted by."""
    kind = ' class="number"' if number else ""
    button = f'<button type="button" class="sort">{html.escape(title)}</button>'
    return f'<th scope="col" aria-sort="none"{kind}>{button}</th>'


def controls(target, legend, counts, sort=False):
    """Filters by verdict, one for each that occurs, and what to sort by; hidden where no script runs.

    Args:
        target: id of the table or gallery. legend: of the filters. counts: verdict -> number.
    """
    order = [verdict for verdict in SIGNS if counts[verdict]]
    boxes = "".join(
        f'<label title="{html.escape(WORDS.get(verdict, ""))}"><input type="checkbox" value="{html.escape(verdict)}">'
        f"{mark(verdict)}{html.escape(verdict)} {counts[verdict]:,}</label>"
        for verdict in [*order, *(verdict for verdict in counts if verdict not in SIGNS)]
    )
    sides = (("ours", "our numbers"), ("published", "published numbers"), ("difference", "relative differences"))
    options = "".join(f'<option value="{side}">{words}</option>' for side, words in sides)
    chosen = f'<div><label class="label" for="by">Sort by</label><select id="by">{options}</select></div>'
    return (
        f'<form class="controls" data-of="{target}" hidden><fieldset><legend>{html.escape(legend)}</legend>{boxes}'
        f'</fieldset>{chosen if sort else ""}<div role="status"></div></form>'
    )


def _made(title, lines):
    """The provenance once more as a list, for paper and where no script runs."""
    return [page.heading(title), page.folded("As a list", page.bullets(lines))] if lines else []


def _gallery(gallery, report, folders):
    """The pieces of the page of a gallery."""
    absent = dataclasses.asdict(Entry(reason=ABSENT))
    entries = [(figure, report["figures"].get(figure.name, absent)) for figure in gallery.figures]
    paths = {
        figure.name: html_pictures.found(entry["picture"], folders) for figure, entry in entries if entry["picture"]
    }
    kept = page.embedded(filter(None, paths.values()))
    counts = Counter(_state(entry) for _, entry in entries)
    cards = [_card(figure, entry, paths.get(figure.name), kept) for figure, entry in entries]
    made = told((figure.label, "", entry["details"]) for figure, entry in entries if entry["picture"])
    return [
        page.text(f"Source: {gallery.source}. Made by `{gallery.command}`."),
        *([SMOKE.format("pictures")] if report["smoke"] else []),
        controls("figures", "Figures", counts),
        f'<div id="figures" class="gallery">{"".join(cards)}</div>',
        *([page.heading("Remarks"), page.bullets(gallery.notes)] if gallery.notes else []),
        *html_pictures.trainings((entry["details"].get("preset") for _, entry in entries), folders),
        *_made("How these figures were drawn", made),
    ]


def _state(entry):
    return DRAWN if entry["picture"] else spec.NOT_RUN


def _card(figure, entry, path, kept):
    """A figure of a gallery: picture, what was measured on it, what it was drawn from; or why it was not drawn."""
    title, state, reason = f"{figure.label}: {figure.title}", _state(entry), entry["reason"]
    shown, button, lines = "", "", [entry["sentence"], figure.note, f"Not run: {reason}"]
    if entry["picture"]:
        shown, key = html_pictures.shown_or_told(path, kept, title), f"note-{html.escape(figure.name)}"
        note = page.note(key, title, pairs_of(entry["details"]))
        lines = [entry["sentence"], figure.note, reason, drawn_from(entry["details"])]
        button = (
            f'<button type="button" popovertarget="{key}" data-note="{key}" aria-describedby="{key}">How it was made'
            f'<span class="said">: {html.escape(title)}</span></button>{note}'
        )
    words = "".join(page.text(line) for line in lines if line)
    return (
        f'<figure data-verdict="{state}"{html_pictures.extent(path, kept)}>{shown}<figcaption>'
        f"<h3>{html.escape(title)}</h3>{words}{button}</figcaption></figure>"
    )
