"""The words in which claims and errata of papers are written, and how the numbers of reports bear on them."""

from collections.abc import Callable
from dataclasses import dataclass

from green_vae.presets.pretrained import CHECKOUT
from green_vae.training.checkpoint import read_history
from green_vae.utils.reading import read_json

HOLDS, FAILS, OPEN = "holds", "does not hold", "open"
PUBLISHED, OURS = "published", "value"  # as a cell of a report has them
NARROW = "mini"  # in the names of rows that no paper has, of few channels
# a second reading of a published row, whose numbers would count twice
SECOND_READING = "(seed "


@dataclass(frozen=True)
class Side:
    """What the paper's own numbers, or ours, say of a claim.

    Attributes:
        text: in a few words, with the numbers.
        says: whether the claim is right; None if these numbers do not decide it.
    """

    text: str = "-"
    says: bool | None = None


@dataclass(frozen=True)
class Claim:
    """A sentence of a paper that can be true or false.

    Attributes:
        paper: a key of `overview.PAPERS`.
        where: section, table or figure.
        claim: in our words.
        sides: `sides(reports)` -> (`Side` of the paper's own numbers, `Side` of ours).
        command: that measures or proves our side.
        missing: what would decide an open claim.
    """

    paper: str
    where: str
    claim: str
    sides: Callable
    command: str
    missing: str = ""


@dataclass(frozen=True)
class Erratum:
    """A slip of a paper.

    Attributes:
        paper, where: see `Claim`.
        printed, right: what stands there and what should; a string, or `text(reports)` -> string.
        test: that shows it: file, two colons and the name of the function.
    """

    paper: str
    where: str
    printed: str | Callable
    right: str | Callable
    test: str


class Reports:
    """The reports of tables and galleries in a folder, as JSON, and histories of trained weights.

    One that is not there is empty.

    Args:
        folder: of the reports.
        trained: folder with one folder a preset, where its history lies.
    """

    def __init__(self, folder, trained=CHECKOUT):
        self.folder, self.trained, self._known = folder, trained, {}

    def history(self, preset):
        """What each epoch of a trained preset logged."""
        return read_history(self.trained / preset)

    def _report(self, name):
        if name not in self._known:
            path = self.folder / f"{name}.json"
            self._known[name] = read_json(path) if path.exists() else {}
        return self._known[name]

    def rows(self, table):
        """Row -> column -> cell, in the order of the report."""
        return self._report(table).get("rows", {})

    def number(self, table, row, column, side=OURS):
        """One number; None if there is none."""
        return self.rows(table).get(row, {}).get(column, {}).get(side)

    def sentence(self, gallery, figure):
        """What was measured on a figure, in words; "" if it was not drawn."""
        return self._report(gallery).get("figures", {}).get(figure, {}).get("sentence", "")


def verdict(published, ours):
    """One side that says no is enough; that a claim holds takes ours: a paper's numbers alone do not prove it."""
    if False in (published.says, ours.says):
        return FAILS
    return HOLDS if ours.says else OPEN


def fixed(published=None, ours=None):
    """`Claim.sides` of a claim that no number decides."""
    return lambda reports: (published or Side(), ours or Side())


def both(rows, one, other, side):
    """Row -> (number, number) of two columns, of the rows that have both; those of a second reading count once."""
    values = {name: tuple(cells.get(column, {}).get(side) for column in (one, other)) for name, cells in rows.items()}
    return {name: pair for name, pair in values.items() if None not in pair and SECOND_READING not in name}


def on_one_scale(rows, one, other, side):
    """As `both`, of the rows whose two numbers of ours have one label, such as FID~."""
    found = both(rows, one, other, side)
    if side == PUBLISHED:
        return found
    return {name: pair for name, pair in found.items() if rows[name][one]["label"] == rows[name][other]["label"]}


def lowest(table, column, family):
    """`Claim.sides` of "this family has the lowest number of a column", among rows of full width.

    A lower number denies it once all published rows of the family are measured; that it holds takes a number of every
    published row. All are on one scale.
    """

    def side_of(reports, side):
        cells = {name: row[column] for name, row in reports.rows(table).items() if column in row}
        printed = {name: cell for name, cell in cells.items() if cell[PUBLISHED] is not None}
        found = {name: cell for name, cell in printed.items() if cell[side] is not None}
        members = [cell for name, cell in found.items() if family in name]
        if not members or len(found) < 2:
            return Side("full width: not measured")
        if side == OURS:
            found = {name: cell for name, cell in found.items() if cell["label"] == members[0]["label"]}
        best = min(found, key=lambda name: found[name][side])
        text = f"lowest: {best} ({found[best][side]:,.4g}) of {len(found)} rows"
        if family not in best:
            whole = all(name in found for name in printed if family in name)
            return Side(text, False if whole else None)
        return Side(text, True if len(found) == len(printed) else None)

    return lambda reports: (side_of(reports, PUBLISHED), side_of(reports, OURS))


def denied_or_shown(says):
    """What a set of answers says together: one that denies is enough, and all must agree."""
    return False if False in says else True if says == {True} else None


def every(hits, rows):
    return hits == rows


def usually(hits, rows):
    """In at least two of three rows."""
    return 3 * hits >= 2 * rows


def lower(rule, *comparisons, narrow=True, without=None):
    """`Claim.sides` of "one number is lower than another one of its row".

    Args:
        rule: `every` or `usually`.
        comparisons: (report, a few words for it, column of the lower number, column of the other).
        narrow: whether rows of narrow networks may decide it, too.
        without: beginning of the names of rows that it is not about.
    """

    def sides(reports):
        return tuple(_counted(reports, comparisons, rule, side, narrow, without) for side in (PUBLISHED, OURS))

    return sides


def _counted(reports, comparisons, rule, side, narrow, without):
    found = {
        f"{name}, {words}": pair
        for table, words, low, high in comparisons
        for name, pair in on_one_scale(reports.rows(table), low, high, side).items()
        if not without or not name.startswith(without)
    }
    wide = {name: pair for name, pair in found.items() if NARROW not in name}
    groups = {"": wide} if side == PUBLISHED else {"full width: ": wide, "narrow: ": _without(found, wide)}
    texts = [f"{title}{_tally(group)}" for title, group in groups.items() if group]
    deciding = found if narrow else wide
    says = rule(_hits(deciding), len(deciding)) if deciding else None
    return Side("; ".join(texts) or "not measured", says)


def _without(found, left_out):
    return {name: pair for name, pair in found.items() if name not in left_out}


def _hits(group):
    return sum(low < high for low, high in group.values())


def _tally(group):
    """ "in 1 of 3 rows", and the rows where it fails if there are one or two."""
    failing = [f"{name} ({low:,.4g}, {high:,.4g})" for name, (low, high) in group.items() if low >= high]
    but = f", not in {' and '.join(failing)}" if 0 < len(failing) <= 2 else ""
    return f"in {_hits(group)} of {len(group)} row{'s' * (len(group) > 1)}{but}"
