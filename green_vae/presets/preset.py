"""What a preset is."""

from dataclasses import dataclass, field

from green_vae.models import MODELS
from green_vae.models.undrawn import no_weights, python_seed, undrawn_weights
from green_vae.samplers import SAMPLERS
from green_vae.training import Recipe

DIGITS, FACES = (28, 28, 1), (64, 64, 3)  # images of MNIST as they are, and of CelebA


@dataclass(frozen=True)
class Preset:
    """One trained model of a paper.

    Attributes:
        model: a name of `green_vae.models.MODELS`.
        config: its arguments.
        dataset: what it is trained on, a name of `green_vae.data.DATASETS`.
        recipe: how.
        source: paper and table.
        codes: which codes the samplers are fitted on: "mean" of the posterior, or one "sample" from it.
        samplers: those that ship with trained weights: a name of `green_vae.samplers.SAMPLERS` -> its arguments.
        name: of the preset, as `green_vae.presets.preset` fills it in.
        without: label of the training images that are left out; None for none.
    """

    model: str
    config: dict
    dataset: str
    recipe: Recipe
    source: str
    codes: str = "mean"
    samplers: dict = field(default_factory=lambda: {"gmm": {}})
    name: str = ""
    without: int | None = None

    def training_set(self, read):
        """The `data.Dataset` that the model is trained on, of `read(name, split)`."""
        whole = read(self.dataset, "train")
        return whole if self.without is None else whole[whole.labels != self.without]

    def build(self, seed=None):
        """The model with fresh weights; the same ones for the same seed."""
        with python_seed(seed):
            return MODELS[self.model](**self.config, **({} if seed is None else {"seed": seed}))

    def outline(self, seed=None):
        """The model with weights of 0, to read weights into. On JAX it is built many times faster."""
        with undrawn_weights():
            return self.build(seed)

    def blueprint(self):
        """The model whose weights have shapes and no values: to be counted, and for nothing else."""
        with no_weights():
            return self.build()

    def new_sampler(self, name, **settings):
        """A sampler of latent codes, not yet fitted; `settings` go before the preset's."""
        return SAMPLERS[name](**{**self.samplers.get(name, {}), **settings})
