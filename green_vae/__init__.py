"""green_vae: the runnable, verified reproduction of five papers on variational autoencoders, in Keras 3.

import green_vae as gv
model = gv.load("survey/resnet-s4-b64-l64", weights=None)
model.compile(optimizer="adam")
model.fit(gv.data.load("cifar10").images, batch_size=100)
images = model.generate(64)
"""

import importlib

__version__ = "0.1.0"

# name -> module that defines it; imported when first asked for, so that `import green_vae` and `--help` are quick
_LAZY = {
    "load": "green_vae.presets",
    "load_sampler": "green_vae.presets",
    "save_preset": "green_vae.zoo",
    "PRESETS": "green_vae.presets",
    "MODELS": "green_vae.models",
    "SAMPLERS": "green_vae.samplers",
    "DATASETS": "green_vae.data",
    **{name: f"green_vae.{name}" for name in ("cost", "data", "layers", "losses", "metrics", "models", "networks")},
    **{
        name: f"green_vae.{name}"
        for name in ("callbacks", "ledger", "likelihood", "plots", "presets", "samplers", "training")
    },
}
__all__ = sorted(_LAZY)  # noqa: PLE0604


def __getattr__(name):
    if name not in _LAZY:
        raise AttributeError(f"module 'green_vae' has no attribute {name!r}")
    module = importlib.import_module(_LAZY[name])
    return module if _LAZY[name] == f"green_vae.{name}" else getattr(module, name)


def __dir__():
    return sorted([*globals(), *_LAZY])
