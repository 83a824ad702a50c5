"""The HTML pages of all recorded reports, and an index that tells what is reproduced at a glance."""

import html
from collections import Counter

from green_vae.experiments import html_report, spec
from green_vae.experiments.gallery import Gallery
from green_vae.experiments.html_cells import mark, slug
from green_vae.experiments.runner import read_report
from green_vae.plots import page, svg
from green_vae.utils.files import write_text

TITLE = "green_vae: what is reproduced"
HELP = "How many numbers of each table have which verdict. A name leads to the page of the table."
COUNTS = 'class="counts sortable"'
PAPER = html_report.head("paper", number=False)


def write_pages(entries, results, out, verdicts):
    """Write `<name>.html` of every report, and `index.html`.

    Args:
        entries: tables and galleries, in order. results: folder of their reports. out: folder of the pages.
        verdicts: those that have a column, in order.

    Returns:
        path of the index.

    Raises:
        ValueError: a report is damaged, or one of a smoke test.
    """
    reports = {e.name: read_report(results / f"{e.name}.json", False, "real results", dict) for e in entries}
    for entry in entries:
        if report := reports[entry.name]:
            written = html_report.document(entry, report, [results], back=html_report.BACK)
            write_text(out / f"{entry.name}.html", written)
    tables = [entry for entry in entries if not isinstance(entry, Gallery)]
    galleries = [entry for entry in entries if isinstance(entry, Gallery)]
    parts = [
        *_at_a_glance(tables, reports, verdicts),
        _counts(tables, reports, verdicts),
        page.heading("Galleries"),
        _drawn(galleries, reports),
    ]
    page.write_page(out / "index.html", TITLE, parts)
    return out / "index.html"


def _verdicts_of(report):
    return Counter(cell["verdict"] for cells in report.get("rows", {}).values() for cell in cells.values())


def _at_a_glance(tables, reports, verdicts):
    total = sum((_verdicts_of(reports[entry.name]) for entry in tables), Counter())
    compared = {verdict: total[verdict] for verdict in (spec.EXACT, spec.REPRODUCED, spec.DIFFERS)}
    words = ", ".join(f"{total[verdict]:,} {verdict}" for verdict in verdicts if total[verdict])
    return [
        page.text(f"{sum(total.values()):,} cells in {len(tables)} tables: {words}."),
        page.text(
            f"Of {sum(compared.values()):,} numbers that are compared with a published one, "
            f"{compared[spec.EXACT]:,} are equal to the digit and {compared[spec.REPRODUCED]:,} within the tolerance."
        ),
        page.heading("Tables"),
    ]


def _counts(tables, reports, verdicts):
    heads = "".join(_marked_head(verdict) for verdict in verdicts)
    lines = []
    for entry in tables:
        counts = _verdicts_of(reports[entry.name])
        numbers = "".join(
            f'<td class="number" data-ours="{counts[verdict]}">{counts[verdict] or ""}</td>' for verdict in verdicts
        )
        bar = svg.shares({slug(verdict): counts[verdict] for verdict in verdicts})
        lines.append(f"{_named(entry, reports)}{numbers}<td>{bar}</td></tr>")
    first = html_report.head("table", number=False) + PAPER
    return html_report.scrolled("tables", HELP, f"{first}{heads}<td></td>", lines, COUNTS)


def _marked_head(verdict):
    button = f'<button type="button" class="sort">{mark(verdict)} {html.escape(verdict)}</button>'
    return f'<th scope="col" aria-sort="none" class="number">{button}</th>'


def _drawn(galleries, reports):
    lines = []
    for entry in galleries:
        figures = reports[entry.name].get("figures", {}).values()
        numbers = (sum(bool(figure["picture"]) for figure in figures), len(figures))
        cells = "".join(f'<td class="number" data-ours="{number}">{number}</td>' for number in numbers)
        lines.append(f"{_named(entry, reports)}{cells}</tr>")
    heads = html_report.head("gallery", number=False) + PAPER + html_report.head("drawn") + html_report.head("figures")
    return html_report.scrolled("galleries", "How many figures of each gallery are drawn.", heads, lines, COUNTS)


def _named(entry, reports):
    """The beginning of a row: the name, which leads to the page, and the paper."""
    name, paper = html.escape(entry.title), html.escape(entry.name.split("_")[0])
    link = f'<a href="{html.escape(entry.name)}.html">{name}</a>' if reports[entry.name] else f"{name} (not run yet)"
    return f'<tr><th scope="row">{link}</th><td>{paper}</td>'
