"""green_vae: the runnable, verified reproduction of five papers on variational autoencoders, in Keras 3.

import green_vae as gv
model = gv.load("survey/resnet-s4-b64-l64", weights=None)
model.compile(optimizer="adam")
model.fit(gv.data.load("cifar10").images, batch_size=100)
images = model.generate(64)
"""

import importlib
import importlib.abc
import importlib.util
import sys

__version__ = "0.1.0"

# public name -> the module that is it, or "module:attribute"; imported when first asked for, so that `import green_vae`
# and `--help` are quick
_LAZY = {
    "list_presets": "green_vae.cards:list_presets",
    "load": "green_vae.presets:load",
    "fetch": "green_vae.presets:fetch",
    "load_sampler": "green_vae.presets:load_sampler",
    "save_preset": "green_vae.presets:save_preset",
    "train": "green_vae.presets:train",
    "PRESETS": "green_vae.presets:PRESETS",
    "MODELS": "green_vae.models:MODELS",
    "SAMPLERS": "green_vae.samplers:SAMPLERS",
    "DATASETS": "green_vae.data:DATASETS",
    "callbacks": "green_vae.training.callbacks",
    "layers": "green_vae.models.layers",
    "ledger": "green_vae.utils.ledger",
    "likelihood": "green_vae.models.likelihood",
    "losses": "green_vae.models.losses",
    **{name: f"green_vae.{name}" for name in ("cost", "data", "metrics", "models", "networks", "plots", "presets")},
    **{name: f"green_vae.{name}" for name in ("samplers", "training")},
}
__all__ = sorted(_LAZY)  # noqa: PLE0604


def __getattr__(name):
    if name not in _LAZY:
        raise AttributeError(f"module 'green_vae' has no attribute {name!r}")
    module, _, attribute = _LAZY[name].partition(":")
    found = importlib.import_module(module)
    return getattr(found, attribute) if attribute else found


def __dir__():
    return sorted([*globals(), *_LAZY])


class _WhenKerasComes(importlib.abc.MetaPathFinder):
    """Registers our classes with Keras as soon as somebody imports it, so that `keras.saving.load_model` knows them.

    Keras imports no class that a file names, unless it is its own. Importing Keras here instead would take seconds that
    `import green_vae` and the command line's help have no use for.
    """

    def find_spec(self, name, path=None, target=None):
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_and_register(module):
                run(module)
                importlib.import_module("green_vae.models")

            spec.loader.exec_module = run_and_register
        return spec


if "keras" in sys.modules:
    importlib.import_module("green_vae.models")
else:
    sys.meta_path.insert(0, _WhenKerasComes())
