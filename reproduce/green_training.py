"""Survey, section on regularised autoencoders: what does a training step cost, with the gradient penalty and without?

    python reproduce/green_training.py                  # counts, and seconds of training steps: 10 minutes on 2 cores
    python reproduce/green_training.py --rows L2 GP     # the two that the remark is about

The survey remarks that GP-RAE, the autoencoder with a gradient penalty, trains about ten times slower than L2-RAE.
Expected: a step takes about twice the FLOPs, because the penalty differentiates the decoder once more. So it does not
take ten times the seconds.
"""

from green_vae.experiments import Reference, Row, Table, columns, main
from green_vae.experiments.papers.survey import SOURCE
from green_vae.experiments.timing import step_seconds, training_gflops

MEASURED = ("flops_m", "train_gflops", "step_s")


def row(name):
    return Row(name, dict.fromkeys(MEASURED), preset="survey/" + name.lower())


def conclusions(report):
    """GP-RAE against L2-RAE, in words."""
    rows = report["rows"]
    for column, what in (("train_gflops", "FLOPs"), ("step_s", "time")):
        slow, quick = (rows[name][column]["value"] for name in ("GP-RAE-b128-l128", "L2-RAE-b128-l128"))
        if slow and quick and not report["smoke"]:
            ratio = slow / quick
            yield f"A training step of GP-RAE takes {ratio:.2f} times the {what} of L2-RAE's (survey: about ten)."


TABLE = Table(
    name="green_training",
    title="What training costs on CIFAR-10, per image and per step of 100",
    source=SOURCE + ", remark in the section on regularised autoencoders",
    columns=(columns.flops(), training_gflops(), step_seconds()),
    rows=tuple(
        row(name)
        for name in (
            "CNN-b128-l128",
            "L2-RAE-b128-l128",
            "GP-RAE-b128-l128",
            "SN-RAE-b128-l128",
            "Resnet-s4-b48-l128",
        )
    ),
    reference=Reference("cifar10"),
    notes=(
        "Training FLOPs are counted on the compiled step: loss and gradients, without the optimizer's few operations.",
        "Seconds: random pixels, fresh weights, after compilation.",
    ),
    conclusions=conclusions,
)

if __name__ == "__main__":
    main(TABLE)
