"""What the table of latent sizes needs: its rows by factor of the KL and size, and verdicts."""

from green_vae.experiments.evidence import PUBLISHED, Side
from green_vae.experiments.papers import paired
from green_vae.presets.survey import LATENT_SIZES

FACTORS = {"survey's factor": "", "factor 1": "-one-factor"}  # of the KL, as told -> part of a preset's name
MARGIN = 0.1  # how much lower a KID may be, in parts of that of fewer units, to be called no better
PAIRED = {"mse_train_x1e3": "MSE x 1000", "fid_gen1": "GEN1", "fid_gen2": "GEN2", "fid_gmm": "GMM"}  # of Table 2
KINDS = {"kid_prior": "codes of N(0, I)", "kid_gmm": "codes of a mixture"}  # column -> what its images are made of


def row_name(factor, units):
    """Name of a row, such as "factor 1, 64 units"."""
    return f"{factor}, {units} units"


def judged(report):
    """(claim, verdict, (difference, half of its interval)) of the most units against the fewest, where measured."""
    for factor in FACTORS:
        fewest, most = (row_name(factor, units) for units in (min(LATENT_SIZES), max(LATENT_SIZES)))
        if found := paired.difference(report, "mse_test_x1e3", most, fewest):
            yield f"{factor}: new images are reconstructed better", paired.verdict(*found, -1), found
        for column, kind in KINDS.items():
            if found := paired.difference(report, column, most, fewest):
                allowed = MARGIN * paired.mean(report, column, fewest)
                yield f"{factor}: {kind} give no better images", paired.no_worse((-found[0], found[1]), allowed), found


def conclusions(report):
    """`Table.conclusions`: a line for each claim."""
    if report["smoke"]:
        return
    for text in paired.told(judged(report)):
        yield f"{max(LATENT_SIZES)} latent units instead of {min(LATENT_SIZES)}, {text}."


def claim(reports):
    """`Claim.sides`: the survey's Resnets of 128 and 100 units, alike but for their codes, and the narrow networks."""
    few, many = (
        [reports.number("survey_table2", f"Resnet-s4-b48-l{units}", column, PUBLISHED) for column in PAIRED]
        for units in (100, 128)
    )
    paper = Side()
    if None not in (*few, *many):
        text = "; ".join(f"{name} {a} and {b}" for name, a, b in zip(PAIRED.values(), few, many, strict=True))
        lower = [b < a for a, b in zip(few, many, strict=True)]
        paper = Side(f"Resnet of 100 and of 128 units: {text}", lower[0] and not any(lower[1:]))
    found = list(judged({"rows": reports.rows("survey_latent_sizes")}))
    text = f"narrow: {'; '.join(paired.told(found))}" if found else "not measured"
    return paper, Side(text, paired.together(word for _, word, _ in found))
