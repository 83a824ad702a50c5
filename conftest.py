"""What every test process does before TensorFlow is imported: workers do not fight over the cores.

GREEN_VAE_TEST_OPTIMIZER=1 leaves TensorFlow's graph optimizer on, as users have it. It takes longer over each of the
many tiny networks here than all their steps, and changes none of the numbers that the tests compare.
"""

import gc
import os
import re
import sys

import pytest

for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.environ.setdefault(name, "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def pytest_configure(config):
    if hasattr(config, "workerinput") or not getattr(config.option, "numprocesses", None):  # who runs tests
        gc.disable()  # until all is imported, which stays
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


# The tests of one variant, table or model in these files share what takes long to make: they go to one worker, one
# after the other, and those of another one may go to another worker. All other files stay whole.
SPREAD = {
    "tests/experiments/test_gallery.py",
    "tests/experiments/test_table_scripts.py",
    "tests/models/test_every_model.py",
    "tests/presets/test_store.py",
}


def group(nodeid):
    """Of a test: its file; in `SPREAD` with the first of its parameters."""
    path, _, rest = nodeid.partition("::")
    parameter = re.search(r"\[([^-\]]*)", rest)
    return (path, parameter[1]) if path in SPREAD and parameter else (path, "")


def pytest_collection_finish():
    """What is imported by now stays: the collector need not walk through all of TensorFlow after every group."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items):
    order = {}
    for index, item in enumerate(items):
        order.setdefault(group(item.nodeid), index)
    items.sort(key=lambda item: order[group(item.nodeid)])


def pytest_runtest_teardown(item, nextitem):
    if nextitem is None or group(nextitem.nodeid) != group(item.nodeid):
        _forget_graphs()


def _forget_graphs():
    """Give back the memory of models that no test will see again: workers grew to 10 GB without this.

    TensorFlow registers the gradient of every swish in every graph by name, and never lets go of these graphs.
    """
    if "tensorflow" in sys.modules:
        from tensorflow.python.framework import ops

        registry = ops.gradient_registry._registry
        names = [name for name in registry if name.startswith("CustomGradient-")]
        for name in names:
            del registry[name]
        if names:
            gc.collect()


def pytest_xdist_make_scheduler(config, log):
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Spread(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return "::".join(group(nodeid))

    return Spread(config, log)
