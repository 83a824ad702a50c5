"""RESULTS.md: every table and every figure on one page, from the reports that the scripts left in results/.

    python -m green_vae.experiments.overview               # writes RESULTS.md
    python -m green_vae.experiments.overview --html DIR    # pages of HTML with the provenance of every cell

Nothing is measured here. What was learnt stands in results/learnt.md, in words, and comes first.
"""

import argparse
import importlib.util
import sys
from collections import Counter
from pathlib import Path

from green_vae.experiments import spec
from green_vae.experiments.gallery import Gallery
from green_vae.experiments.report import labelled, table_line
from green_vae.experiments.runner import read_report
from green_vae.presets.pretrained import CHECKOUT
from green_vae.utils.files import write_text

ROOT = CHECKOUT.parent
PAPERS = {
    "survey": "A Survey on Variational Autoencoders from a Green AI Perspective (2021)",
    "svae": "Split-VAE (2022)",
    "boon": "ResLag-VAE: Simple Training Objective (2023)",
    "review": "Variational Auto-Encoders: A Review (2022)",
    "slides": "The slides: Variational Autoencoders (2023)",
    "green": "Cost beside quality",
}
VERDICTS = (spec.EXACT, spec.REPRODUCED, spec.DIFFERS, spec.INCOMPARABLE, spec.MEASURED, spec.NOT_RUN)
CLAIMS = "[Claims and errata](results/claims.md) lists what the papers claim, whether it holds, and their slips."
LEGEND = """How to read a cell: `= 5` means that the published number and ours are equal to the digit. `5.0 / 5.1` is
the published number and ours. `5.0 / -` is a published number that we have not measured. `5.1` is ours, where nothing
is published. `FID~` and `FID@1280` are not on the scale of the published FID. The whole report behind every link says
how each number was made, what was shortened, and why a cell is empty.
"""


def scripts(folder):
    """Every `TABLE` and `GALLERY` of the scripts in a folder: papers as in `PAPERS`, then others; each by name."""
    modules = map(load_script, sorted(folder.glob("*.py"), key=_order))
    return [getattr(module, "TABLE", None) or module.GALLERY for module in modules]


def load_script(path):
    """The module of a script, imported from its path."""
    outline = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(outline)
    outline.loader.exec_module(module)
    return module


def _order(path):
    paper, known = _paper(path.stem), list(PAPERS)
    return known.index(paper) if paper in known else len(known), path.stem


def _paper(name):
    return name.split("_")[0]


def page(entries, results):
    """The page as Markdown.

    Args:
        entries: tables and galleries, in order.
        results: folder of their reports, as seen from the page also a relative path "results".

    Raises:
        ValueError: a report is damaged, or one of a smoke test.
    """
    reports = {
        entry.name: read_report(results / f"{entry.name}.json", False, "real results", dict) for entry in entries
    }
    lines = [
        "# Results",
        "",
        (results / "learnt.md").read_text(encoding="utf-8").strip(),
        "",
        CLAIMS,
        "",
        "## All of it",
        "",
    ]
    lines += [LEGEND, f"| table | {' | '.join(VERDICTS)} |", f"| --- |{' ---: |' * len(VERDICTS)}"]
    for entry in entries:
        if not isinstance(entry, Gallery) and (report := reports[entry.name]):
            counts = Counter(cell["verdict"] for cells in report["rows"].values() for cell in cells.values())
            numbers = (str(counts[verdict] or "") for verdict in VERDICTS)
            lines.append(f"| [{entry.title}](results/{entry.name}.md) | {' | '.join(numbers)} |")
    paper = ""
    for entry in entries:
        if _paper(entry.name) != paper:
            paper = _paper(entry.name)
            lines += ["", f"## {PAPERS.get(paper, paper)}"]
        lines += ["", f"### {entry.title}", ""]
        report, command = reports[entry.name], f"`python reproduce/{entry.name}.py`"
        if not report:
            lines.append(f"Not run yet: {command}.")
            continue
        lines += [f"{command}, [the whole report](results/{entry.name}.md).", ""]
        lines += figures(entry, report) if isinstance(entry, Gallery) else table(entry, report)
    return "\n".join([*lines, ""])


def table(entry, report):
    """Lines of the short form of a table: columns and rows in which something is printed or measured."""
    rows = {row.name: report["rows"].get(row.name, {}) for row in entry.rows}
    texts = {
        name: {column.name: short(column, cells[column.name]) for column in entry.columns if column.name in cells}
        for name, cells in rows.items()
    }
    columns = [column for column in entry.columns if any(text.get(column.name) for text in texts.values())]
    head = [entry.title.split(":")[0], *(column.title for column in columns)]
    body = [
        [name, *(text.get(column.name, "") for column in columns)] for name, text in texts.items() if any(text.values())
    ]
    return [table_line(head), table_line(["---", *["---:"] * len(columns)]), *map(table_line, body)]


def short(column, cell):
    """One cell in a few characters."""
    published = "" if cell["published"] is None else column.format.format(cell["published"])
    if cell["value"] is None:
        return f"{published} / -" if published else ""
    if cell["verdict"] == spec.EXACT:
        return f"= {published}"
    ours = labelled(column, cell)
    return f"{published} / {ours}" if published else ours


def figures(entry, report):
    """Lines of a gallery: the pictures that were drawn, and the names of the others."""
    lines, missing = [], []
    for figure in entry.figures:
        found = report["figures"].get(figure.name, {})
        if not found.get("picture"):
            missing.append(figure.label)
            continue
        source = found["details"].get("preset", "")
        lines += [f"{figure.label}: {figure.title}{f' ({source})' if source else ''}.", ""]
        lines += [f"![{figure.label}](results/{found['picture']})", ""]
    return [*lines, f"Not drawn: {', '.join(missing)}."] if missing else lines[:-1]


def write_page(options, make):
    """Write a page of the reports: `make(results)` -> its text; options of `page_parser`."""
    write_text(options.out, make(ROOT / "results"))
    print(f"written: {options.out}", file=sys.stderr)


def page_parser(module, description, default):
    """The command line of a module that writes a page of the reports; default: where to, from the root."""
    parser = argparse.ArgumentParser(prog=f"python -m green_vae.experiments.{module}", description=description)
    parser.add_argument("-o", "--out", default=str(ROOT / default), help="the page (default: %(default)s)")
    return parser


def main(arguments=None):
    description = "Write RESULTS.md, one page with every table and figure, from the reports in results/."
    parser = page_parser("overview", description, "RESULTS.md")
    parser.add_argument("--html", type=Path, metavar="DIR", help="instead: a page of HTML for each, and DIR/index.html")
    options, entries = parser.parse_args(arguments), scripts(ROOT / "reproduce")
    if options.html:
        from green_vae.experiments.html_index import write_pages

        index = write_pages(entries, ROOT / "results", options.html, VERDICTS)
        print(f"written: {index}, and a page for every report beside it", file=sys.stderr)
        return
    write_page(options, lambda results: page(entries, results))


if __name__ == "__main__":
    main()
