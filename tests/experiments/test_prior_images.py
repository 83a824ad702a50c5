"""Images from a model's prior: the same in tables, by a sampler and by `generate`, and nothing is encoded for them."""

from types import SimpleNamespace

import numpy as np
import pytest
from core_models import build

from green_vae.experiments.run import Run
from green_vae.samplers import Prior

N, SEED = 7, 3


class Row(Run):
    """A row with a model in hand, whose codes nobody may ask for."""

    settings, preset, train_images = SimpleNamespace(seed=SEED), SimpleNamespace(codes="mean"), np.zeros(5)
    reference_count, trained = N, property(lambda self: self.model)

    def __init__(self, model):
        self.model = model

    def identity(self):
        return {"weights": "w"}

    def codes(self, split="train"):
        pytest.fail(f"the {split} images were encoded")


@pytest.mark.parametrize("variant", ["vae", "ladder_vae"])
def test_fault_10_prior_images_are_those_of_generate_and_need_no_codes(variant):
    model = build(variant)
    images = np.concatenate(list(Row(model).images("prior")))
    np.testing.assert_array_equal(images, model.generate(N, seed=SEED))


def test_fault_10_the_sampler_of_the_prior_draws_what_the_model_draws():
    model = build("vae")
    sampler = Prior().fit(np.zeros((1, model.latent_dim)))
    np.testing.assert_array_equal(sampler.sample(N, seed=SEED), model.draw(N, SEED))
