"""results/claims.md: what the papers claim and where it stands, and their slips, from the reports in results/.

    python -m green_vae.experiments.claims          # writes results/claims.md

Nothing is measured here. Claims and slips are data, in `papers/*_claims` and `papers/errata`;
their numbers come from the reports, so that the page follows when a report changes.
"""

from collections import Counter

from green_vae.experiments.evidence import FAILS, HOLDS, NARROW, OPEN, OURS, Reports, verdict
from green_vae.experiments.overview import PAPERS, page_parser, write_page
from green_vae.experiments.papers import boon_claims, errata, slides_claims, survey_claims, svae_claims
from green_vae.experiments.report import table_line

CLAIMS = (*survey_claims.CLAIMS, *svae_claims.CLAIMS, *boon_claims.CLAIMS, *slides_claims.CLAIMS)
ERRATA = errata.ERRATA
HEAD = """# Claims and errata

Written by `python -m green_vae.experiments.claims` from the reports in this folder.

A **claim** is a sentence of a paper that can be true or false, in our words. If the first column names only a table or
a figure, the claim is what that table or figure shows. "Their numbers" are computed from the paper's own tables, and
"ours" from our reports. The verdict follows from both:

* **holds**: our numbers, or a test, say so, and the paper's own numbers do not deny it.
* **does not hold**: one of the two sides denies it. A single row denies "every" and "invariably". "Usually" asks for
  two rows of three.
* **open**: neither is the case. The last column says what would decide it.

"Full width" means the paper's own network. "Narrow" means a network with fewer channels, which two CPU cores can train.
Narrow networks count for a comparison within one row, such as two ways to draw codes for one network. They do not
decide what a paper says of its own network. Every model was trained with one seed, unless a report says that it has
three seeds or five. "±" is half of a 95 % interval of a mean over them. Each interval holds by itself: of twenty, one
misses in the long run. FIDs are on the scale that the report names, often FID~, which does not compare with a published
FID. The README explains these words.
"""
GAPS = """## Errors of training and of test images

The table shows how much worse a network reconstructs images that it has not seen. It has networks of the reports to
which the names lead, and PCA with as many components as a network beside it has latent numbers. Those of
survey_balancing are narrow, too. Errors of the survey and of Split-VAE are MSE x 1000. Those of the ResLag study are
summed over an image.
"""
ERRATA_HEAD = (
    'Every line names a test that shows what is right. "In its code" means that text and code differ. Our networks '
    "follow the code then."
)
MEASURED = (  # report -> columns of both errors
    ("survey_table2", "mse_train_x1e3", "mse_test_x1e3"),
    ("survey_table3", "mse_train_x1e3", "mse_test_x1e3"),
    ("survey_rae", "mse_train_x1e3", "mse_test_x1e3"),
    ("survey_balancing", "mse_train_x1e3", "mse_test_x1e3"),
    ("svae_activity", "mse_train_x1e3", "mse_test_x1e3"),  # those of MNIST, which svae_table1 has, too
    ("svae_table3", "mse_train_x1e3", "mse_test_x1e3"),
    ("boon_table1", "rec_train", "rec_mean"),
    ("boon_ablation", "rec_train", "rec_mean"),
)


def page(results):
    """The page as Markdown, from the folder of the reports."""
    reports = Reports(results)
    judged = [(claim, *claim.sides(reports)) for claim in CLAIMS]
    lines = [HEAD, *summary(judged)]
    for paper, title in PAPERS.items():
        own = [entry for entry in judged if entry[0].paper == paper]
        if own:
            lines += ["", f"## Claims: {title}", "", *claims_table(own)]
    lines += ["", GAPS, *gaps_table(reports), "", "## Errata", ""]
    lines += [ERRATA_HEAD, ""]
    for paper, title in PAPERS.items():
        own = [erratum for erratum in ERRATA if erratum.paper == paper]
        if own:
            lines += [f"### {title}", "", *errata_table(own, reports), ""]
    return "\n".join(lines)


def summary(judged):
    """A line for each paper: how many claims stand where, and how many slips there are."""
    verdicts = (HOLDS, FAILS, OPEN)
    lines = [table_line(["paper", *verdicts, "errata"]), table_line(["---", *["---:"] * 4])]
    for paper, title in PAPERS.items():
        counts = Counter(verdict(*sides) for claim, *sides in judged if claim.paper == paper)
        slips = sum(erratum.paper == paper for erratum in ERRATA)
        if counts or slips:
            lines.append(table_line([title, *(counts[word] for word in verdicts), slips]))
    return lines


def claims_table(judged):
    lines = [table_line(["where", "claim", "their numbers", "ours", "verdict", "command"]), table_line(["---"] * 6)]
    for claim, published, ours in judged:
        word = verdict(published, ours)
        decides = f"; decided by {claim.missing}" if word == OPEN and claim.missing else ""
        cells = (claim.where, claim.claim, published.text, ours.text, f"**{word}**", f"`{claim.command}`{decides}")
        lines.append(table_line(cells))
    return lines


def gaps_table(reports):
    """Rows of which both errors are measured, in the order of the reports."""
    lines = [table_line(["network", "training", "test", "test / training"]), table_line(["---", *["---:"] * 3])]
    for table, train, test in MEASURED:
        for name, cells in reports.rows(table).items():
            errors = [cells.get(column, {}).get(OURS) for column in (train, test)]
            if None not in errors:
                narrow = " (narrow)" if NARROW in name else ""
                numbers = (*(f"{error:.2f}" for error in errors), f"{errors[1] / errors[0]:.2f}")
                lines.append(table_line([f"[{name}]({table}.md){narrow}", *numbers]))
    return lines


def errata_table(slips, reports):
    lines = [table_line(["where", "published", "right", "test"]), table_line(["---"] * 4)]
    for slip in slips:
        printed, right = (text(reports) if callable(text) else text for text in (slip.printed, slip.right))
        path, _, name = slip.test.partition("::")
        lines.append(table_line([slip.where, printed, right, f"[{name}](../{path})"]))
    return lines


def main(arguments=None):
    description = "Write results/claims.md, the papers' claims and errata, from the reports in results/."
    write_page(page_parser("claims", description, "results/claims.md").parse_args(arguments), page)


if __name__ == "__main__":
    main()
