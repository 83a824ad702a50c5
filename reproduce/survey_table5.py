"""Survey, Table 5: parameters, FLOPs and seconds on CIFAR-10, and which measure of cost predicts the seconds.

    python reproduce/survey_table5.py                       # on as many images as a few seconds allow, then scaled
    python reproduce/survey_table5.py --limit-eval 10000    # the paper's protocol: hours on 2 cores

Expected: counts "exact"; seconds of another machine, and FLOPs that do not tell them: rank correlations with
parameters, FLOPs, memory traffic and number of layers stand below the table, for the paper's seconds and for ours.
"""

from green_vae.experiments import Reference, Row, Table, columns, main
from green_vae.experiments.survey import SOURCE
from green_vae.experiments.timing import BATCHES, NOTES, conclusions, layer_calls, memory_traffic, seconds

NOT_BUILT = "not built yet: the hierarchical models"


def row(name, parameters, mflops, *times, missing=""):
    """times: seconds at batches of 100, 10 and 1, each followed by the printed plus-minus."""
    spreads = dict(zip(BATCHES, times[1::2], strict=True))
    own = {} if missing else {"traffic_mb": None, "calls": None}
    return Row(
        name,
        {
            "params": parameters,
            "flops_m": mflops,
            **own,
            **{f"bs{batch}_s": mean for batch, mean in zip(BATCHES, times[::2], strict=True)},
        },
        preset="" if missing else "survey/" + name.lower(),
        notes={f"bs{batch}_s": f"the paper prints +- {spread} s" for batch, spread in spreads.items()},
        missing=missing,
    )


TABLE = Table(
    name="survey_table5",
    title="Survey, Table 5: parameters, FLOPs and seconds for 10,000 images",
    source=SOURCE + ", Table 5 (workstation: GTX 1060, i7-7700K)",
    columns=(
        columns.parameters(),
        columns.flops(),
        memory_traffic(),
        layer_calls(),
        *(seconds(batch) for batch in BATCHES),
    ),
    rows=(
        row("CNN-b128-l128", 31034755, 2397, 5.8, 0.1, 9.0, 0.1, 54.1, 0.4),
        row("L2-RAE-b128-l128", 30510339, 2395, 11.6, 0.2, 13.9, 0.2, 57.3, 0.5),
        row("GP-RAE-b128-l128", 30510339, 2395, 12.5, 0.2, 14.1, 0.2, 56.3, 0.5),
        row("Resnet-s4-b48-l128", 16179363, 1431, 4.9, 0.2, 8.8, 0.2, 49.5, 0.4),
        row("Resnet-s4-b48-l100", 16064619, 1430, 4.8, 0.2, 8.7, 0.2, 49.1, 0.4),
        row("Resnet-s4-b64-l64", 27766275, 2539, 7.2, 0.2, 13.5, 0.2, 78.6, 0.5),
        row("HFVAE-s4-z4-l48", 27139755, 1163, 13.1, 0.2, 29.2, 0.3, 207.0, 1.1, missing=NOT_BUILT),
        row("HFVAE-s4-z12-l64", 48113051, 2085, 21.3, 0.3, 48.7, 0.4, 325.2, 1.6, missing=NOT_BUILT),
    ),
    reference=Reference("cifar10"),
    notes=NOTES,
    conclusions=conclusions,
)

if __name__ == "__main__":
    main(TABLE)
