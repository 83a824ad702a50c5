"""What Tables 2 and 3 of the survey share: columns, protocol, remarks."""

from green_vae.experiments import columns
from green_vae.experiments.spec import Row, Sampling

SOURCE = "Asperti, Evangelista, Loli Piccolomini 2021, A Survey on Variational Autoencoders from a Green AI Perspective"
NAMES = ("params", "flops_m", "mse_x1e3", "fid_rec", "fid_gen1", "fid_gen2", "fid_gmm")


def row(name, *numbers, preset="", **options):
    """A row of Table 2 or 3: the printed numbers in the order of `NAMES`."""
    return Row(name, dict(zip(NAMES, numbers, strict=True)), preset=preset, **options)


COLUMNS = (
    columns.parameters(),
    columns.flops(),
    columns.mse(),
    columns.fid("fid_rec", "reconstructions", "FID REC"),
    columns.fid("fid_gen1", "prior", "FID GEN1"),
    columns.fid("fid_gen2", "second_stage", "FID GEN2"),
    columns.fid("fid_gmm", "gmm", "FID GMM"),
)
NOTES = (
    "REC: reconstructions (with sampled codes) of the first training images; GEN1: codes from N(0, I), for the RAEs "
    "from one scalar Gaussian; GEN2: codes from the second-stage VAE; GMM: codes from a mixture of 10 Gaussians.",
    "FID by the survey's protocol: Inception v3 of TF-Slim/Keras, bilinear to 299x299, first 10,000 test images.",
    "The FLOPs of the Resnet rows count every up-step at its output size: 2x repetition, then a convolution. That is "
    "the network built here; the paper's code has transposed convolutions, which have the same parameters and a "
    "quarter of the cost.",
    "Tolerances, fixed beforehand: counts equal; MSE and FID within 10 % and nothing shortened count as reproduced.",
)
SAMPLERS = {
    "gmm": Sampling("gmm", {"n_components": 10}),
    "second_stage": Sampling("second_stage", {"reconstruction": "cosine"}),
}
