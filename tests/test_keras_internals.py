"""Private names of Keras stand in one file, and that file does what it says."""

import ast
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from green_vae import keras_internals

ROOT = Path(__file__).parents[1]
THE_FILE = ROOT / "green_vae" / "keras_internals.py"
PARTS = ("green_vae", "reproduce", "benchmarks", "tests")
FILES = sorted(path for part in PARTS for path in (ROOT / part).rglob("*.py"))
KERAS = ("keras.src", "keras.engine")
NAMES = re.compile(r"^_[a-z]\w*$")


def private_names_of_keras():
    """Every private attribute that a model, a layer, a call's record or an optimizer of Keras has by itself."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1), keras.layers.BatchNormalization()])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    node = next(iter(keras_internals.nodes_of(keras_internals.graph_in(model))))
    things = [model, keras_internals.graph_in(model), node, model.optimizer, *keras_internals.layers_inside(model)]
    return {name for thing in things for name in dir(thing) if NAMES.match(name)}


def uses(path):
    """Private names of Keras that a file asks any object for, or imports; its own definitions are not among them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    own |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr not in own:
            yield node.attr
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("getattr", "hasattr", "setattr"):
            yield from (one.value for one in node.args[1:2] if isinstance(one, ast.Constant))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(KERAS):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.startswith(KERAS))


def found_in(path):
    private = private_names_of_keras()
    return {name for name in uses(path) if name in private or name.startswith(KERAS)}


def test_private_names_of_keras_stand_in_one_file():
    private = private_names_of_keras()
    wrong = {path.name: names for path in FILES if path != THE_FILE and (names := private & set(uses(path)))}
    assert wrong == {}
    assert [path for path in FILES if any(name.startswith(KERAS) for name in uses(path))] == [THE_FILE]


@pytest.mark.parametrize(
    "text",
    ["x._functional", "getattr(x, '_inputs_struct', 0)", "from keras.src.ops import node", "import keras.src"],
)
def test_the_rule_can_fail(text, tmp_path):
    (tmp_path / "bad.py").write_text(text + "\n")
    assert len(found_in(tmp_path / "bad.py")) == 1


def test_the_file_holds_the_names_that_it_is_for():
    graph = {"_functional", "_nodes_by_depth", "_inputs_struct", "_inbound_nodes", "_outbound_nodes"}
    others = {"_flatten_layers", "_symbolic_build", "_get_variable_index", "_momentums", "_velocities"}
    assert found_in(THE_FILE) == graph | others | {"keras.src.backend.common.global_state"}


def test_graphs_and_layers_of_nested_models():
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    x = keras.Input((3,), name="x")
    outer = keras.Model({"x": x}, keras.layers.ReLU()(inner(x)))
    assert keras_internals.graph_in(outer) is outer and isinstance(keras_internals.graph_in(inner), keras.Function)
    assert keras_internals.graph_in(keras.layers.Dense(1)) is None
    names = [type(layer).__name__ for layer in keras_internals.layers_inside(outer, itself=False)]
    assert sorted(names) == ["Dense", "InputLayer", "InputLayer", "ReLU", "Sequential"]
    assert keras_internals.layers_inside(outer)[0] is outer
    assert len([node for node in keras_internals.nodes_of(outer) if not node.is_input]) == 2
    assert keras_internals.pack_inputs(outer, [1]) == {"x": 1}


def test_a_trial_call_leaves_no_trace():
    layer = keras.layers.Dense(2)
    layer(keras.Input((3,)))
    with keras_internals.forgetting_calls(layer):
        layer(keras.Input((3,)))
        assert keras_internals.calls_of(layer)[0] == 2
    assert keras_internals.calls_of(layer)[0] == 1


def test_a_weight_without_a_value_gets_none_later_on():
    """Keras would give it one when the next scope ends, of whomever: the network's memory would be taken after all."""
    made = []

    def value(shape, dtype):
        made.append(shape)
        return keras.ops.zeros(shape, dtype)

    with keras_internals.without_values():
        weight = keras.Variable(value, shape=(2, 3), dtype="float32")
    with keras.StatelessScope():
        pass
    assert weight.shape == (2, 3) and made == []
    with keras.StatelessScope():
        keras.Variable(value, shape=(4,), dtype="float32")
    assert made == [(4,)]


def test_the_moments_of_adam():
    weights = [keras.Variable([1.0, 2.0]), keras.Variable([3.0])]
    optimizer = keras.optimizers.Adam(beta_1=0.9, beta_2=0.999)
    optimizer.build(weights)
    optimizer.apply([keras.ops.zeros(2), keras.ops.ones(1)])
    assert keras_internals.variable_index(optimizer, weights[1]) == 1
    first, second = keras_internals.adam_moments(optimizer, 1)
    np.testing.assert_allclose([float(first[0]), float(second[0])], [0.1, 0.001], rtol=1e-5)  # of a gradient of 1
