"""Survey, Table 2: variational and regularised autoencoders on CIFAR-10.

    python reproduce/survey_table2.py                      # parameters and FLOPs to the digit, in under a minute
    python reproduce/survey_table2.py --train --rows CNN   # trains by the recipe: days on a CPU, hours on a GPU

Expected: every parameter and FLOP cell of the CNN, RAE and Resnet rows "exact".
"""

from green_vae.experiments import Reference, Table, main
from green_vae.experiments.survey import COLUMNS, NOTES, SAMPLERS, SOURCE, row

NOT_BUILT = "not built yet: the hierarchical models"
ROWS = (
    row("CNN-b128-l128", 31034755, 2397, 2.8, 27.6, 96.2, 96.8, 89.0, preset="survey/cnn-b128-l128"),
    row("L2-RAE-b128-l128", 30510339, 2395, 1.2, 9.9, 108.1, 88.4, 78.2, preset="survey/l2-rae-b128-l128"),
    row("GP-RAE-b128-l128", 30510339, 2395, 1.2, 10.6, 118.0, 97.6, 76.4, preset="survey/gp-rae-b128-l128"),
    row("Resnet-s4-b48-l128", 16179363, 1431, 1.5, 37.2, 110.0, 93.9, 96.3, preset="survey/resnet-s4-b48-l128"),
    row("Resnet-s4-b48-l100", 16064619, 1430, 1.6, 37.5, 102.9, 88.4, 91.4, preset="survey/resnet-s4-b48-l100"),
    row("Resnet-s4-b64-l64", 27766275, 2539, 1.7, 36.5, 94.2, 78.8, 85.1, preset="survey/resnet-s4-b64-l64"),
    row("HFVAE-s4-z4-l48", 27139755, 1163, 1.8, 45.9, 93.3, 90.8, 90.0, missing=NOT_BUILT),
    row("HFVAE-s4-z12-l64", 48113051, 2085, 1.3, 33.3, 89.0, 85.7, 86.4, missing=NOT_BUILT),
    row("NVAE-z10-b100-l4", 8305521, 4478, 3.2, 62.6, 96.1, 87.4, 91.4, missing=NOT_BUILT),
)
TABLE = Table(
    name="survey_table2",
    title="Survey, Table 2: CIFAR-10",
    source=SOURCE + ", Table 2",
    columns=COLUMNS,
    rows=ROWS,
    reference=Reference("cifar10"),
    samplers=SAMPLERS,
    notes=NOTES,
)

if __name__ == "__main__":
    main(TABLE)
