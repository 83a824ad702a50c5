"""Survey, on samplers: how far do the codes that a sampler draws lie from the codes of images?

    python reproduce/survey_codes.py                       # weights that ship; a quarter of an hour on 2 cores
    python reproduce/survey_codes.py --rows Resnet --limit-eval 1000

A decoder has learnt to decode codes of training images. A sampler is good if its codes are like these. So this distance
says, without Inception, whether the sampler or the decoder is to blame for bad samples. The survey (its section on the
aggregate posterior) says that a second stage and a mixture both bridge the gap between the codes and N(0, I).

Expected: the mixture comes about as near as codes of other images do. The second stage lies between it and the prior.
"""

from functools import partial

from green_vae.experiments import Column, Reference, Row, Table, main
from green_vae.experiments.papers.survey import SAMPLERS, SOURCE
from green_vae.experiments.papers.survey_samplers import distance, drawn
from green_vae.experiments.spec import Measurement

KINDS = {"prior": "prior", "second_stage": "second stage", "gmm": "mixture"}
NAMES = ("spread", "training", *KINDS)
WITHOUT = tuple(name for name in NAMES if name != "second_stage")  # of models that ship none


def spread(run):
    variance = run.codes("test").var(axis=0).mean()
    return Measurement(float(variance), made=f"codes of the {run.reference_count:,} test images")


def of_training(run):
    # not `run.codes()`, which encodes all of them
    images, sample = run.train_images[: run.reference_count], run.preset.codes == "sample"
    made = f"codes of the first {len(images):,} training images"
    codes = run.trained.encode(images, sample=sample, seed=run.settings.seed)
    return Measurement(distance(run, codes), made=made, images=len(codes))


def of_drawn(run, kind):
    codes, made = drawn(run, kind)
    return Measurement(distance(run, codes), made=made, images=run.reference_count)


def identity(quantity):
    def own(run):
        found = {**run.identity(), "n": run.reference_count, "codes": run.preset.codes, "quantity": quantity}
        return found if quantity == "spread" else {**found, **run.limited()}

    return own


def column(kind):
    return Column(
        kind,
        f"distance: {KINDS[kind]}",
        partial(of_drawn, kind=kind),
        lambda run: {**identity(f"codes of {kind}")(run), "sampler": run.new_sampler(kind).settings()},
        format="{:,.4f}",
    )


def row(name, preset, columns=NAMES):
    return Row(name, dict.fromkeys(columns), preset=preset)


TABLE = Table(
    name="survey_codes",
    title="Codes that samplers draw, beside the codes of images",
    source=f"{SOURCE}, sections on the aggregate posterior and on two-stage models",
    columns=(
        Column("spread", "variance of codes", spread, identity("spread"), format="{:,.3f}"),
        Column("training", "distance: training images", of_training, identity("training"), format="{:,.4f}"),
        *map(column, KINDS),
    ),
    rows=(
        row("Resnet-s4-b48-l128", "survey/resnet-s4-b48-l128"),
        row("HFVAE-s4-z4-l48", "survey/hfvae-s4-z4-l48", WITHOUT),
        row("Split-VAE", "svae/cifar10", WITHOUT),
        row("ResLag study, multi-level Optimal Sigma", "boon/optimal-sigma-multi-level-cifar10", WITHOUT),
        row("ResLag study, light ResLag-VAE", "boon/reslag-light-cifar10", WITHOUT),
        row("mini CNN", "survey/cnn-mini"),
        row("mini L2-RAE", "survey/l2-rae-mini"),
        row("mini GP-RAE", "survey/gp-rae-mini"),
    ),
    reference=Reference("cifar10"),
    samplers=SAMPLERS,
    notes=(
        "The distance is the Frechet distance between Gaussians with the mean and covariance of two sets of codes, "
        "divided by the number of latent units, so that rows compare. Two sets of the same origin have a distance "
        "above 0, too, and the more units there are, the larger it is. The distance of training images shows how "
        "large.",
        "All distances are to the codes of the same 10,000 test images. The prior of a regularised autoencoder is one "
        "Gaussian with a single variance, fitted on its codes.",
        "The codes of HFVAE are those of the innermost group. The groups below it draw from priors of their own.",
    ),
)

if __name__ == "__main__":
    main(TABLE)
