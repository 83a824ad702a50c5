"""Ratios, the table and what limits a ratio, of what `benchmarks/peers.py` has measured."""

import collections
import statistics

OURS = "green_vae"
LEAST = 0.02  # of the time: what is less is not told


def quartiles(values):
    """(lower quartile, median, upper quartile) of some numbers; of one number, itself."""
    if len(values) == 1:
        return (values[0],) * 3
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))


def ratios(row, peer, quantity="wall_s"):
    """How many times as long the peer takes, turn by turn: each beside the turn of ours in the same round."""
    ours, theirs = (row["runs"][name] for name in (OURS, peer))
    return [b[quantity] / a[quantity] for a, b in zip(ours, theirs, strict=True)]


def spread(values, form):
    """The median with the quartiles in parentheses, as text; the number alone if there is one."""
    low, middle, high = (f"{value:{form}}" for value in quartiles(values))
    return middle if len(values) == 1 else f"{middle} ({low} to {high})"


def amounts(row, side):
    """Of all turns of a side, in the unit of the row: images/s, or seconds."""
    seconds = [run["wall_s"] for run in row["runs"][side]]
    return [row["images"] / value for value in seconds] if row["images"] else seconds


def verdict(values, mark):
    """Whether the median of the ratios reaches the mark, as text."""
    if mark is None:
        return "-"
    return "yes" if statistics.median(values) >= mark else "no"


def lines(rows):
    """The Markdown table of a dict name -> row."""
    head = ("work", "peer", "green_vae", "the peer's", "unit", "ratio", "of processor seconds")
    head += ("mark", "reached", "rounds")
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for name, row in rows.items():
        for peer, mark in row["marks"].items():
            found, unit = ratios(row, peer), "images/s" if row["images"] else "s"
            shown = [spread(amounts(row, side), ".3g") for side in (OURS, peer)]
            both = [spread(values, ".2f") for values in (found, ratios(row, peer, "cpu_s"))]
            wanted = "-" if mark is None else f"{mark:g}"
            cells = (name + " (quick)" * row["quick"], peer, *shown, unit, *both, wanted, verdict(found, mark))
            yield f"| {' | '.join(cells)} | {len(found)} |"


def page(rows):
    """The lines of a Markdown page: the table, what limits it, and what it was measured on."""
    yield from ("# Speed beside peers", "", "Written by `python benchmarks/peers.py`. A ratio is the time of the peer")
    yield from ("divided by ours, turn by turn: above 1, green_vae is faster. Medians, quartiles in parentheses.", "")
    yield from (*lines(rows), "", "## What limits it", "", "Shares of the wall time by kind of oneDNN's operations;")
    yield from ("TensorFlow runs several at a time, so they may sum to more than 100 %.", "", *limits(rows), "")
    yield from ("## Measured on", "")
    machines = collections.defaultdict(list)
    for name, row in rows.items():
        machines[_circumstances(row["told"])].append(name)
    yield from (f"* {'; '.join(names)}: {said}" for said, names in machines.items())


def _circumstances(told):
    """Machine, date and versions of a row in words."""
    ours, theirs = (", ".join(map(" ".join, told[key].items())) for key in ("versions", "peers"))
    machine = f"{told['device']}, {told['threads']} threads, {told['date']}, commit {told['commit']}"
    return f"{machine}, load average {told['load']:.1f} at the start. Ours: {ours}. The peers': {theirs}."


def limits(rows):
    """Where the time goes and what rate is reached, a line for every side that tells; and the ratio that
    convolutions alone would allow, for every peer of a work that has some."""
    for name, row in rows.items():
        for side, runs in row["runs"].items():
            parts = (_rate(row, side), _shares(runs), _facts(row, side))
            if told := "; ".join(filter(None, parts)):
                yield f"* {name}, {side}: {told}."
        convolving = [_convolving(run) for run in row["runs"][OURS]]
        for peer in row["marks"] if all(convolving) else ():
            bound = statistics.median(run["wall_s"] for run in row["runs"][peer]) / statistics.median(convolving)
            yield f"* {name}: if ours took as long as its convolutions, the ratio to {peer} would be {bound:.2f}."


def _rate(row, side):
    """FLOP/s, as a share of the rate of products of square matrices in the same process."""
    if side not in row["matmul"]:
        return ""
    rate = row["flops"] / statistics.median(run["wall_s"] for run in row["runs"][side]) / 1e9
    most = row["matmul"][side]
    return f"{rate:,.0f} GFLOP/s, {rate / most:.0%} of its {most:,.0f} GFLOP/s in products of square matrices"


def _shares(runs):
    """Shares of the wall time by kind of oneDNN's operations; more than all of it where several run at a time."""
    wall, total = sum(run["wall_s"] for run in runs), collections.Counter()
    for run in runs:
        total.update(run.get("kinds", {}))
    return ", ".join(f"{kind} {value / wall:.0%}" for kind, value in total.most_common() if value > LEAST * wall)


def _facts(row, side):
    """What the numbers of a fit are, and of how many parameters a network is."""
    told = {"numbers are {}": row["runs"][side][-1].get("numbers"), "{:,} parameters": row["parameters"].get(side)}
    return ", ".join(said.format(value) for said, value in told.items() if value)


def _convolving(run):
    """Seconds of convolutions in a turn, all of it where several run at a time; 0 for none."""
    return min(run["wall_s"], sum(seconds for kind, seconds in run.get("kinds", {}).items() if "convolution" in kind))
