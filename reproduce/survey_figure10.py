"""Survey, Figure 10: FLOPs do not tell the seconds of a forward pass. And what energy does it take?

    python reproduce/survey_figure10.py      # the published points; ours too, once survey_table5.py has measured them
    python reproduce/survey_figure10.py --figures figure10-energy --fresh   # measures the energy: minutes of one core

Expected: the two hierarchical models take by far the longest, although one has the fewest FLOPs and the other a
middling number. The energy follows the seconds. Without a counter the energy is codecarbon's estimate
(`pip install 'green_vae[energy]'`), which multiplies processor time by a nominal power.
"""

import json

import keras
import numpy as np
from scipy.stats import spearmanr

from green_vae import presets
from green_vae.cost import EnergyMeter, device_name, flops, forward_energy, mflops
from green_vae.experiments import NotRun
from green_vae.experiments.gallery import Figure, Gallery, main
from green_vae.experiments.papers.survey import SOURCE, TABLE5, WORKSTATION, device_of, reported
from green_vae.experiments.timing import device_file
from green_vae.plots import OURS, PUBLISHED, Points, scatter
from green_vae.training.account import idle
from green_vae.utils.files import write_json

FLOPS, TIME = "flops_m", "bs1_s"
REPORT = "survey_table5"
IMAGES, TIMED = 10_000, 50  # that a figure is for; that go through the network in one pass


def published():
    """Row -> (MFLOPs, seconds) of the paper."""
    return {row: (numbers[FLOPS], numbers[TIME]) for row, numbers in TABLE5.items()}


def ours(settings):
    """Device -> row -> (MFLOPs, seconds) of the report of Table 5."""
    found = {}
    for row, cells in reported(settings, REPORT).items():
        if device := device_of(cells[TIME]):
            found.setdefault(device, {})[row] = cells[FLOPS]["value"], cells[TIME]["value"]
    return found


def correlation(pairs):
    """Spearman's rho of FLOPs and seconds, in words."""
    if len({flops for flops, _ in pairs}) < 3:
        return "too few rows for a rank correlation"
    return f"Spearman {spearmanr(*zip(*pairs, strict=True)).statistic:+.2f} over {len(pairs)} rows"


def draw(context):
    """Published points, and ours in a panel of their own: another machine."""
    own = ours(context.settings)
    sides = {f"published, {WORKSTATION}": (published(), PUBLISHED)}
    sides |= {f"ours, {device}": (rows, OURS) for device, rows in own.items()}
    panels = {
        f"seconds, {side}": [Points("", *zip(*rows.values(), strict=True), labels=tuple(rows), colour=colour)]
        for side, (rows, colour) in sides.items()
    }
    scatter(context.path, panels, "10,000 images at batch 1", "MFLOPs of one image")
    told = [f"{side}: {correlation(list(rows.values()))}" for side, (rows, _) in sides.items()]
    missing = "" if own else f" Ours: not run: `python reproduce/{REPORT}.py` measures them."
    return f"FLOPs and seconds at batch 1; {'; '.join(told)}.{missing}"


def measured_energy(row):
    """What the forward pass of a row's network takes at batch 1, as JSON holds it.

    Returns:
        dict of "mflops" of one image, net "joules" for 10,000 images, and "energy" of the "images" that were timed.

    Raises:
        NotRun: no energy can be had on this machine.
    """
    model = presets.preset("survey/" + row.lower()).build(0)
    images = np.random.default_rng(0).random((TIMED, *model.image_shape), dtype="float32")
    energy, done = forward_energy(model, images, meter=lambda: EnergyMeter(*idle()))
    if energy.joules is None:
        raise NotRun(f"no energy can be had here: {energy.detail}")
    count = mflops(sum(map(flops, model.networks().values())))
    return {"mflops": count, "joules": energy.joules * IMAGES / done, "images": done, "energy": energy.as_json()}


def energies(context):
    """Row -> `measured_energy`, and the device: as recorded on this one, or measured now with --fresh."""
    settings, device = context.settings, device_name()
    if settings.smoke:  # numbers out of thin air, so that there is something to draw
        return device, {
            row: {"mflops": n, "joules": n, "energy": {"source": "estimated"}} for n, row in enumerate(TABLE5, 1)
        }
    what = {"device": device, "backend": keras.backend.backend(), "keras": keras.__version__}
    name = f"energy-{device_file(device)}"
    path = context.path.parent / name
    if settings.fresh:
        rows = {}
        for row in TABLE5:
            rows[row] = measured_energy(row)
            keras.backend.clear_session(free_memory=True)
        write_json(path, {"what": what, "rows": rows})
    if settings.recorded and not path.exists():
        path = settings.recorded / GALLERY.name / name
    if not path.exists():
        how = f"`{context.command.replace(' --train', '')} --fresh` measures it, in minutes"
        raise NotRun(f"the energy of forward passes is not recorded on this device, {device}: {how}")
    return device, json.loads(path.read_text(encoding="utf-8"))["rows"]


def draw_energy(context):
    """Our joules against FLOPs; the panel says where they come from."""
    device, rows = energies(context)
    source = "estimated" if any(row["energy"]["source"] == "estimated" for row in rows.values()) else "measured"
    pairs = [(row["mflops"], row["joules"]) for row in rows.values()]
    points = Points("", *zip(*pairs, strict=True), labels=tuple(rows), colour=OURS)
    side = f"ours, {device}, {source}"
    scatter(context.path, {f"J, {side}": [points]}, "10,000 images at batch 1", "MFLOPs of one image")
    detail = next(iter(rows.values()))["energy"].get("detail", "")
    return f"FLOPs and joules at batch 1; {side}: {correlation(pairs)}. Source: {detail}."


GALLERY = Gallery(
    name="survey_figure10",
    title="Survey, Figure 10: FLOPs and seconds",
    source=f"{SOURCE}, Figure 10; the numbers are those of its Table 5",
    figures=(
        Figure(
            "figure10",
            "MFLOPs against seconds of a forward pass at batch size 1",
            draw,
            note="The paper's figure leaves out the RAEs and some Resnets. This one has every row of its Table 5.",
        ),
        Figure(
            "figure10-energy",
            "MFLOPs against the energy of a forward pass at batch size 1",
            draw_energy,
            note="The paper publishes no energy. Ours is without what the idle machine draws, and scaled to 10,000 "
            "images. An estimate is codecarbon's: processor time times a nominal power of the processor. It "
            "counts nothing but that time.",
        ),
    ),
)

if __name__ == "__main__":
    main(GALLERY)
