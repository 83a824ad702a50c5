"""The callback that writes what an epoch cost beside its losses."""

import keras
import numpy as np
import pytest

from green_vae.cost import Energy
from green_vae.models import VAE
from green_vae.training import Recipe, train
from green_vae.training.account import EnergyLog


class Meter:
    """1000 net joules more at every use, or nothing."""

    uses = 0

    def __init__(self, available=True):
        self.available = available

    def __enter__(self):
        Meter.uses += 1

    def __exit__(self, *error):
        source = ("measured", "gpu") if self.available else ("unavailable", "")
        self.energy = Energy(1000.0 * Meter.uses if self.available else None, 2.0, *source)


@pytest.fixture(autouse=True)
def fresh():
    Meter.uses = 0


def fit(log, n=20, batch_size=8, **options):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    x = np.zeros((n, 3))
    return model.fit(x, x[:, :1], batch_size=batch_size, verbose=0, callbacks=[log], **options).history


def test_what_every_epoch_cost():
    log = EnergyLog(Meter, flops_per_image=50)
    history = fit(log, epochs=2)
    assert history["kwh"] == pytest.approx([1000 / 3.6e6, 2000 / 3.6e6])
    assert history["seconds"] == [2, 2]
    assert history["images"] == [20, 20]  # the last batch of each epoch is smaller
    assert history["flops"] == [1000, 1000]
    assert [energy.scope for energy in log.energies] == ["gpu", "gpu"]


def test_an_unavailable_figure_is_left_out_and_never_zero():
    log = EnergyLog(lambda: Meter(available=False))
    history = fit(log)
    assert set(history) == {"loss", "seconds", "images"}
    assert [energy.source for energy in log.energies] == ["unavailable"]


def test_validation_is_left_out():
    log = EnergyLog(Meter)
    history = fit(log, epochs=2, validation_data=(np.zeros((5, 3)), np.zeros((5, 1))))
    assert history["images"] == [20, 20]
    assert Meter.uses == len(log.energies) == 2


def test_steps_that_the_device_still_has_to_do_are_part_of_the_epoch(monkeypatch):
    """JAX begins validation while steps of training are under way: of an epoch of 3 s it counted 0.6 s."""
    order = []

    class Ordered(Meter):
        def __exit__(self, *error):
            order.append("stopped")
            super().__exit__(*error)

    monkeypatch.setattr("green_vae.training.account.wait_for", lambda model: order.append("waited"))
    fit(EnergyLog(Ordered), epochs=2, validation_data=(np.zeros((5, 3)), np.zeros((5, 1))))
    assert order == ["waited", "stopped"] * 2


def test_in_a_recipe_the_history_on_disk_holds_it(tmp_path):
    model = VAE(image_shape=(32, 32, 1), latent_dim=4, network_options={"base": 2}, seed=0)
    images = np.random.default_rng(0).integers(0, 255, (10, 32, 32, 1), "uint8")
    history = train(model, images, Recipe(batch_size=4), tmp_path / "run", epochs=2, callbacks=[EnergyLog(Meter)])
    assert [line["images"] for line in history] == [8, 8]  # the recipe drops the incomplete batch
    assert all(line["kwh"] > 0 and np.isfinite(line["loss"]) for line in history)
