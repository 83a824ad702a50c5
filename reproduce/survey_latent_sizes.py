"""Survey, on latent sizes: 32 to 256 latent units in one narrow network on CIFAR-10, with three seeds each.

    python reproduce/survey_latent_sizes.py                                  # recorded cells, and counts
    python reproduce/survey_latent_sizes.py --train --limit-train 20000      # 24 trainings: an hour of one core
    python reproduce/survey_latent_sizes.py --train --limit-train 20000 --seeds 0 --rows "factor 1"

The survey says that more latent units give better reconstructions but not better samples. Its own networks of
different latent sizes have different factors of the KL, too: the factor is (2 side / latent units)^2. So every size
stands here twice, with the survey's factor and with a factor of 1, beside as many principal components.

Expected, if the survey is right: the error of new images falls from 32 to 256 units, and the KID of samples does not.
What decides is fixed in the notes.
"""

from green_vae.experiments import Reference, Sampling, Table, columns, main
from green_vae.experiments.papers import latent_sizes
from green_vae.experiments.papers.paired import ALONE
from green_vae.experiments.papers.posteriors import quantity
from green_vae.experiments.papers.survey import ERRORS, SOURCE
from green_vae.experiments.seeds import SPREAD, over_seeds
from green_vae.experiments.spec import measured, pca
from green_vae.presets.survey import LATENT_SIZES

MEASURED = (
    columns.mse("train"),
    columns.mse("test"),
    quantity("kl", "KL, nats", "{:,.1f}"),
    columns.latent("active_means", "active units, by the means", format="{:,.1f}"),
    columns.kid("kid_prior", "prior", "KID x 1000, N(0, I)"),
    columns.kid("kid_gmm", "gmm", "KID x 1000, mixture"),
)
COLUMNS = (columns.trainable_parameters(), *map(over_seeds, MEASURED))

TABLE = Table(
    name="survey_latent_sizes",
    title="Latent sizes from 32 to 256, on CIFAR-10",
    source=f"{SOURCE}, sections on the evaluation",
    columns=COLUMNS,
    rows=(
        *(
            measured(latent_sizes.row_name(factor, units), f"survey/latent-{units}{end}-mini", COLUMNS)
            for factor, end in latent_sizes.FACTORS.items()
            for units in LATENT_SIZES
        ),
        *(pca(units, ERRORS) for units in LATENT_SIZES),
    ),
    reference=Reference("cifar10", n=250),
    layer="mixed8",
    samplers={"gmm": Sampling("gmm")},
    seeds=(0, 1, 2),
    notes=(
        SPREAD,
        "All rows have one network of convolutions with 16, 32 and 64 channels and a computed gamma. They are trained "
        "for 5 epochs with batches of 100, by Adam at 3e-3, which is halved after the third and the fourth epoch. "
        "They differ in the number of latent units and in the factor of the KL.",
        "The survey multiplies the KL by (2 side / latent units)^2, which is 4, 1, 0.25 and 0.0625 here. The rows of "
        "factor 1 have the same factor for all sizes. At 64 units both are one training.",
        "PCA shows what as many principal components of all training images leave as the networks have latent units.",
        "KL and active units are those of the first 250 test images. A unit is active if its posterior means have a "
        "variance of at least 0.05.",
        "KID@1280 compares 250 images with the first 250 test images. Their codes are drawn from N(0, I), or from a "
        "mixture of ten Gaussians that is fitted on codes of the training images.",
        "Verdicts compare 256 units with 32, seed by seed. Reconstructions are better if the whole 95 % interval of "
        "the difference in MSE of test images lies below 0. Samples are no better if the interval leaves room for a "
        "KID that is lower by a tenth at most, and they are better if all of the interval lies below that. Everything "
        "else is open. These rules were fixed before any of these numbers was known. The numbers are those of one "
        f"narrow network and a short training. {ALONE}",
    ),
    conclusions=latent_sizes.conclusions,
)

if __name__ == "__main__":
    main(TABLE)
