"""Survey, section on RAE: each regulariser as its formula says, beside what the code computes; and CV-VAE. Three seeds.

    python reproduce/survey_rae.py                              # recorded cells, and counts
    python reproduce/survey_rae.py --train --limit-train 30000  # 27 trainings: three quarters of an hour on one core
    python reproduce/survey_rae.py --train --limit-train 30000 --rows "mini GP"

A regularised autoencoder (RAE) has a penalty on the decoder where a VAE has noise. The survey and Ghosh et al. (2020)
give the squared norm of all weights of the decoder, and of its Jacobian, as penalties. Their code penalises only some
kernels, and the gradient of the sum of squared pixels. Neither publishes a comparison. Here all forms train one narrow
network of MNIST, by one recipe, with one weight on the codes. CV-VAE is a VAE with constant variance.

Expected: the forms of L2 do not differ, because batch norm undoes the scale of most of these weights. The exact
Jacobian smooths the decoder as the noise of CV-VAE does, and costs more than the ten times that the survey says of
GP-RAE. Hutchinson's estimate of it does the same for about the cost of the code's form. The notes fix the rule that
decides.
"""

from dataclasses import replace

from green_vae.experiments import Reference, Row, Table, columns, main
from green_vae.experiments.papers import survey_rae
from green_vae.experiments.papers.paired import ALONE
from green_vae.experiments.papers.survey import ERRORS, SOURCE
from green_vae.experiments.seeds import over_seeds
from green_vae.experiments.spec import Sampling, pca
from green_vae.experiments.timing import step_seconds, training_gflops

MEASURED = tuple(
    map(
        over_seeds,
        (
            columns.mse("train"),
            columns.mse("test"),
            columns.kid("kid_normal", "normal", "KID x 1000, N(0, I)"),
            columns.kid("kid_gaussian", "gaussian", "KID x 1000, one Gaussian"),
            columns.kid("kid_gmm", "gmm", "KID x 1000, mixture of 10"),
        ),
    )
)
COLUMNS = (
    columns.trainable_parameters(),
    replace(training_gflops(), format="{:,.5f}"),
    replace(step_seconds(of_processor=True), format="{:,.4f}"),
    *MEASURED,
)

TABLE = Table(
    name="survey_rae",
    title="Regularised autoencoders as formulas and as code have them, on MNIST",
    source=f"{SOURCE}, section on RAE; Ghosh et al. 2020",
    columns=COLUMNS,
    rows=(
        *(Row(name, dict.fromkeys(c.name for c in COLUMNS), preset=preset) for name, preset in survey_rae.ROWS.items()),
        pca(8, ERRORS),
    ),
    reference=Reference("mnist32", n=500),
    layer="192",
    samplers={
        "normal": Sampling("prior"),
        "gaussian": Sampling("gmm", {"n_components": 1}),
        "gmm": Sampling("gmm", {"n_components": 10}),
    },
    seeds=(0, 1, 2),
    notes=(
        "a ± b gives the mean and the standard deviation (n - 1) over the seeds. Each seed is a training of its own, "
        "with its own first weights, noise, order of images and samples.",
        "The loss is 1/2 SSE + w 1/2 ||z||^2 + R, where SSE is the squared error and R the penalty on the decoder. AE "
        "has neither w nor R. All others have w = 0.0064; for CV-VAE it weighs the KL. The weights of R are those "
        "that Ghosh et al. give for MNIST, in units of this loss. L2, formula: R is 5.12e-5 times the sum of squares "
        "of all trained weights of the decoder. L2, code: the same of the kernels of the transposed convolutions of "
        "stride 2. GP, code: R is 1.6e-6 ||2 J^T x||^2 for an image x of the decoder with the Jacobian J. GP, formula "
        "and Hutchinson: R is 0.245 ||J||^2. Ghosh et al. give no weight for it; 0.245 = sigma^2 / 2 is what the "
        "noise of CV-VAE, of sigma 0.7, adds to the error to first order.",
        "The training is short, one pass, and the network is narrow. So rows compare with each other, and not with "
        "numbers of the papers.",
        "KID compares 500 images with the first 500 test images, for each seed, by features of the second max pool. "
        "These features see strokes and cost a third of deeper ones. They were chosen before any KID was measured. Of "
        "these models only CV-VAE has the prior N(0, I). The Gaussian has a full covariance. Both mixtures are fitted "
        "on the codes of the training images; for CV-VAE these are drawn codes.",
        "Rows with one seed start from the same weights, except SN-RAE and CV-VAE, whose networks have other parts. "
        "Their pairs share only the order of the images. After the trainings, directional derivatives on TensorFlow "
        "took another form, which is the same up to rounding. Costs are those of the new form.",
        "Processor seconds are those of a step of 50 images, of all threads, on a machine that other processes used.",
        "Rules, fixed before any of these numbers was known. A contrast is the mean difference of two rows over the "
        "seeds, ± half of its 95 % interval by Student's t of the pairs of one seed. It is lower or higher if the "
        "interval does not contain 0, and else open. A penalty on the decoder takes the place of the noise if L2, GP "
        "(both by the formula) and SN each have a KID of the mixture that is at most 10 % above CV-VAE's. The claim "
        "holds if all three intervals lie below that limit, does not hold if one lies above, and is open else. "
        "Hutchinson's estimate trains as the exact Jacobian if the difference is within ± 10 % of the exact one's "
        "mean. The claim holds if the whole interval is within, does not hold if none of it is, and is open else. "
        f"{ALONE}",
    ),
    conclusions=survey_rae.conclusions(MEASURED),
)

if __name__ == "__main__":
    main(TABLE)
