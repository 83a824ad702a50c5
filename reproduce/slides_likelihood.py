"""Slides, sections on IAF and the Ladder VAE: what is a richer posterior worth on MNIST, with equal training?

    python reproduce/slides_likelihood.py                           # what is trained already
    python reproduce/slides_likelihood.py --train                   # all four, about 12 minutes each on 2 busy cores
    python reproduce/slides_likelihood.py --train --rows plain IAF  # the others are compared with the first row

IAF is an inverse autoregressive flow, which bends a Gaussian posterior. The Ladder VAE has several levels of codes. All
rows see the same black-and-white images, in the same order, with one optimiser, for 50 epochs. The slides train none of
these models and publish no number, so every verdict is "measured".

Expected, if the papers are right: the flow and the ladder have higher bounds than the plain VAE.
"""

from green_vae.experiments import Reference, Row, Table, columns, main
from green_vae.experiments.papers import slides_bounds

MEASURED = ("params", "elbo", "iw", "kl", "active_posterior", "active_means", "train_s")


def row(name, preset, compared=("gain", "encode_ratio", "generate_ratio")):
    return Row(name, dict.fromkeys((*MEASURED, *compared)), preset=f"slides/{preset}-mnist-binary")


TABLE = Table(
    name="slides_likelihood",
    title="Slides: plain, flow and ladder posteriors on MNIST in two values",
    source="Mittas 2023, Variational Autoencoders (slides), sections on IAF and the Ladder VAE",
    columns=(
        columns.parameters(),
        slides_bounds.elbo(),
        slides_bounds.gain(),
        slides_bounds.importance_weighted(),
        slides_bounds.kl(),
        columns.latent("active_posterior", "active (posterior)"),
        columns.latent("active_means", "active (means)"),
        slides_bounds.seconds(),
        slides_bounds.slower("encode"),
        slides_bounds.slower("generate"),
    ),
    rows=(
        row("plain VAE", "vae", compared=()),
        row("IAF", "iaf"),
        row("IAF, free bits", "iaf-free-bits"),
        row("Ladder VAE", "ladder"),
    ),
    reference=Reference("mnist_binary"),
    notes=(
        "Every image is drawn once: each pixel is 1 with its gray value as probability. p(x|z) is a Bernoulli "
        "distribution. Numbers on other draws of these pixels do not compare with ours.",
        "The plain VAE and IAF have 64 latents and two hidden layers of 512 units, as the first level of the ladder. "
        "IAF has four steps, each a masked network with one hidden layer of 256 units. The ladder has 64, 32, 16, 8 "
        "and 4 latents, with two hidden layers each of 512, 256, 128, 64 and 32 units (Sonderby et al. 2016). The "
        "rows have equal training, and not equal numbers of parameters.",
        "The KL weight rises over 5 of 50 epochs, as over 200 of 2000 in that paper. The row with free bits has no "
        "such warm-up: 0.125 nats per unit are free instead.",
        "The ELBO is the mean of 200 draws per image. log p(x) is the importance-weighted bound of the same draws. "
        "The standard error is over the images; that of a difference is taken image by image. Neither contains the "
        "spread between trainings with other seeds.",
        "Times are processor seconds of one process, in which both models take nine turns in batches of 100. The "
        "ratio is the shortest time of the row over the shortest of the first row. Encoding draws a code of every "
        "image. A flow takes part in encoding alone, and a ladder's priors in both.",
        "Active units are counted of 64, in the ladder of 124, whose units are measured in units of their own priors. "
        "With a flow they are counted on the moments of 50 draws. By the posterior, a unit is active if its mean "
        "posterior variance is at most 0.8. By the means, it is active if its posterior means have a variance of at "
        "least 0.05.",
    ),
)

if __name__ == "__main__":
    main(TABLE)
