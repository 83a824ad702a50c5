"""Slides, anomaly detection: a VAE is trained on nine digits. Does it find the tenth? All ten digits in turn.

    python reproduce/slides_left_out.py                     # recorded cells
    python reproduce/slides_left_out.py --train             # ten trainings: five minutes of one core
    python reproduce/slides_left_out.py --train --rows "without 1"

The slides name anomaly detection as the first use of a VAE, and publish no number. In `reproduce/slides_anomaly.py` the
anomalies are images of another data set. Here they are of the same kind as the normal images.

Expected: this is harder than another data set. It is hardest for digits that are parts of others or look like them
(1, 7, 9).
"""

from green_vae.experiments import Reference, Row, Table, main
from green_vae.experiments.papers.paired import ALONE
from green_vae.experiments.papers.slides_anomaly import TITLES, K, auroc, of_left_out

MEASURED = [f"auroc_{kind}" for kind in TITLES]

TABLE = Table(
    name="slides_left_out",
    title="Slides: anomaly detection, one digit left out",
    source="Mittas 2023, Variational Autoencoders (slides), uses of a VAE",
    columns=tuple(map(auroc, TITLES)),
    rows=tuple(
        Row(f"without {digit}", dict.fromkeys(MEASURED), preset=f"slides/without-{digit}-mnist") for digit in range(10)
    ),
    reference=Reference("mnist", n=5_000),
    notes=(
        "A row is a model that saw no image of its digit in training. It is the slides' linear VAE with 8 latents, "
        "trained for 5 epochs, with one seed.",
        "Anomalies are the images of that digit among the first 5,000 test images. Own images are all others of these.",
        "AUROC is the chance that one of the own images scores higher than an anomaly; 0.5 is a coin. Scores are "
        "those of `model.score`. There are three: minus the squared error, summed over pixels, from posterior means; "
        f"the ELBO; and the importance-weighted bound. Both bounds come from the same {K} draws. p(x|z) is a "
        "Bernoulli distribution, which takes gray values as they are.",
        "A score finds more than another one if the 95 % interval of the differences in AUROC over the ten digits "
        "lies above 0. It finds less if the interval lies below. Else it is open. This rule was fixed before the "
        f"runs. The intervals contain how digits vary, and not how trainings with other seeds would. {ALONE}",
        "The folder slides_left_out/ beside this page has histograms: ROW-reconstruction.png of errors, ROW-iw.png of "
        "log p(x).",
    ),
    conclusions=of_left_out,
)

if __name__ == "__main__":
    main(TABLE)
