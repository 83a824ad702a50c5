"""Regularised autoencoders as formulas and as code have them: contrasts of pairs of rows, and the verdicts."""

from green_vae.experiments.evidence import FAILS, HOLDS, OPEN
from green_vae.experiments.papers.paired import (
    difference,
    interval,
    mean,
    no_worse,
    verdict,
    within,
)

AE, CODES, NOISE = "mini AE", "mini RAE, codes alone", "mini CV-VAE"
L2_CODE, L2 = "mini L2-RAE, code", "mini L2-RAE, formula"
GP_CODE, GP, HUTCHINSON = "mini GP-RAE, code", "mini GP-RAE, formula", "mini GP-RAE, Hutchinson"
SN = "mini SN-RAE"
ROWS = {  # row -> preset
    AE: "survey/ae-mnist-mini",
    CODES: "survey/rae-mnist-mini",
    L2_CODE: "survey/rae-l2-code-mnist-mini",
    L2: "survey/rae-l2-mnist-mini",
    GP_CODE: "survey/rae-gp-code-mnist-mini",
    GP: "survey/rae-gp-mnist-mini",
    HUTCHINSON: "survey/rae-gp-hutchinson-mnist-mini",
    SN: "survey/rae-sn-mnist-mini",
    NOISE: "survey/cv-vae-mnist-mini",
}
ERROR, MIXTURE = "mse_test_x1e3", "kid_gmm"
CONTRASTS = (  # what is compared, a row, the row it is compared with
    ("L2, formula against code", L2, L2_CODE),
    ("GP, formula against code", GP, GP_CODE),
    ("GP, Hutchinson against exact", HUTCHINSON, GP),
    ("a weight on the codes against none", CODES, AE),
    ("L2 by the code against no penalty on the decoder", L2_CODE, CODES),
    ("L2 by the formula against none", L2, CODES),
    ("GP by the code against none", GP_CODE, CODES),
    ("GP by the formula against none", GP, CODES),
    ("SN against none", SN, CODES),
    ("noise against none", NOISE, CODES),
)
MARGIN = 0.1  # of the mean of the row that is compared with


def replaces_noise(report):
    """(word, {penalty: (difference, limit)}) of "a penalty on the decoder takes the place of the encoder's noise".

    By the KID of images from a mixture: each of L2, GP and SN, by the formula, against CV-VAE, higher by at most
    `MARGIN`. One that is worse by more denies it, and all must be no worse.
    """
    base, found = mean(report, MIXTURE, NOISE), {}
    for row in (L2, GP, SN):
        pair = difference(report, MIXTURE, row, NOISE)
        if pair and base is not None:
            found[row] = (pair, MARGIN * abs(base))
    words = {no_worse(pair, limit) for pair, limit in found.values()}
    return (FAILS if FAILS in words else HOLDS if words == {HOLDS} and len(found) == 3 else OPEN), found


def noise_in_words(report):
    """The same in words; "" where nothing is measured."""
    word, found = replaces_noise(report)
    listed = ", ".join(f"{row.removeprefix('mini ')} {interval(*pair)}" for row, (pair, _) in found.items())
    if not listed:
        return ""
    limit = next(limit for _, limit in found.values())
    return f"{word}; KID x 1000 less CV-VAE's, at most {limit:.1f} being allowed: {listed}"


def conclusions(columns):
    """`Table.conclusions`: a line for each verdict, for each contrast, and for the costs.

    Args:
        columns: of errors and of KIDs, measured over seeds.
    """

    def lines(report):
        if report["smoke"]:
            return
        if words := noise_in_words(report):
            yield f"A penalty on the decoder takes the place of the encoder's noise, at this width: {words}."
        for column in columns:
            pair, base = difference(report, column.name, HUTCHINSON, GP), mean(report, column.name, GP)
            if pair and base is not None and column.name in (ERROR, MIXTURE):
                word, limit = within(pair, MARGIN * abs(base)), MARGIN * abs(base)
                said = f"{interval(*pair)}, where ± {limit:.3g} is allowed"
                yield f"Hutchinson's estimate trains as the exact Jacobian, by {column.title}: {word}; {said}."
        for what, row, other in CONTRASTS:
            told = []
            for column in columns:
                if pair := difference(report, column.name, row, other):
                    lower = {HOLDS: "lower", FAILS: "higher", OPEN: "open"}[verdict(*pair, -1)]
                    told.append(f"{column.title} {interval(*pair)} ({lower})")
            if told:
                yield f"{what[0].upper()}{what[1:]}: {', '.join(told)}."
        yield from costs(report)

    return lines


def costs(report):
    """What a step of each penalised model costs beside that of the plain autoencoder's, in words."""
    for column, what in (("train_gflops", "FLOPs"), ("step_s", "processor time")):
        base = mean(report, column, L2_CODE)
        cells = {row: mean(report, column, row) for row in (L2, GP_CODE, GP, HUTCHINSON, SN, NOISE)}
        told = [f"{row.removeprefix('mini ')} {value / base:.2f}" for row, value in cells.items() if value and base]
        if told:
            yield f"{what[0].upper()}{what[1:]} of a training step, as multiples of L2-RAE, code: {', '.join(told)}."
