"""The report of a gallery: JSON, a Markdown page, lines for the terminal; each figure, and what it was drawn from."""

import dataclasses
import os
from dataclasses import dataclass, field

from green_vae.experiments.provenance import section, told
from green_vae.experiments.runner import read_report

NOT_ASKED = "not asked for in this run"


@dataclass
class Entry:
    """What a report knows of one figure.

    Attributes:
        picture: path of the PNG, from the page; "" if not drawn.
        sentence: what was measured on it.
        reason: why it was not drawn, or not drawn anew.
        details: what it was drawn from: preset, epochs, weights ..., and `provenance.circumstances`.
        recorded: whether it was taken over from an earlier run.
    """

    picture: str = ""
    sentence: str = ""
    reason: str = ""
    details: dict = field(default_factory=dict)
    recorded: bool = False


def read_entries(path, smoke=False):
    """Name -> `Entry` of an earlier report, {} if there is none; what has lost its PNG is left out.

    Raises:
        ValueError: the file is damaged, or one of a smoke test and of real figures would be mixed with the other.
    """
    names = [part.name for part in dataclasses.fields(Entry)]

    def entries(report):
        found = {figure: Entry(**{name: entry[name] for name in names}) for figure, entry in report["figures"].items()}
        for entry in found.values():
            texts = (entry.picture, entry.sentence, entry.reason)
            if not all(isinstance(text, str) for text in texts) or not isinstance(entry.details, dict):
                raise ValueError(f"texts of a figure are strings, and its details a dict. Received: {entry}")
        return found

    found = read_report(path, smoke, "real figures", entries)
    for entry in found.values():
        entry.recorded = True
        entry.reason = "" if entry.picture else entry.reason  # why it was not drawn anew then is no matter now
    return {name: entry for name, entry in found.items() if os.path.exists(path.parent / entry.picture)}


def to_json(gallery, settings, entries):
    """The report: what is true of all figures, and each with its own provenance, in the published order."""
    return {
        "gallery": gallery.name,
        "title": gallery.title,
        "source": gallery.source,
        "smoke": settings.smoke,
        "figures": {
            figure.name: {
                "title": figure.title,
                **dataclasses.asdict(entries.get(figure.name, Entry(reason=NOT_ASKED))),
            }
            for figure in gallery.figures
        },
    }


def markdown(gallery, report):
    """The report as one Markdown page: every figure, and below it what it was drawn from."""
    page = [
        f"# {gallery.title}",
        "",
        f"Source: {gallery.source}.",
    ]
    if report["smoke"]:
        page += ["", "**Smoke test: tiny networks on embedded digits; the pictures mean nothing.**"]
    for figure in gallery.figures:
        entry = report["figures"][figure.name]
        page += ["", f"## {figure.label}: {figure.title}"]
        if entry["picture"]:
            kept = " Kept from an earlier run." if entry["recorded"] else ""
            page += ["", f"![{figure.label}]({entry['picture']})", "", f"{drawn_from(entry['details'])}{kept}"]
        if entry["sentence"]:
            page += ["", entry["sentence"]]
        if figure.note:
            page += ["", figure.note]
        if entry["reason"]:
            page += ["", entry["reason"] if entry["picture"] else f"Not run: {entry['reason']}"]
    if gallery.notes:
        page += ["", *(f"* {note}" for note in gallery.notes)]
    entries = [(figure.label, report["figures"][figure.name]) for figure in gallery.figures]
    drawn = [(label, "", entry["details"]) for label, entry in entries if entry["picture"]]
    return "\n".join([*page, "", *section("How these figures were drawn", told(drawn))])


def drawn_from(details):
    """`FigureRun.details` in words."""
    if "preset" not in details:
        return "Drawn without trained weights."
    parts = [details["preset"]]
    if details.get("shipped"):
        parts.append("shipped weights")
    if details["epochs"]:
        parts.append(details.get("length") or f"{details['epochs']} of {details['recipe_epochs']} epochs")
    if details.get("data"):
        parts.append(f"trained on {details['data']}")
    if details.get("limit_train"):
        parts.append(f"on the first {details['limit_train']:,} training images")
    return f"Drawn from {', '.join(parts)}; weights {details['weights']}, seed {details['seed']}."


def terminal_line(figure, entry, out):
    """One line: where the picture is, from what, or why not."""
    reason = " ".join(entry.reason.split())
    if not entry.picture:
        return f"{figure.name}: not run: {reason}"
    preset = entry.details.get("preset", "no trained weights")
    line = f"{figure.name}: {out / entry.picture} ({preset})"
    return f"{line}, kept from an earlier run; {reason}" if reason else line
