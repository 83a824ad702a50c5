"""ResLag study, the objective that it cites beside the one that it ran: six ways on MNIST, with three seeds each.

    python reproduce/boon_objectives.py                                  # recorded cells, and counts
    python reproduce/boon_objectives.py --train --limit-train 20000      # 18 trainings: half an hour of one core
    python reproduce/boon_objectives.py --train --limit-train 20000 --rows "MNIST sigma"

The study names Rybkin's optimal sigma, which is the root of the mean squared error. What it ran has the standard
deviation of the pixels instead, so that the KL has a constant weight, as in a beta-VAE with beta = 2 sigma^2. It trains
the encoder ahead of the decoder for a fixed number of epochs, where He et al. (2019), whom it cites, stop when the
mutual information of images and codes falls.

Expected: the beta-VAE gives the numbers of the study's sigma-VAE, since Adam does not see a factor on the loss. The
sigma of the error is much smaller, so its errors are lower, its KL is higher, and so is its likelihood. Whether the
lagging ways are better is the study's question. What decides is fixed in the notes.
"""

from green_vae.experiments import Reference, Row, Table, columns, main
from green_vae.experiments.papers import boon, boon_ablation, boon_objectives
from green_vae.experiments.seeds import over_seeds
from green_vae.experiments.spec import pca

MEASURED = tuple(
    map(
        over_seeds,
        (
            *boon.coarse("rec", "rec_mean", "rec_train", "kl"),
            boon_ablation.negative_elbo(),
            boon_objectives.best_bound(),
            boon_ablation.information(),
            columns.latent("active_means", "active units, by the means", format="{:,.1f}"),
        ),
    )
)
COLUMNS = (columns.trainable_parameters(), *MEASURED)

TABLE = Table(
    name="boon_objectives",
    title="ResLag study: the objective that it cites beside the one that it ran, on MNIST",
    source="Boon 2023, Simple Training Objective of Variational Autoencoder with Detailed Reconstructions",
    columns=COLUMNS,
    rows=(
        *(
            Row(name, dict.fromkeys(column.name for column in COLUMNS), preset=f"boon/{arm}-mnist-mini")
            for name, arm in boon_objectives.ARMS.items()
        ),
        pca(5, ("rec", "rec_mean", "rec_train"), "MNIST "),
    ),
    reference=Reference("mnist", n=2_000),
    seeds=(0, 1, 2),
    notes=(
        "a ± b: mean and standard deviation (n - 1) over the seeds, each of which is a training with an order, weights "
        "and noise of its own.",
        "All rows: the study's network for digits at its full width, 5 latent units, 12 passes over the training "
        "images with batches of 32, Adam at 0.002. The pass with the best validation loss counts, of test images, as "
        "in the study.",
        "Sigma of the pixels: the study's loss, with the standard deviation of the pixels of a batch. Beta = 2 sigma^2 "
        "has the variance 0.0949 of all pixels instead, SSE + 2 sigma^2 KL. Sigma of the error: that of Rybkin et al. "
        "(2021), the root of a batch's mean squared error.",
        "Capacity: the objective of Burgess et al. (2018), cross-entropy + 100 |KL - C|. C rises within 3,750 steps to "
        "14.6 nats, the KL that the study publishes.",
        "Lagging: three aggressive epochs of three passes each, in which the encoder moves in every pass and the "
        "decoder in the last one; then three epochs of one pass. He's criterion ends the aggressive epochs at the "
        "first fall of the mutual information, or after four of them.",
        "Rec, KL: as in the ResLag study's Table 1. -ELBO = D/2 log(2 pi sigma^2) + Rec / (2 sigma^2) + KL, of the "
        "means over all test images. One column has the variance of all values of the training images for all rows, "
        "the other the sigma^2 that is best for the row, Rec / D.",
        "MI: mutual information of the reference images and their codes (He et al. 2019), the mean over 25 codes for "
        "each image. It is at most the log of the number of images, 7.60 for 2,000.",
        "A unit is active where its posterior means have a variance of at least 0.05, over the reference images.",
        "Verdicts, by differences seed by seed and their 95 % interval: equal holds where the interval lies within 1 % "
        "of the sigma-VAE's number; lower holds where all of the interval lies below 0, and does not hold where all of "
        "it lies above. Everything else is open. Fixed before any of these numbers was known.",
    ),
    conclusions=boon_objectives.conclusions,
)

if __name__ == "__main__":
    main(TABLE)
