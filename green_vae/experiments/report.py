"""A finished report as Markdown: published, ours, difference, verdict; and what other forms share with it."""

from rich import box
from rich.table import Table as Grid

from green_vae.experiments import spec
from green_vae.experiments.provenance import measured_cells, section, told
from green_vae.plots import dots
from green_vae.utils import digests
from green_vae.utils.files import write_text

STYLES = {spec.EXACT: "green", spec.REPRODUCED: "green", spec.DIFFERS: "yellow", spec.INCOMPARABLE: "cyan"}
FEW = 3  # labels beside an axis
LINES = ("published", "ours", "difference", "verdict")


def lines_of(column, cell, footnotes):
    """The four lines of one cell; reasons go to `footnotes`, a dict reason -> number."""
    show = column.format.format
    value, published, difference = cell["value"], cell["published"], cell["difference"]
    ours = "-"
    if value is not None:
        ours = labelled(column, cell) + (" (recorded)" if cell["recorded"] else "")
    mark = f" [{footnotes.setdefault(cell['reason'], len(footnotes) + 1)}]" if cell["reason"] else ""
    signed = "-" if difference is None else ("+" if difference > 0 else "") + show(difference)
    return "-" if published is None else show(published), ours, signed, cell["verdict"] + mark


def labelled(column, cell):
    """A measured number, with its spread over seeds and the name of its scale where that is not the published one's."""
    label = "" if spec.comparable(cell["label"]) else f" {cell['label']}"
    spread = cell.get("details", {}).get("spread")
    own = "" if spread is None else f" ± {column.format.format(spread)}"
    return column.format.format(cell["value"]) + own + label


def shown_columns(table, names):
    return [column for column in table.columns if not names or column.name in names]


def long_form(table, columns, rows, footnotes):
    """A grid with four lines for a row: published, ours, difference, verdict."""
    grid = Grid(title=f"{table.title}\n[dim]{table.source}", box=box.SIMPLE_HEAD, show_lines=True, padding=0)
    grid.add_column("published", no_wrap=True)
    for column in columns:
        grid.add_column(column.title, justify="right", overflow="fold", no_wrap=column.tolerance is None)
    for name, cells in rows.items():
        styled = [_styled(lines_of(column, cells[column.name], footnotes), cells[column.name]) for column in columns]
        grid.add_row(f"[bold]{name}[/]\n  ours\n  difference\n  verdict", *styled)
    return grid


def remarks(report, columns, rows=()):
    """Details of single numbers, a line each: how images were made, what "±" means, protocols, what stands beside a
    number of a row, such as the KID beside every FID."""
    shown = {name: cells for name, cells in report["rows"].items() if not rows or name in rows}
    yield from _ways(shown, columns)
    alone = [
        (column, own)
        for cells in shown.values()
        for column in columns
        if column.spread
        and cells[column.name]["value"] is not None
        and "values" not in (own := cells[column.name]["details"])
    ]  # measured numbers of one training
    yield from dict.fromkeys(f"± {column.spread}" for column, own in alone if "spread" in own)
    yield from dict.fromkeys(column.no_spread for column, own in alone if column.no_spread and "spread" not in own)
    protocols = (cells[column.name]["details"].get("protocol") for cells in shown.values() for column in columns)
    yield from dict.fromkeys(filter(None, protocols))
    for name, cells in shown.items():
        found = [
            f"{column.title}: {cells[column.name]['remark']}" for column in columns if cells[column.name]["remark"]
        ]
        if found:
            yield f"{name}: {'; '.join(found)}"


def _ways(rows, columns):
    """How images were made: a line for each way, with the columns that it is of, and with rows where others differ."""
    ways = {}  # (way, its rows or ()) -> titles of columns
    for column in columns:
        made = {}
        for name, cells in rows.items():
            if how := cells[column.name]["details"].get("made"):
                made.setdefault(how, []).append(name)
        for how, names in made.items():
            ways.setdefault((how, tuple(names) if len(made) > 1 else ()), []).append(column.title)
    for (how, names), titles in ways.items():
        of = f" ({', '.join(names)})" if names else ""
        yield f"{'; '.join(titles)}{of}: {how}"


def _styled(lines, cell):
    *numbers, verdict = (line.replace("[", "\\[") for line in lines)
    return "\n".join([*numbers, f"[{STYLES.get(cell['verdict'], 'dim')}]{verdict}[/]"])


def markdown(table, report, rows=(), columns=()):
    """The report as one Markdown page; `rows` (names) and `columns` restrict it."""
    footnotes, columns = {}, columns or table.columns
    shown = {**report, "rows": {name: cells for name, cells in report["rows"].items() if not rows or name in rows}}
    head = ["", "", *(column.title for column in columns)]
    body = []
    for name, cells in shown["rows"].items():
        parts = [lines_of(column, cells[column.name], footnotes) for column in columns]
        for index, line in enumerate(LINES):
            body.append([f"**{name}**" if index == 0 else "", line, *(part[index] for part in parts)])
    reference = report["reference"]
    page = [
        f"# {table.title}",
        "",
        f"Source of the published numbers: {table.source}.",
        f"Reference images: the first {reference['n']:,} of {reference['dataset']}, {reference['split']} split.",
        *(
            ["", "**Smoke test: tiny networks on embedded digits; the numbers mean nothing.**"]
            if report["smoke"]
            else []
        ),
        "",
        *(table_line(line) for line in [head, ["---", "---", *["---:"] * len(columns)], *body]),
        "",
        *(f"[{number}] {reason.strip()}  " for reason, number in footnotes.items()),
        "",
        *section("What these numbers say", table.conclusions(report)),
        *section("Notes", table.notes),
        *section("Details of single numbers", remarks(shown, columns)),
        *section("How these numbers were measured", told(measured_cells(shown, columns))),
    ]
    return "\n".join(page)


def table_line(cells):
    """One line of a Markdown table."""
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def chart(table, report, column):
    """Arguments of `plots.dots` for a column: its rows, published and ours; None if fewer than two rows are measured.

    A published number stands beside ours only where both are on one scale; rows with neither are left out. The source
    is a digest of all that is drawn, by which a test finds a picture that is older than its report.
    """
    cells = {row: cells[column.name] for row, cells in report["rows"].items()}
    cells = {row: cell for row, cell in cells.items() if cell["value"] is not None or cell["published"] is not None}
    if not column.identity or sum(cell["value"] is not None for cell in cells.values()) < 2:
        return None
    labels = sorted({cell["label"] for cell in cells.values() if cell["label"]})
    comparable = all(map(spec.comparable, labels))
    if not comparable:
        cells = {row: cell for row, cell in cells.items() if cell["value"] is not None}
    shown = {
        "labels": list(cells),
        "published": [cell["published"] if comparable else None for cell in cells.values()],
        "ours": [cell["value"] for cell in cells.values()],
        "spread": [cell.get("details", {}).get("spread") for cell in cells.values()],
        "title": f"{table.title}: {column.title}",
        "x_label": " / ".join(labels) if len(labels) <= FEW else "",  # the names of the rows say it, too
    }
    return shown | {"source": digests.of_json(shown)}


def draw(table, report, out):
    """`<out>/<table>/<column>.png` (and `.svg`) for every column that has a `chart`."""
    for column in table.columns:
        if shown := chart(table, report, column):
            dots(out / table.name / f"{column.name}.png", **shown)


def write_markdown(table, report, out):
    """`<out>/<table>.md`; returns its path."""
    path = out / f"{table.name}.md"
    write_text(path, markdown(table, report))
    return path
