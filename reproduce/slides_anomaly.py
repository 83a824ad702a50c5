"""Slides, the first use that they name: anomaly detection, Fashion-MNIST against MNIST, both ways.

    python reproduce/slides_anomaly.py                                  # from the weights and data that are here
    python reproduce/slides_anomaly.py --rows Fashion                   # models of Fashion-MNIST, digits as anomalies
    python reproduce/slides_anomaly.py --columns auroc_reconstruction   # a minute

It takes two minutes of one core. The slides publish no number, so every verdict is "measured".

Expected: a model of digits finds clothes easily. A model of clothes may find digits more likely than clothes, which is
the known failure of likelihoods (Nalisnick et al. 2019). The report names every score with an area below 0.5. A black
image scores high.
"""

from green_vae.experiments import Reference, Row, Table, main
from green_vae.experiments.papers.slides_anomaly import K, auroc, below_black, failures

KINDS = ("reconstruction", "elbo", "iw")
BLACK = ("reconstruction", "iw")  # by which a black image is scored
BOON = {"AutoEncoder": "autoencoder", "beta-VAE": "beta", "InfoVAE": "info", "Optimal Sigma VAE": "optimal-sigma",
        "Lagging VAE": "lagging"}  # fmt: skip
SLIDES = {"linear VAE": "linear", "convolutional VAE": "conv", "sigma-VAE": "sigma"}


def row(name, preset):
    found = [*(f"auroc_{kind}" for kind in KINDS), *(f"below_black_{kind}" for kind in BLACK)]
    if any(part in preset for part in ("autoencoder", "info")):  # no posterior, or no p(x|z)
        found = [column for column in found if column.endswith("reconstruction")]
    return Row(name, dict.fromkeys(found), preset=preset)


TABLE = Table(
    name="slides_anomaly",
    title="Slides: anomaly detection, MNIST and Fashion-MNIST against each other",
    source="Mittas 2023, Variational Autoencoders (slides), uses of a VAE; models of the slides and of Boon 2023",
    columns=(*map(auroc, KINDS), *map(below_black, BLACK)),
    rows=(
        *(row(f"MNIST {name}", f"boon/{model}-mnist") for name, model in BOON.items()),
        *(row(f"Fashion {name}", f"boon/{model}-fashion") for name, model in BOON.items()),
        *(
            row(f"MNIST {name}, {n} latents", f"slides/{model}-mnist-l{n}")
            for name, model in SLIDES.items()
            for n in (2, 8)
        ),
    ),
    reference=Reference("mnist", n=2_000),
    notes=(
        "The name of a row begins with the data set that its model was trained on. The model's own images are the "
        "first 2,000 test images of that data set. The anomalies are the first 2,000 test images of the other one. "
        "Nothing is trained or fitted here.",
        "AUROC is the area under the ROC curve, which is the chance that one of the own images scores higher than an "
        "anomaly. Scores are those of `model.score`, which are higher for more normal images. There are three: minus "
        "the squared error, summed over pixels, from posterior means; the ELBO; and the importance-weighted bound. "
        f"Both bounds come from the same {K} draws.",
        "The bounds need a distribution p(x|z) of pixels. The sigma models state a Gaussian with their sigma. The "
        "linear VAEs have a Bernoulli distribution, which takes gray values as they are. beta-VAE and the "
        "convolutional VAEs get the Gaussian with sigma = sqrt(beta), which belongs to the loss 1/2 SSE + beta KL.",
        "An autoencoder has no posterior. The InfoVAE of the study has no KL in its loss and states no p(x|z). So "
        "neither has a bound.",
        "A black image is in neither data set. A score that recognises it as an anomaly puts all own images above it. "
        "A simple image may be easy to reconstruct and likely, whatever the model was trained on.",
        "The folder slides_anomaly/ beside this page has histograms: ROW-reconstruction.png of errors, ROW-iw.png of "
        "log p(x).",
        "`python reproduce/slides_left_out.py` leaves one digit out of the training.",
    ),
    conclusions=failures,
)

if __name__ == "__main__":
    main(TABLE)
