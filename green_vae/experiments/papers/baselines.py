"""Baselines of the survey and of Split-VAE, narrow: the variances that both stages come to, and their counts."""

from green_vae.cost import parameters
from green_vae.experiments.spec import Column, Measurement, Sampling
from green_vae.models.undrawn import undrawn_weights

COUNTED = {  # row -> preset, at full width
    "2S-VAE (Dai, Wipf), CIFAR-10": "baselines/dai-wipf-cifar10",
    "2S-VAE (Dai, Wipf), CelebA": "baselines/dai-wipf-celeba",
    "2S-VAE (Asperti, Trentin), CIFAR-10": "baselines/asperti-trentin-cifar10",
    "2S-VAE (Asperti, Trentin), CelebA": "baselines/asperti-trentin-celeba",
}
ROWS = {  # narrow
    "mini 2S-VAE (Dai, Wipf)": "baselines/dai-wipf-mini",
    "mini 2S-VAE (Asperti, Trentin)": "baselines/asperti-trentin-mini",
    "mini RAE-L2 (Ghosh)": "baselines/ghosh-l2-mini",
    "mini RAE-GP (Ghosh)": "baselines/ghosh-gp-mini",
    "mini RAE-SN (Ghosh)": "baselines/ghosh-sn-mini",
}
TWO_STAGE = [row for row, preset in ROWS.items() if "2S-VAE" in row]
STAGE = ("stage_params", "variance", "code_variance")  # columns of two-stage VAEs alone
OWN = "own"  # kind of images: by the sampler of the row's own paper


def sampling(row):
    """The row's own sampler, whose settings are those of its preset."""
    return {OWN: Sampling("second_stage" if "2S-VAE" in row else "gmm")}


def stage_parameters():
    """Encoder and decoder of the second stage, as Keras counts them."""

    def measure(run):
        with undrawn_weights():
            stage = run.new_sampler(OWN).network(run.blueprint.latent_dim)
        return Measurement(parameters(*stage.networks().values()))

    return Column("stage_params", "params, second stage", measure, format="{:,.0f}")


def variance():
    """gamma of a pixel in the first stage after its training, trained or computed, times 1000."""

    def measure(run):
        return Measurement(1000 * run.trained.observation()[1] ** 2)

    def identity(run):
        return {**run.identity(), "quantity": "variance"}

    return Column("variance", "gamma x 1000, first stage", measure, identity, format="{:,.2f}")


def code_variance():
    """gamma of one number of a code in the second stage after its training."""

    def measure(run):
        return Measurement(run.sampler(OWN).model_.observation()[1] ** 2, made=run.made(OWN))

    def identity(run):
        return {**run.image_identity(OWN), "quantity": "code_variance"}

    return Column("code_variance", "gamma, second stage", measure, identity, format="{:,.3f}")


def conclusions(report):
    """How near the variance of the likelihood has come to the error, which is its optimum, in words."""
    told = []
    for row in TWO_STAGE:
        gamma, error = (report["rows"][row][column]["value"] for column in ("variance", "mse_train_x1e3"))
        if None not in (gamma, error):
            told.append(f"{row.removeprefix('mini ')} {gamma / error:.2f}")
    if told and not report["smoke"]:
        yield f"gamma of the first stage, as a multiple of its optimum, the mean squared error: {', '.join(told)}."
