"""Survey, on the aggregate posterior and on blur: both in one table, for 25 of the models that ship.

    python reproduce/survey_posteriors.py                       # weights that ship; ten minutes on 2 cores
    python reproduce/survey_posteriors.py --rows MNIST          # a minute

The aggregate posterior q(z) is the distribution of the codes of all images. The KL pulls it towards N(0, I). Its mean
and variance get there, and the survey calls that the variance law. But q(z) need not be N(0, I) then. A mixture of 10
Gaussians is fitted on codes of training images. Its gain over N(0, I), on codes of new images, says how far q(z) still
is from N(0, I). The survey also says that images lose a variance of about the mean squared error on their way through a
VAE. It publishes no number, so every verdict is "measured".

Expected: means are near 0 and variances near 1 for the VAEs. The gain is above 0 for all models. The variance loss is
near the MSE.
"""

from green_vae.experiments import Reference, Row, Table, main
from green_vae.experiments.papers.posteriors import COLUMNS, columns_of, conclusions
from green_vae.experiments.papers.survey import SAMPLERS, SOURCE
from green_vae.presets import PRESETS

BOON = {"AutoEncoder": "autoencoder", "beta-VAE": "beta", "InfoVAE": "info", "Optimal Sigma VAE": "optimal-sigma",
        "Lagging VAE": "lagging"}  # fmt: skip
ROWS = {
    "Resnet-s4-b48-l128": "survey/resnet-s4-b48-l128",
    "HFVAE-s4-z4-l48": "survey/hfvae-s4-z4-l48",
    "Split-VAE": "svae/cifar10",
    "multi-level Optimal Sigma": "boon/optimal-sigma-multi-level-cifar10",
    "light ResLag-VAE": "boon/reslag-light-cifar10",
    "Optimal Sigma": "boon/optimal-sigma-cifar10",
    "review's MLP": "review/mlp-cifar10-published",
    "mini CNN": "survey/cnn-mini",
    "mini L2-RAE": "survey/l2-rae-mini",
    "mini GP-RAE": "survey/gp-rae-mini",
    "mini NVAE": "survey/nvae-mini",
    "MNIST mini Split-VAE": "svae/mnist-mini",
    "MNIST mini Split-VAE's twin": "svae/mnist-mini-plain",
    **{f"MNIST {name}": f"boon/{model}-mnist" for name, model in BOON.items()},
    "MNIST sigma-VAE, 8 latents": "slides/sigma-mnist-l8",
    "MNIST sigma-VAE, 2 latents": "slides/sigma-mnist-l2",
    **{f"Fashion {name}": f"boon/{model}-fashion" for name, model in BOON.items()},
}


def row(name, preset):
    return Row(name, dict.fromkeys(columns_of(PRESETS[preset])), preset=preset)


TABLE = Table(
    name="survey_posteriors",
    title="The aggregate posterior and the variance that images lose",
    source=f"{SOURCE}, sections on the aggregate posterior and on blurriness",
    columns=COLUMNS,
    rows=tuple(row(name, preset) for name, preset in ROWS.items()),
    reference=Reference("cifar10", n=2_000),
    samplers=SAMPLERS,
    notes=(
        "A row without the name of a data set is of CIFAR-10. All numbers are those of the first 2,000 test images of "
        "the row's own data set. No model was trained on them.",
        "q(z) is the mixture of the posteriors of these images. Its mean is the root mean square over the latent "
        "units. Its variance is the mean over the units of Var[mu(x)] + E[sigma^2(x)], which is 1 for N(0, 1) (the "
        "variance law).",
        "Active units are in per cent of all units. By the posterior (the survey's rule), a unit is active if its "
        "mean posterior variance is at most 0.8. By the means (Split-VAE's rule), it is active if its posterior means "
        "have a variance of at least 0.05.",
        "I(x; z) is the mutual information of images and codes, by He et al. 2019, the mean over 10 codes for each "
        "image. It is at most log 2,000 = 7.60. It comes close to that if the posteriors of 2,000 images do not "
        "overlap. Estimates may exceed it by their error, about 0.03.",
        "mixture over N(0, I): a mixture of 10 Gaussians is fitted on codes of training images. The number is the "
        "mean log density of the codes of the test images under this mixture, less that under N(0, I), divided by the "
        "number of units.",
        "The variance loss is the difference of the mean variance of an image's pixels before and after encoding and "
        "decoding (Asperti 2020). Codes are drawn from the posterior, as in the survey's REC.",
        "Units of a hierarchy are measured in units of their own priors, given the group above. Its code is no single "
        "vector, so I(x; z) and a mixture are left out. An autoencoder without noise has no posterior. The review's "
        "MLP has 256 units, and no mixture of it ships.",
    ),
    conclusions=conclusions,
)

if __name__ == "__main__":
    main(TABLE)
