"""ResLag study, its two ideas apart and together: a lagging decoder, side branches, both and neither; three seeds each.

    python reproduce/boon_ablation.py                           # recorded cells, and counts
    python reproduce/boon_ablation.py --train                   # 15 trainings: for a GPU; it goes on after a stop
    python reproduce/boon_ablation.py --runs DIR                # of trained models, DIR/ANY/model: an hour on 2 cores
    python reproduce/boon_ablation.py --runs DIR --seeds 0 --rows "CIFAR10 mini ResLag"

The study trains its sigma-VAE with both at once on CIFAR-10, and prints no model with one of the two there. Here are
all four on one trunk at a quarter of its width, by one recipe: same images, same passes over them, same sigma.

Expected, if the study is right: lagging lowers -ELBO and raises the mutual information of images and codes, and side
branches lower the squared error. What decides is fixed below: a two-way analysis of variance over the seeds, an effect
being told where its 95 % interval does not contain 0.
"""

from green_vae.experiments import Reference, Row, Table, columns, main
from green_vae.experiments.papers import boon, boon_ablation
from green_vae.experiments.seeds import over_seeds
from green_vae.experiments.spec import pca
from green_vae.experiments.timing import training_gflops

NAMES = {  # row -> preset
    boon_ablation.ARMS[0, 0]: "optimal-sigma-trunk",
    boon_ablation.ARMS[1, 0]: "lagging-trunk",
    boon_ablation.ARMS[0, 1]: "optimal-sigma-multi-level",
    boon_ablation.ARMS[1, 1]: "reslag",
    boon_ablation.LIGHT: "reslag-light",
}
PASSES, EPOCHS = boon_ablation.passes_of(boon_ablation.LAGGING)
MEASURED = tuple(
    map(
        over_seeds,
        (
            *boon.coarse("rec", "rec_mean", "rec_train", "kl"),
            boon_ablation.negative_elbo(),
            *boon_ablation.at_equal_epochs(),
            boon_ablation.information(),
            boon_ablation.information_bound(),
            columns.latent("active_posterior", "active (posterior)", format="{:,.1f}"),
            columns.latent("active_means", "active (means)", format="{:,.1f}"),
            columns.kid("kid_x1e3", "prior", "KID x 1000"),
        ),
    )
)
COLUMNS = (columns.trainable_parameters(), training_gflops(), *MEASURED)

TABLE = Table(
    name="boon_ablation",
    title="ResLag study: lagging and side branches, apart and together, on CIFAR-10",
    source="Boon 2023, Simple Training Objective of Variational Autoencoder with Detailed Reconstructions",
    columns=COLUMNS,
    rows=(
        *(
            Row(name, dict.fromkeys(column.name for column in COLUMNS), preset=f"boon/{preset}-cifar10-mini")
            for name, preset in NAMES.items()
        ),
        pca(100, ("rec", "rec_mean", "rec_train"), "CIFAR10 "),
    ),
    reference=Reference("cifar10", n=2_000),
    seeds=(0, 1, 2),
    notes=(
        "a ± b: mean and standard deviation (n - 1) over the seeds, each of which is a training with an order, weights "
        "and noise of its own.",
        "Rows: the trunk has neither idea, the lagging trunk and the multi-level network have one each, ResLag-VAE has "
        "both. The light ResLag-VAE has narrower side branches. Side branches keep their width where the trunk has a "
        "quarter of its own, so that an arm with them has five times the parameters: their effect is one of size, too.",
        f"Equal passes: by its recipe every arm makes {PASSES} passes over the training images, which cost the same. "
        f"In {EPOCHS} of them the lagging arms move both networks, in the others the encoder alone. The pass with the "
        "best validation loss counts, of test images, as in the study.",
        f"Equal epochs: as the study counts, these passes are {EPOCHS} epochs of the lagging arms. So the other arms "
        f"are read after their first {EPOCHS} passes, in which their decoder moved as often and their encoder less "
        "often. No weights are kept of them: this is what their histories tell. It was added when the histories were "
        "known, as a second reading; the rule of the verdicts is the same.",
        "PCA: what as many principal components of all training images leave as the networks have latent units.",
        "Rec, KL: as in the ResLag study's Table 1. -ELBO = D/2 log(2 pi sigma^2) + Rec / (2 sigma^2) + KL, of the "
        "means over all test images, on one sigma^2 for all arms, the variance of all values of the training images.",
        "MI: mutual information of the reference images and their codes (He et al. 2019), the mean over 25 codes for "
        "each image; with one code, as at first, it had a standard error of 0.16. It is at most the log of the number "
        "of images, 7.60 for 2,000. Estimates that all lie within 1 % of that tell nothing of the arms.",
        "MI at most: the mean KL less that of the Gaussian with the moments of the aggregate posterior, over all test "
        "images.",
        "Active units: of 100, over the reference images. Posterior: mean posterior variance not above 0.8; means: "
        "variance of the posterior means not below 0.05.",
        "KID: 2,000 images of codes from N(0, I) against the first 2,000 test images. Its standard error is that of "
        "the delete-half jackknife, over 100 random halves. The test images are the same for all, so that part of it "
        "cancels in differences.",
        "GFLOPs per training image: forward and backward. A pass has 50,000 images. Passes with a resting decoder "
        "compute its gradients here, too.",
        "Effects are in units of the column, ± half of the 95 % interval by the variance of the seeds pooled over the "
        "four arms of the 2x2, without the light ResLag-VAE. Main effects, of lagging and of side branches, are means "
        "over both levels of the other factor; the interaction is what lagging does beside side branches less what it "
        "does on the trunk.",
        "Verdicts: a claim holds where the main effect has its sign and the interval does not contain 0, does not hold "
        "where it has the other sign, and is open else. Fixed before any of these numbers was known. They are of a "
        "quarter of the study's width, one data set and one recipe.",
    ),
    conclusions=boon_ablation.conclusions(MEASURED),
)

if __name__ == "__main__":
    main(TABLE)
