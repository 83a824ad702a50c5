"""How a number or a picture came about. Each tells it for itself, since a report keeps what earlier runs have made."""

import datetime
import functools
import shlex

from green_vae.cost import device_name
from green_vae.utils import ledger

BEFORE = "recorded before provenance was kept"


@functools.cache
def _code():
    """What computes: the same for all that one process makes."""
    return {"commit": ledger.commit(), "versions": ledger.versions()}


def _today():
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def machine():
    """On what, when and by which code a benchmark is run now, as a dict for JSON; the date is of UTC."""
    return {"device": device_name(), "date": _today(), **_code()}


def machine_line(told, load=""):
    """What `machine` has told, in one line; `load` stands before the commit."""
    versions = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    parts = [told["device"], told["date"], *filter(None, [load]), f"commit {told['commit'][:10]}"]
    return f"{', '.join(parts)}; {versions}."


def circumstances(subject, settings):
    """When, by which command and by which code something is made now, as a dict for JSON; the date is of UTC.

    Args:
        subject: a `Table` or a `Gallery`. settings: a `Settings`.
    """
    return {
        "command": shlex.join([*subject.command.split(), *settings.arguments]),
        "date": _today(),
        **_code(),
        "seed": settings.seed,
    }


def of_cell(run, column, measurement, seconds):
    """The `details` of a cell that has just been measured.

    Args:
        run: a `Run`. column: a `Column`. measurement: its `Measurement`.
        seconds: that it took, with what was first made for it: codes, samplers, features; not the training.
    """
    told = {how: getattr(measurement, how) for how in ("protocol", "made", "values", "spread")}
    return {
        **(run.details() if column.trained else {}),
        "images": measurement.images,
        "reference_images": measurement.reference_images,
        **{how: said for how, said in told.items() if said not in ("", {}, None)},
        "seconds": round(seconds, 3),
        **circumstances(run.table, run.settings),
    }


def measured_cells(report, columns):
    """Yield (row, column's title, details) of every measured cell of a table's report, column by column."""
    for column in columns:
        for row, cells in report["rows"].items():
            cell = cells[column.name]
            if cell["value"] is not None and cell["identity"]:
                yield row, column.title, cell["details"]


def section(title, lines):
    """A section of Markdown, as lines: a heading, and a bullet for each of `lines`; [] for none."""
    bullets = [f"* {line}" for line in lines]
    return [f"## {title}", "", *bullets, ""] if bullets else []


def told(made):
    """Lines that say how things were made, one for all that share it.

    Args:
        made: iterable of (row or figure, column or "", details).
    """
    groups, packages = {}, {}
    for row, column, details in made:
        groups.setdefault(_told(details, packages), {}).setdefault(row, []).append(column)
    lines = [f"{_names(rows)}: {how}." for how, rows in groups.items()]
    return lines + [f"Versions {number}: {named}." for named, number in packages.items()]


def _told(details, packages):
    """One provenance in words; `packages`, a dict versions -> number, takes its versions."""
    if "command" not in details:
        return BEFORE
    named = ", ".join(f"{name} {version}" for name, version in details["versions"].items())
    number = packages.setdefault(named, len(packages) + 1)
    commit = details["commit"] or "unknown"
    parts = [details["date"], f"`{details['command']}`", f"commit {commit[:10]}{commit[40:]}"]
    seeds = details.get("seeds", [details["seed"]])
    parts.append(f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}")
    parts += filter(None, [details.get("length")])
    if details.get("images"):
        against = details.get("reference_images")
        parts.append(f"{details['images']:,} images" + (f" against {against:,}" if against else ""))
    return ", ".join([*parts, f"versions {number}"])


def _names(rows):
    """Row -> columns in words; rows that have the same columns together."""
    together = {}
    for row, columns in rows.items():
        together.setdefault(", ".join(filter(None, columns)), []).append(row)
    named = ((f"{columns} of " if columns else "") + ", ".join(names) for columns, names in together.items())
    return "; ".join(named)
