"""What does quality cost? The survey's models by energy, training time, FLOPs, parameters and seconds.

    python reproduce/green_frontier.py                  # the published points, and ours from the results that are here
    python reproduce/green_frontier.py --figures celeba

The models are those of CIFAR-10 and CelebA. Our points come from what the tables' scripts left in results/ or under
--out. Quality and counts are from survey_table2.json and survey_table3.json, seconds from survey_table5.json, and
energy and time of training from ledger.jsonl. The survey publishes neither energy nor training time.

Expected: no model is best at everything. Of nine models on CIFAR-10 a few are on each frontier, which means that no
other model is both better and cheaper.
"""

import itertools
from functools import partial
from typing import NamedTuple

from green_vae.cost.energy import SOURCES
from green_vae.experiments import NotRun
from green_vae.experiments.gallery import Figure, Gallery, main
from green_vae.experiments.papers.survey import (
    COLUMNS,
    SOURCE,
    TABLE2,
    TABLE3,
    TABLE5,
    WORKSTATION,
    device_of,
    reported,
)
from green_vae.plots import OURS, PUBLISHED, Points, scatter
from green_vae.utils import ledger

TABLES = {"celeba": ("CelebA", "survey_table3", TABLE3), "cifar10": ("CIFAR-10", "survey_table2", TABLE2)}
QUALITIES = {column.name: column.title for column in COLUMNS if column.name not in ("params", "flops_m")}
COSTS = {
    "energy": "kWh of training",
    "flops": "MFLOPs of one image",
    "forward": "seconds for 10,000 images at batch 100",
    "parameters": "parameters",
    "training": "seconds of training",
}
COUNTS = {"flops": "flops_m", "parameters": "params"}
FORWARD = "bs100_s"


class Point(NamedTuple):
    """One model. Points of one `scale` may be compared in quality and in cost."""

    row: str
    cost: float
    quality: float
    scale: str


def frontier(points):
    """Those (cost, quality, ...) of which no other is better in one and as good in the other; less is better.

    Returns:
        list, the cheapest first.
    """

    def beats(one, other):
        return one.cost <= other.cost and one.quality <= other.quality and one[1:3] != other[1:3]

    best = [point for point in points if not any(beats(other, point) for other in points)]
    return sorted(best, key=lambda point: (point.cost, point.row))


def published(dataset, cost, quality):
    """The paper's `Point`s."""
    scale = QUALITIES[quality] + (f", {WORKSTATION}" if cost == "forward" else "")
    for row, numbers in TABLES[dataset][2].items():
        spent = TABLE5.get(row, {}).get(FORWARD) if cost == "forward" else numbers.get(COUNTS.get(cost))
        if spent is not None and quality in numbers:  # nothing is printed of test images
            yield Point(row, spent, numbers[quality], scale)


def ours(settings, dataset, cost, quality):
    """Our `Point`s: where quality and cost are both there."""
    ledgers = (ledger.read(place / "ledger.jsonl") for place in (settings.recorded, settings.out) if place)
    lines, times = list(itertools.chain(*ledgers)), reported(settings, "survey_table5")
    for row, cells in reported(settings, TABLES[dataset][1]).items():
        cell = cells[quality]
        if cell["value"] is None:
            continue
        spent, device = None, ""
        if cost in COUNTS:
            spent = cells[COUNTS[cost]]["value"]
        elif cost in ("energy", "training"):
            training = trained(lines, cell["details"])
            spent, device = training.get(cost), training.get("device")
            if cost == "energy" and training.get("source") == "estimated":
                device += ", estimated"
        elif row in times:
            spent, device = times[row][FORWARD]["value"], device_of(times[row][FORWARD])
        if spent is not None and spent > 0:  # an energy within the noise of its baseline has no logarithm
            title = QUALITIES[quality].replace("FID", cell["label"] or "FID")
            yield Point(row + short(cell), spent, cell["value"], title + (f", {device}" if device else ""))


def short(cell):
    """A remark behind the name of a row that was not trained as long as the paper's."""
    epochs, recipe = cell["details"].get("epochs"), cell["details"].get("recipe_epochs")
    return "" if epochs == recipe else f" ({epochs} of {recipe} epochs)"


def trained(lines, details):
    """What the newest training that a cell was measured after has cost, all its resumed parts together.

    Args:
        lines: of the ledger.
        details: of the cell: preset, data and number of epochs have to fit, and no later day than that of the cell.

    Returns:
        dict of "training" (seconds), "energy" (net kWh; None if any part is unknown), its "source" ("estimated" if any
        part is), and "device"; {} for none.
    """
    data = f"{details.get('dataset')}, {details.get('train_images', 0):,} images"
    day, parts, found = details.get("date", ""), [], {}
    for line in lines:
        if (line["kind"], line["preset"], line["data"]) != ("train", details.get("preset"), data):
            continue
        if line["time"][: len(day)] > day:  # trained again since: other weights
            continue
        epochs = line["quality"]["epochs"]
        if parts and epochs <= parts[-1]["quality"]["epochs"]:  # begun anew
            parts = []
        parts.append(line)
        if epochs == details.get("epochs"):
            kwh = [part["energy"]["kwh"] for part in parts]
            found = {
                "training": sum(part["seconds"] for part in parts),
                "energy": None if None in kwh else sum(kwh),
                "source": max((part["energy"]["source"] for part in parts), key=SOURCES.index),
                "device": " and ".join(sorted({part["device"] for part in parts})),
            }
    return found


def by_scale(points):
    """Scale -> its points."""
    found = {}
    for point in points:
        found.setdefault(point.scale, []).append(point)
    return found


def kind(points, whose, colour, marker, line=False):
    """`Points` of a plot; with the frontier as a line."""
    rows, costs, qualities, _ = zip(*points, strict=True)
    path = [(point.cost, point.quality) for point in frontier(points)]
    return Points(whose, costs, qualities, rows, colour, marker, tuple(zip(*path, strict=True)) if line else None, True)


def draw(context, dataset, cost):
    """A panel for every quality; another one where ours is on another scale."""
    panels, told, own = {}, [], []
    for quality in QUALITIES:
        for scale, points in by_scale(published(dataset, cost, quality)).items():
            panels.setdefault(scale, []).append(kind(points, "published", PUBLISHED, "o", line=True))
            told.append(f"{QUALITIES[quality]}: {', '.join(point.row for point in frontier(points))}")
        for scale, points in by_scale(made_up(context, dataset, cost, quality)).items():
            panels.setdefault(scale, []).append(kind(points, "ours", OURS, "^"))
            own.append(scale)
    if not panels:
        raise NotRun(f"the survey prints no such cost, and {missing(dataset, cost)}")
    scatter(context.path, panels, TABLES[dataset][0], COSTS[cost], log="x")
    of_paper = f"On the published frontier of {COSTS[cost]} and {'; '.join(told)}. " if told else ""
    return of_paper + (f"Ours are drawn for {'; '.join(own)}." if own else f"Ours: not run: {missing(dataset, cost)}.")


def made_up(context, dataset, cost, quality):
    """Our points; in a smoke test numbers out of thin air, so that there is something to draw."""
    if not context.settings.smoke:
        return list(ours(context.settings, dataset, cost, quality))
    rows = TABLES[dataset][2]
    return [Point(row, 1.0 + n, 1.0 + n % 4, QUALITIES[quality]) for n, row in enumerate(rows)]


def missing(dataset, cost):
    """What there is to do for points of ours."""
    table = TABLES[dataset][1]
    command = f"`python reproduce/{table}.py --train --rows {list(TABLES[dataset][2])[0]}` trains and measures a row"
    if cost == "forward":
        return f"{command}, `python reproduce/survey_table5.py` the seconds"
    if cost in COUNTS:
        return command
    return f"the ledger holds no such training of a row with measured quality; {command}"


FIGURES = tuple(
    Figure(
        f"{dataset}-{cost}",
        f"{TABLES[dataset][0]}: quality against {text}",
        partial(draw, dataset=dataset, cost=cost),
    )
    for dataset in TABLES
    for cost, text in COSTS.items()
    if (dataset, cost) != ("celeba", "forward")  # nobody's seconds
)
GALLERY = Gallery(
    name="green_frontier",
    title="Quality and its cost, for every row of the survey",
    source=f"{SOURCE}, Tables 2, 3 and 5",
    figures=FIGURES,
    notes=(
        "Less is better for every quality and every cost. A row is on the frontier if no other row is better in one "
        "of the two and at least as good in the other. The line of the frontier goes in steps.",
        "A Frechet distance on another feature layer (FID@1280), and seconds of another machine, have panels of their "
        "own, because they do not compare with the published ones.",
        "Energy is that of the device which the panel names, without what the idle device draws. If other processes "
        "used a GPU, it is the energy of all of them. The ledger names its source. Without a counter, it is "
        'codecarbon\'s estimate, in a panel of its own with the word "estimated".',
        "The two published counts of CNN-b128-l64 on CelebA belong to two different networks, see survey_table3.",
    ),
)

if __name__ == "__main__":
    main(GALLERY)
