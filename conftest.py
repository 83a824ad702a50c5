"""What every test process does before TensorFlow is imported: workers do not fight over the cores.

GREEN_VAE_TEST_OPTIMIZER=1 leaves TensorFlow's graph optimizer on, as users have it. It takes longer over each of the
many tiny networks here than all their steps, and changes none of the numbers that the tests compare.
"""

import gc
import os

import pytest

for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.environ.setdefault(name, "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
gc.set_threshold(100_000, 10, 10)  # tracing makes objects by the million, and most of them stay


def pytest_configure(config):
    _optimize_graphs("GREEN_VAE_TEST_OPTIMIZER" in os.environ)


@pytest.fixture(scope="module")
def graph_optimizer():
    """TensorFlow's graph optimizer, for a module that compares numbers, bit by bit, with those of another process."""
    _optimize_graphs(True)
    yield
    _optimize_graphs("GREEN_VAE_TEST_OPTIMIZER" in os.environ)


def _optimize_graphs(on):
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        return
    try:
        import tensorflow as tf
    except ImportError:  # the package works on JAX alone
        return
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": not on})


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Give every test the group of its file; in a file with `SPREAD`, names of arguments, one group for each value.

    `--dist loadgroup` runs a group in one worker, one test after the other, so that what they share is made once.
    """
    for item in items:
        values = getattr(getattr(item, "callspec", None), "params", {})
        found = [values[name] for name in getattr(item.module, "SPREAD", ()) if name in values]
        spread = [str(value[0] if isinstance(value, tuple) else value) for value in found]
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group("-".join([item.path.stem, *spread])))
    order = {}
    for index, item in enumerate(items):
        order.setdefault(_group(item), index)
    items.sort(key=lambda item: order[_group(item)])


def _group(item):
    return str(item.path), item.get_closest_marker("xdist_group").args[0]
