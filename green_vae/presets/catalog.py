"""All presets by name."""

import dataclasses

from green_vae.cards import unknown
from green_vae.presets import baselines, boon, review, slides, survey, svae

PRESETS = {
    name: chosen for paper in (survey, svae, review, slides, boon, baselines) for name, chosen in paper.PRESETS.items()
}


def preset(name):
    """The `Preset` of that name.

    Raises:
        ValueError: no such name; the message suggests the nearest.
    """
    if name not in PRESETS:
        raise ValueError(f"unknown preset; {unknown(name, PRESETS)} Received: {name!r}")
    return dataclasses.replace(PRESETS[name], name=name)
