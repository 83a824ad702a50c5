"""Split-VAE: does splitting keep more latent units in use than the plain network does?

    python reproduce/svae_activity.py                         # what is trained already
    python reproduce/svae_activity.py --train --rows mini     # MNIST, a quarter of the width: an hour on 2 cores
    python reproduce/svae_activity.py --train --rows MNIST    # the paper's width: days on a CPU, hours on a GPU

A split head draws two images and a map that mixes them. Each pair of rows is the same network on the same data, with
the same epochs, order and seed. One of the pair has the split head, and the other has not.

Expected, if the paper is right: more units are active in the split rows. At the paper's width between 2 and 5 of 32
units are inactive, as its section 5.1 says.
"""

from green_vae.experiments import Reference, Row, Table, columns, main
from green_vae.experiments.papers import svae
from green_vae.experiments.spec import pca

ERRORS = ("mse_train_x1e3", "mse_test_x1e3")
MEASURED = ("params", *ERRORS, "active_posterior", "active_means", "variance_law", "fid_gen")


PUBLISHED = range(27, 31)  # active units of 32: section 5.1 gives between 2 and 5 inactive ones


def row(name, preset):
    return Row(name, dict.fromkeys(MEASURED), preset=preset)


def published_range(report):
    """A line for each measured row with a split head: whether its active units lie in the paper's range."""
    low, high = PUBLISHED[0], PUBLISHED[-1]
    for name, cells in report["rows"].items():
        value = cells["active_means"]["value"]
        if "split" in name and value is not None:
            verdict = "inside" if low <= value <= high else "outside"
            width = ", at a quarter of the paper's width" if "mini" in name else ""
            yield (
                f"{name}, active (means): published {low} to {high} of 32 (section 5.1: between 2 and 5 inactive), "
                f"ours {value:.0f}{width}: {verdict}."
            )


TABLE = Table(
    name="svae_activity",
    title="Split-VAE: latent units in use, with and without the split head",
    source=svae.SOURCE + ", section on the latent space",
    columns=(
        svae.PARAMETERS,
        columns.mse("train"),
        columns.mse("test"),
        columns.latent("active_posterior", "active (posterior)"),
        columns.latent("active_means", "active (means)"),
        columns.latent("variance_law", "variance law", format="{:,.3f}"),
        columns.fid("fid_gen", "prior", "FID GEN", layer="mixed8", format="{:,.2f}"),
    ),
    rows=(
        row("mini split (MNIST)", "svae/mnist-mini"),
        row("mini plain (MNIST)", "svae/mnist-mini-plain"),
        row("MNIST split", "svae/mnist"),
        row("MNIST plain", "svae/mnist-plain"),
        pca(32, ("params", *ERRORS)),
    ),
    reference=Reference("mnist32"),
    notes=(
        "Active units are counted over the reference images, of 32 units. By the posterior (the survey's rule), a "
        "unit is active if its mean posterior variance is at most 0.8. By the means (Split-VAE's rule), it is active "
        "if its posterior means have a variance of at least 0.05.",
        "The variance law is the mean over the units of Var[mu] + E[sigma^2]. It is 1 if the aggregate posterior fits "
        "the prior.",
        "PCA is the error that remains with as many principal components of all training images as the networks have "
        "latent units.",
        svae.NOTES[-1],
    ),
    conclusions=published_range,
)

if __name__ == "__main__":
    main(TABLE)
