"""Slides, sigma-VAE: six ways to choose the standard deviation of a pixel, and beta by hand; three seeds each.

    python reproduce/slides_sigma.py                # recorded cells
    python reproduce/slides_sigma.py --train        # 21 trainings and distances: 15 minutes of one core

The slides say that the sigma-VAE needs no weight that is tuned by hand, because the best sigma of a batch is known in
closed form (Rybkin, Daniilidis, Levine 2021). They show no comparison. This table compares unit variance, two weights
set by hand, a sigma that is learned, one for every pixel, the optimal one, and the spread of the pixels, which Boon
2023 used.

Expected, if the slides are right: optimal sigma has a higher bound of log p(x) than any other single sigma. The last
note below fixes the rule that decides.
"""

from green_vae.experiments import Reference, Table, columns, main
from green_vae.experiments.papers import slides_sigma
from green_vae.experiments.papers.paired import ALONE
from green_vae.experiments.seeds import SPREAD, over_seeds
from green_vae.experiments.spec import measured

COLUMNS = (
    *map(over_seeds, map(slides_sigma.bound, slides_sigma.QUANTITIES)),
    over_seeds(slides_sigma.sigma()),
    over_seeds(columns.kid("kid_x1e3", "prior", "KID x 1000")),
)

TABLE = Table(
    name="slides_sigma",
    title="Slides: ways to choose the sigma of a VAE",
    source="Mittas 2023, Variational Autoencoders (slides), sigma-VAE",
    columns=COLUMNS,
    rows=tuple(measured(name, f"slides/sigma-{arm}-mnist-mini", COLUMNS) for name, arm in slides_sigma.ARMS.items()),
    reference=Reference("mnist", n=500),
    layer="mixed8",
    seeds=(0, 1, 2),
    notes=(
        SPREAD,
        "All rows have one convolutional network with 8, 16 and 32 channels and 16 latent units. They are trained on "
        "MNIST for 2 epochs with batches of 100, by Adam at 3e-3 and then at half of it. Only the loss differs.",
        "Every row is a density of pixels in [0, 1] with a Gaussian p(x|z), so bounds compare. Unit variance: sigma "
        "is 1. By hand: the loss is 1/2 SSE + beta KL, which belongs to sigma^2 = beta. Learned: sigma is trained and "
        "starts at log sigma = 0. There is one number, or one for each of 784 pixels. Optimal: sigma^2 is the batch's "
        "mean squared error; measurements take its average over about the last hundred batches. Spread: sigma^2 is "
        "the variance of all pixels of a batch, which is no optimum.",
        "The error is the mean of -log p(x|z) over codes of the posterior, in nats as the KL. The sum of both is "
        "minus the evidence lower bound.",
        "log p(x) is the importance-weighted bound of the first 500 test images. KID@1280 compares 500 images of "
        "codes from N(0, I) with the same 500.",
        "Pixels at the border of MNIST are 0 in nearly all images. With a sigma of their own they become ever more "
        "probable. Only the length of the training and a limit of -6 for log sigma stop that. So the bound of that "
        "row says little about the digits.",
        "The standard deviation of the bound over the seeds, beside the bound, measures how stable a way is.",
        "Verdict, for each other row: optimal sigma has the higher bound if the whole 95 % interval of the paired "
        "differences over the seeds lies above 0. It has not if all of it lies below 0. Else it is open. The KID is "
        f"shown beside it and decides nothing. This rule was fixed before the runs. {ALONE}",
    ),
    conclusions=slides_sigma.conclusions,
)

if __name__ == "__main__":
    main(TABLE)
