"""The controller of ControlVAE, against closed forms of its response."""

import numpy as np
import pytest
from core_models import blobs, build
from keras import ops

from green_vae.models.control_vae import KLController

close = np.testing.assert_allclose


def weights(controller, kls):
    """The weight after each of these KLs."""
    seen = []
    for kl in kls:
        controller.update(np.float32(kl))
        seen.append(float(controller.value()))
    return np.array(seen)


@pytest.mark.parametrize(("kl", "highest"), [(13.0, 1.0), (13.0, 0.02), (7.0, 1.0)])
def test_a_constant_error_is_answered_by_a_ramp(kl, highest):
    """w_t = lowest + Kp / (1 + exp(e)) - Ki t e within its limits; 3 nats above the target it rises, below it falls."""
    controller, lowest = KLController(10.0, 0.01, 1e-3, 0.005, highest), 0.005
    assert float(controller.value()) == pytest.approx(lowest)
    error, steps = 10.0 - kl, np.arange(1, 21)
    ramp = lowest + 0.01 / (1 + np.exp(error)) - 1e-3 * steps * error
    close(weights(controller, [kl] * 20), np.clip(ramp, lowest, highest), rtol=1e-5)


def test_a_linear_model_reaches_its_target_geometrically():
    """KL = 30 - 50 w and no proportional part: the distance to w = 0.4 shrinks by 1 - 50 Ki with every batch."""
    controller, seen = KLController(10.0, 0.0, 2e-3), [0.0]
    for _ in range(60):
        controller.update(30.0 - 50.0 * seen[-1])
        seen.append(float(controller.value()))
    close(seen, 0.4 * (1 - (1 - 50 * 2e-3) ** np.arange(61)), rtol=1e-5)


@pytest.mark.parametrize(("far", "near", "limit"), [(50.0, 9.0, 1.0), (0.0, 11.0, 0.0)])
def test_what_was_held_at_a_limit_comes_back_at_once(far, near, limit):
    """A sum that went on would need as many batches of the other sign, each with a fortieth of the error."""
    controller = KLController(10.0, 0.01, 0.01)
    assert weights(controller, [far] * 500)[-1] == limit
    back = weights(controller, [near] * 3)
    assert np.all(np.diff(np.abs(back - limit)) > 0) and abs(back[0] - limit) > 0


def test_its_state_goes_on_to_the_bit(tmp_path):
    model, other, x = build("control_vae"), build("control_vae", seed=8), blobs(8)
    model.compile(optimizer="adam")
    model.fit(x, batch_size=2, verbose=0)
    model.save_weights(tmp_path / "half.weights.h5")
    other.load_weights(tmp_path / "half.weights.h5")
    kls = [40.0, 3.0, 1.0, 7.7]
    assert float(model.controller.total.numpy()) != 0
    np.testing.assert_array_equal(weights(model.controller, kls), weights(other.controller, kls))


def test_the_kl_of_a_batch_moves_the_weight_of_the_next():
    model = build("control_vae", target_kl=2.0, integral=0.25)
    means = {"reconstruction": ops.convert_to_tensor(9.0), "kl": ops.convert_to_tensor(3.0)}
    before = float(model.term_weights()["kl"])
    model.update_schedule(means)
    expected = 0.01 / (1 + np.exp(-1.0)) + 0.25
    assert before == 0 and float(model.term_weights()["kl"]) == pytest.approx(expected)
    assert float(model.schedule_state()["kl_weight"]) == pytest.approx(expected)


@pytest.mark.parametrize(
    "wrong", [{"target": 0.0}, {"integral": -1.0}, {"lowest": -0.1}, {"lowest": 1.0}, {"highest": float("nan")}]
)
def test_what_is_no_controller_is_refused(wrong):
    with pytest.raises(ValueError, match="Received: "):
        KLController(**{"target": 5.0, **wrong})
