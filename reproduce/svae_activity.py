"""Split-VAE: does splitting keep more latent units alive than the plain network does?

    python reproduce/svae_activity.py                         # what is trained already
    python reproduce/svae_activity.py --train --rows mini     # MNIST, a quarter of the width: an hour on 2 cores
    python reproduce/svae_activity.py --train --rows MNIST    # the paper's width: days on a CPU, hours on a GPU

Each pair is the same network on the same data, epochs, order and seed; one has the split head, the other has not.
Expected, if the paper is right: more active units in the split rows. It prints no numbers for this.
"""

from green_vae.experiments import Reference, Row, Table, columns, main
from green_vae.experiments.papers import svae

MEASURED = ("params", "mse_x1e3", "active_posterior", "active_means", "variance_law", "fid_gen")


def row(name, preset):
    return Row(name, dict.fromkeys(MEASURED), preset=preset)


TABLE = Table(
    name="svae_activity",
    title="Split-VAE: latent units in use, with and without the split head",
    source=svae.SOURCE + ", section on the latent space",
    columns=(
        svae.PARAMETERS,
        columns.mse(),
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
    ),
    reference=Reference("mnist32"),
    notes=(
        "Active units: of 32. Posterior: mean posterior variance not above 0.8 (the survey's rule); means: variance of "
        "the posterior means not below 0.05 (Split-VAE's rule). Both over the reference images.",
        "Variance law: mean over the units of Var[mu] + E[sigma^2], 1 where the aggregate posterior fits the prior.",
        svae.NOTES[-1],
    ),
)

if __name__ == "__main__":
    main(TABLE)
