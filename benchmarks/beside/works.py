"""What is measured, beside whom, and the marks."""

from dataclasses import dataclass

from beside import inputs
from beside.table import OURS


@dataclass(frozen=True)
class Work:
    """One row.

    Attributes:
        kind: name of a function of both workers, with spaces; "" for processes that start and end.
        sides: side -> type of numbers of a worker ("float32" or "bfloat16"), or arguments of Python. Ours is first.
        marks: peer -> the ratio that is aimed at, None for none.
        rounds: turns of each side by default.
        seconds: of a round on two free cores, and before the first round; only the time left is told from it.
        convolves: whether rates and kinds of operations are told.
    """

    kind: str
    sides: dict
    marks: dict
    rounds: int = 5
    seconds: tuple = (10, 15)
    convolves: bool = False

    def sizes(self, quick):
        return (inputs.QUICK if quick else inputs.SIZES).get(self.kind, {})


FLOAT32 = {OURS: "float32", "pythae": "float32"}
PYTHAE, KERAS_HUB = "import pythae.models, pythae.samplers, pythae.trainers", "import keras_hub"
OUR_IMAGE = """import green_vae as gv
model = gv.models.VAE(image_shape=(28, 28, 1), latent_dim=16, network="mlp", network_options={"widths": (512,)})
model.generate(1)
"""
THEIR_IMAGE = """from pythae.models import VAE, VAEConfig
from pythae.samplers import NormalSampler
NormalSampler(VAE(VAEConfig(input_dim=(1, 28, 28), latent_dim=16))).sample(1)
"""
WORKS = {
    "training, float32": Work("training", FLOAT32, {"pythae": 1.3}, seconds=(13, 30), convolves=True),
    "training, bfloat16": Work(
        "training",
        {OURS: "bfloat16", "pythae, float32": "float32", "pythae, autocast(bfloat16)": "bfloat16"},
        {"pythae, float32": 3.0, "pythae, autocast(bfloat16)": None},
        seconds=(16, 40),
        convolves=True,
    ),
    "Inception features, 299x299": Work(
        "features", {OURS: "float32", "pytorch-fid": "float32"}, {"pytorch-fid": 3.0}, seconds=(15, 25), convolves=True
    ),
    "Frechet distance, d = 2048": Work(
        "frechet", {OURS: "float32", "pytorch-fid": "float32"}, {"pytorch-fid": 5.0}, rounds=3, seconds=(18, 15)
    ),
    "generation": Work("generation", FLOAT32, {"pythae": 1.3}, seconds=(6, 20), convolves=True),
    "mixture of 10 Gaussians": Work("mixture", FLOAT32, {"pythae": 1.0}, seconds=(6, 15)),
    "second stage, 5 epochs": Work("second stage", FLOAT32, {"pythae": 1.0}, rounds=3, seconds=(18, 20)),
    "import": Work(
        "",
        {OURS: ("-c", "import green_vae"), "pythae": ("-c", PYTHAE), "keras-hub": ("-c", KERAS_HUB)},
        {"pythae": 1.0, "keras-hub": 1.0},
        rounds=3,
        seconds=(9, 9),
    ),
    "command line (theirs: an import)": Work(
        "",
        {OURS: ("-m", "green_vae", "list"), "pythae": ("-c", PYTHAE), "keras-hub": ("-c", KERAS_HUB)},
        {"pythae": 1.0, "keras-hub": 1.0},
        rounds=3,
        seconds=(9, 9),
    ),
    "import, a new VAE and one image": Work(
        "", {OURS: ("-c", OUR_IMAGE), "pythae": ("-c", THEIR_IMAGE)}, {"pythae": None}, rounds=3, seconds=(9, 9)
    ),
}
