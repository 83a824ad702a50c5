"""Small drawings within a page of HTML, as SVG, in the colours of the page: curves of a training, shares of a whole."""

import html
import math

WIDTH, HEIGHT, TOP, BOTTOM, SIDE = 240, 130, 16, 18, 6
STEPS = 200  # points of a curve at most: more are not seen


def curve(name, values, validation=()):
    """A figure of what one quantity was in every epoch of a training.

    Args:
        name: of the quantity.
        values, validation: numbers of the epochs, NaN where there is none; of training and, dashed, of validation.
    """
    sides = [("training", values), *([("validation", validation)] if any(map(math.isfinite, validation)) else [])]
    finite = [value for _, side in sides for value in side if math.isfinite(value)]
    low, high = min(finite), max(finite)
    lines = "".join(
        f'<polyline class="{kind}" points="{_points(side, len(values), low, high)}"/>' for kind, side in sides
    )
    said = "; ".join(f"{kind} {_in_words(side)}" for kind, side in sides)
    label, floor = html.escape(f"{name}: {said}"), HEIGHT - BOTTOM
    return (
        f'<figure><svg class="curve" role="img" viewBox="0 0 {WIDTH} {HEIGHT}" aria-label="{label}">'
        f'<path class="axis" d="M{SIDE} {TOP}H{WIDTH - SIDE}M{SIDE} {floor}H{WIDTH - SIDE}"/>{lines}'
        f'<text x="{SIDE}" y="{TOP - 4}">{high:.4g}</text><text x="{SIDE}" y="{HEIGHT - 5}">{low:.4g}</text>'
        f'<text x="{WIDTH - SIDE}" y="{HEIGHT - 5}" text-anchor="end">epoch {len(values)}</text></svg>'
        f"<figcaption>{html.escape(name)}</figcaption></figure>"
    )


def _points(values, count, low, high):
    """The points of a polyline; of many values one in several, and the last."""
    span, every = high - low or 1.0, max(1, count // STEPS)
    chosen = [index for index in range(len(values)) if index % every == 0 or index == len(values) - 1]
    room = WIDTH - 2 * SIDE
    places = (
        (SIDE + room * (index / (count - 1) if count > 1 else 0.5), (values[index] - low) / span)
        for index in chosen
        if math.isfinite(values[index])
    )
    return " ".join(f"{x:.1f},{HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM):.1f}" for x, y in places)


def _in_words(values):
    known = [value for value in values if math.isfinite(value)]
    return f"from {known[0]:.4g} to {known[-1]:.4g}, least {min(known):.4g}, greatest {max(known):.4g}"


def shares(counts):
    """A bar that is divided as numbers are: a dict class of the style -> number. It repeats what stands beside it."""
    total, at, parts = sum(counts.values()) or 1, 0.0, []
    for kind, count in counts.items():
        width = 200 * count / total
        parts.append(f'<rect class="{html.escape(kind)}" x="{at:.2f}" width="{width:.2f}" height="16"/>')
        at += width
    return (
        f'<svg class="share" aria-hidden="true" viewBox="0 0 200 16" preserveAspectRatio="none">{"".join(parts)}</svg>'
    )
