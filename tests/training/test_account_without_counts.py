"""Fault 13: a training goes on where its FLOPs cannot be counted, and what was used instead is said."""

import keras
import pytest
from core_models import build

from green_vae import cost
from green_vae.cost import training as counting
from green_vae.training import account


@pytest.fixture(scope="module")
def model():
    return build("review_vae")


def test_fault_13_a_graph_that_cannot_be_counted_is_estimated_with_a_warning(model, monkeypatch):
    def refuse(*args, **kwargs):
        raise TypeError("'NoneType' object is not subscriptable")

    for backend in ("tensorflow", "jax"):
        monkeypatch.setattr(counting, f"_{backend}_flops", refuse)
    with pytest.warns(UserWarning, match="estimated as 3 x the forward pass .TypeError: 'NoneType' object"):
        log = account.energy_log(model, 10)
    assert log.flops_source == "estimated"
    assert log.flops_per_image == 3 * sum(cost.flops(network, "macs") for network in model.networks().values())


def test_fault_13_a_model_that_no_rule_counts_is_trained_all_the_same(model, monkeypatch):
    monkeypatch.setattr(counting, "flops", lambda *args: cost.flops(3))
    with pytest.warns(UserWarning, match="FLOPs of this training are not known: .*Received: 3"):
        log = account.energy_log(model, 10)
    assert log.flops_per_image is None and log.flops_source is None


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="XLA's cost analysis, as JAX hands it on")
def test_fault_13_no_cost_analysis_as_on_cuda(model, monkeypatch):
    import jax

    monkeypatch.setattr(jax.stages.Lowered, "cost_analysis", lambda self: None)
    with pytest.warns(UserWarning, match="XLA analyses no costs here. Received: None"):
        assert cost.training_flops(model, 4).source == "estimated"


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="once is enough")
def test_fault_13_where_the_figure_comes_from_is_said(model):
    assert account.energy_log(model, 10).flops_source == "tensorflow graph"
    assert account.energy_log(model, 10, estimate=True).flops_source == "estimated"
