"""One cell of a table on an HTML page: ours, published, difference, verdict, and a note with all that is known."""

import html

from green_vae.experiments import spec
from green_vae.experiments.provenance import BEFORE
from green_vae.experiments.terminal import MARKS
from green_vae.plots import page

DRAWN = "drawn"  # of a figure
SIGNS = MARKS | {spec.MEASURED: "•", DRAWN: "•", spec.NOT_RUN: "–", spec.SMOKE: "~"}
LIVE = "counted from the network whenever the script runs"
NAMES = {  # of what `provenance.of_cell` and `FigureRun.details` tell, in this order
    "made": "how",
    "images": "images",
    "reference_images": "compared with",
    "n": "images",
    "reference_n": "compared with",
    "protocol": "protocol",
    "date": "date",
    "command": "command",
    "commit": "commit",
    "seconds": "seconds",
    "preset": "preset",
    "length": "training",
    "epochs": "epochs",
    "recipe_epochs": "epochs of the recipe",
    "dataset": "data set",
    "data": "trained on",
    "train_images": "training images",
    "limit_train": "training images at most",
    "components": "components",
    "learning_rate": "learning rate",
    "batch_size": "batch size",
    "weights": "hash of the weights",
    "shipped": "weights ship",
    "reference": "hash of the reference",
    "seed": "seed",
    "versions": "versions",
}


def mark(verdict):
    """The sign of a verdict, which screen readers leave out: the word stands beside it."""
    return f'<span class="mark {html.escape(slug(verdict))}" aria-hidden="true">{SIGNS.get(verdict, "")}</span>'


def slug(verdict):
    """The class that the style has for a verdict."""
    return verdict.replace(" ", "-")


def cell(column, cell, key, row, footnotes, meant=True):
    """A `<td>`.

    Args:
        column: a `Column`. cell: of the report. key: id of its note. row: its name.
        footnotes: dict reason -> number, which takes the reason.
        meant: whether the row is to have a number in this column; if not, there is no reason to give.
    """
    show, value, published, verdict = column.format.format, cell["value"], cell["published"], cell["verdict"]
    asked = value is not None or published is not None or meant
    number = footnotes.setdefault(cell["reason"], len(footnotes) + 1) if cell["reason"] and asked else 0
    kind = "" if spec.comparable(cell["label"]) else f" {html.escape(cell['label'])}"
    reference = f" [{number}]" if number else ""
    ours = "–" if value is None else show(value)
    theirs = "" if published is None else f"published {show(published)}"
    if cell["difference"]:
        theirs += f", {'+' if cell['difference'] > 0 else ''}{show(cell['difference'])}"
    sides = {"ours": value, "published": published, "difference": _relative(cell)}
    keys = "".join(f' data-{name}="{side!r}"' for name, side in sides.items() if side is not None)
    known = [
        ("verdict", _judged(column, cell)),
        ("ours", "" if value is None else f"{value!r} {cell['label']}".strip()),
        ("published", "" if published is None else repr(published)),
        ("difference", "" if cell["difference"] is None else _difference(cell)),
        ("note", cell["reason"].strip()),
        ("also", cell["remark"]),
        ("taken over", "from an earlier run" if cell["recorded"] else ""),
        *(pairs_of(cell["details"]) or [("how", _untold(cell))]),
    ]
    return (
        f'<td class="cell" data-verdict="{html.escape(verdict)}"{keys}><button type="button" popovertarget="{key}" '
        f'data-note="{key}" aria-describedby="{key}"><span class="kind">{mark(verdict)}{kind}{reference}</span> '
        f'<span class="ours">{ours}</span> <span class="said">{html.escape(verdict)}</span> '
        f'<span class="theirs">{theirs}</span></button>'
        f"{page.note(key, f'{row}, {column.title}', [pair for pair in known if pair[1]])}</td>"
    )


def _untold(cell):
    """How a cell without provenance came about; "" for one that has not."""
    if cell["value"] is None:
        return ""
    return BEFORE if cell["identity"] else LIVE


def _relative(cell):
    """How far ours is from the published number, as a share of it; None where there is no difference."""
    if cell["difference"] is None or not cell["published"]:
        return None
    return abs(cell["difference"] / cell["published"])


def _difference(cell):
    share = _relative(cell)
    return f"{cell['difference']!r}" + ("" if share is None else f" ({100 * share:.3g} %)")


def _judged(column, cell):
    """The verdict, and what it follows from where there is a comparison."""
    if cell["verdict"] not in (spec.EXACT, spec.REPRODUCED, spec.DIFFERS):
        return cell["verdict"]
    rule = "must be equal" if column.tolerance is None else f"tolerance {100 * column.tolerance:g} %"
    return f"{cell['verdict']} ({rule})"


def pairs_of(details):
    """(name, text) of all that `details` tell, what is known by name first."""
    order = [name for name in NAMES if name in details] + [name for name in details if name not in NAMES]
    return [(NAMES.get(name, name), _text(details[name])) for name in order if details[name] is not None]


def _text(value):
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    if isinstance(value, list):  # of several seeds
        return ", ".join(map(_text, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
