"""Survey, Figure 10: FLOPs do not tell the seconds of a forward pass.

    python reproduce/survey_figure10.py      # the published points; ours too, once survey_table5.py has measured them

Expected: the two hierarchical models have the fewest and a middling number of FLOPs, and take by far the longest.
"""

from scipy.stats import spearmanr

from green_vae.experiments.gallery import Figure, Gallery, main
from green_vae.experiments.papers.survey import SOURCE, TABLE5, WORKSTATION, device_of, reported
from green_vae.plots import OURS, PUBLISHED, Points, scatter

FLOPS, TIME = "flops_m", "bs1_s"
REPORT = "survey_table5"


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


GALLERY = Gallery(
    name="survey_figure10",
    title="Survey, Figure 10: FLOPs and seconds",
    source=f"{SOURCE}, Figure 10; the numbers are those of its Table 5",
    figures=(
        Figure(
            "figure10",
            "MFLOPs against seconds of a forward pass at batch size 1",
            draw,
            note="The paper's figure leaves out the RAEs and some Resnets; here is every row of its Table 5.",
        ),
    ),
)

if __name__ == "__main__":
    main(GALLERY)
