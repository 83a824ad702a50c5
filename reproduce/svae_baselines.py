"""Split-VAE and survey: baselines as their authors' code has them, narrow, on MNIST. Both stages, and what gamma does.

    python reproduce/svae_baselines.py                              # recorded cells, and counts
    python reproduce/svae_baselines.py --train --limit-train 15000  # five trainings: ten minutes of one core

Rows at full width stand in svae_table1, svae_table3 and svae_table4, with "as released" in their names. gamma is the
variance that a VAE assumes for its pixels.

Expected: the computed gamma stays near the error of a pixel, which it averages. The trained one is still falling after
so short a training. No row is called better than another one, because there is one seed and a short training.
"""

from green_vae.experiments import Reference, Row, Table, columns, main
from green_vae.experiments.papers import baselines
from green_vae.experiments.papers.survey import ERRORS
from green_vae.experiments.spec import pca

COUNTS = ("params", "stage_params")
COLUMNS = (
    columns.parameters(),
    baselines.stage_parameters(),
    baselines.variance(),
    baselines.code_variance(),
    columns.mse("train"),
    columns.mse("test"),
    columns.kid("kid_normal", "prior", "KID x 1000, no sampler"),
    columns.kid("kid_own", baselines.OWN, "KID x 1000, own sampler"),
)


def row(name, preset):
    names = [c.name for c in COLUMNS if name in baselines.TWO_STAGE or c.name not in baselines.STAGE]
    names = COUNTS if name in baselines.COUNTED else names
    return Row(name, dict.fromkeys(names), preset=preset, samplers=baselines.sampling(name))


TABLE = Table(
    name="svae_baselines",
    title="Two-stage VAEs and RAEs as their authors' code has them, narrow, on MNIST",
    source="Dai and Wipf 2019; Asperti and Trentin 2020; Ghosh et al. 2020",
    columns=COLUMNS,
    rows=(
        *(row(name, preset) for name, preset in {**baselines.COUNTED, **baselines.ROWS}.items()),
        pca(16, ERRORS),
    ),
    reference=Reference("mnist32", n=500),
    layer="192",
    notes=(
        "The narrow two-stage VAEs have the residual network of the full layout, with 8 channels and 16 latent units, "
        "no batch norm in the dense block, and transposed convolutions. Dai and Wipf train gamma by its gradient in "
        "both stages, from 1 and without a limit. Asperti and Trentin take the running average of the error, which "
        "never rises. The second stage has 3 x 128 units here, where their code has 1,024 and 2,048 (CelebA: 4,096).",
        "The RAEs have the network of Ghosh et al., with 8 channels and 16 latent units. Their weights beside 1/2 SSE "
        "are those for MNIST, times half of the 1,024 values. 1/2 ||z||^2 has the weight 0.0064 for L2 and GP, and "
        "0.576 for SN. L2 adds 5.12e-5 times the squared kernels of all transposed convolutions. GP adds 1.6e-6 times "
        "the squared gradient of the summed squared image. SN normalises the kernels of encoder and decoder.",
        "The first stages are trained for four epochs by Adam at 1e-3, and at half of it in the last epoch, with "
        "batches of 64 (Dai, Wipf) or 100 and one seed. The second stages have 10 epochs from 1e-3. The authors' "
        "schedules have 70 to 700 epochs. First runs at 3e-3 diverged: both two-stage VAEs ended with black images, "
        "and with codes that carry no information.",
        "Own sampler means the second stage, and for RAEs a mixture of 10 Gaussians on the codes. No sampler means "
        "N(0, I), and for RAEs one Gaussian with the mean and deviation of all numbers of all codes. Dai and Wipf "
        "draw codes with the noise of their second stage. Asperti and Trentin rescale its codes.",
        "KID compares 500 images with the first 500 test images, by features of the second max pool.",
    ),
    conclusions=baselines.conclusions,
)

if __name__ == "__main__":
    main(TABLE)
