"""Review, Table 1: the layers of the MLP VAE for CIFAR-10, with parameters and estimated sizes.

    python reproduce/review_table1.py                      # counted from the model in seconds; needs no data

Expected: every cell is "exact". Below them stands the table in the format of the paper.
"""

from green_vae.experiments import Reference, Row, Table, main
from green_vae.experiments.papers import review

PRESET = "review/mlp-cifar10"
# name, outputs for one image, parameters
LAYERS = (
    ("Linear-1", 512, 1573376),
    ("Linear-2", 256, 131328),
    ("Linear-3", 256, 131328),
    ("Encoder-4", 256, 0),
    ("Linear-5", 512, 131584),
    ("Linear-6", 3072, 1575936),
    ("Decoder-7", 3 * 32 * 32, 0),
)
COUNTS = {"Total params": 3543552, "Trainable params": 3543552, "Non-trainable params": 0}
SIZES = {
    "Input size (MB)": 0.01,
    "Forward/backward pass size (MB)": 0.06,
    "Params size (MB)": 13.52,
    "Estimated Total Size (MB)": 13.59,
}


def conclusions(report):
    from green_vae import presets

    yield f"As the paper prints it:\n\n```\n{review.as_printed(presets.preset(PRESET).blueprint())}\n```\n"


TABLE = Table(
    name="review_table1",
    title="Review, Table 1: the MLP VAE",
    source="Chakravarthy 2022, Variational Auto-Encoders (VAEs): A Review, Table 1",
    columns=(review.outputs(), review.params(), review.megabytes()),
    rows=(
        *(Row(name, {"outputs": outputs, "params": params}, PRESET) for name, outputs, params in LAYERS),
        *(Row(name, {"params": params}, PRESET) for name, params in COUNTS.items()),
        *(Row(name, {"mb": size}, PRESET) for name, size in SIZES.items()),
    ),
    reference=Reference("cifar10"),
    conclusions=conclusions,
    notes=(
        "Outputs is the product of the output shape in the paper, without the -1 of the batch.",
        "Linear-2 and Linear-3 are the two heads. Encoder-4 and Decoder-7 have no parameters but those of their "
        "layers. GELU and sigmoid are no layers in the paper's code, nor in this list.",
        "A MB has 2^20 bytes, a number 4; outputs count twice, for the forward and the backward pass.",
        "The text calls the model a CNN; its table and code are an MLP, built here.",
    ),
)

if __name__ == "__main__":
    main(TABLE)
