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
        "Every image is drawn once, each pixel 1 with its gray value as probability; p(x|z) is Bernoulli. Numbers on "
        "other draws of these pixels do not compare with these.",
        "Plain VAE, IAF: 64 latents, two hidden layers of 512 units, which is the first level of the ladder; IAF: four "
        "steps, each a masked network of one hidden layer of 256 units. Ladder: latents 64, 32, 16, 8, 4, two hidden "
        "layers each of 512, 256, 128, 64, 32 (Sonderby et al. 2016). Parameters are not made equal, training is.",
        "Warm-up of the KL weight over 5 of 50 epochs, 200 of 2000 in that paper. With free bits there is none: 0.125 "
        "nats per unit are free instead.",
        "ELBO: mean of 200 draws per image; log p(x): the importance-weighted bound of the same draws. The standard "
        "error is over the images; that of the differences is taken image by image. Neither contains the spread "
        "between trainings with other seeds.",
        "Time: processor seconds of one process in which both models take turns, nine times, in batches of 100; the "
        "least of the row over the least of the first one. Encoding draws a code of every image. A flow takes part in "
        "encoding alone, a ladder's priors in both.",
        "Active units: of 64; of 124 in the ladder, in units of their own priors. With a flow they are counted on the "
        "moments of 50 draws. Posterior: mean posterior variance not above 0.8; means: variance not below 0.05.",
    ),
)

if __name__ == "__main__":
    main(TABLE)
