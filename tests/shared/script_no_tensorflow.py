"""The package where TensorFlow is not installed: python -I -S script_no_tensorflow.py PACKAGES REPOSITORY.

PACKAGES is a folder of installed packages without TensorFlow and its companions. Prints one JSON object.
"""

import importlib
import importlib.util
import json
import os
import pkgutil
import sys

os.environ["KERAS_BACKEND"] = "jax"
sys.path += sys.argv[1:3]
found = {name: importlib.util.find_spec(name) is not None for name in ("tensorflow", "tf_keras", "jax", "keras")}

import green_vae as gv  # noqa: E402

failed = {}
names = [module.name for module in pkgutil.walk_packages(gv.__path__, "green_vae.", onerror=lambda name: None)]
for name in names:
    if not name.endswith("__main__"):
        try:
            importlib.import_module(name)
        except Exception as error:
            failed[name] = f"{type(error).__name__}: {error}"

import keras  # noqa: E402
import numpy as np  # noqa: E402

keras.utils.set_random_seed(0)
images = np.random.default_rng(0).integers(0, 255, (8, 32, 32, 3), "uint8")
model = gv.models.VAE(image_shape=(32, 32, 3), latent_dim=4, network_options={"base": 2}, seed=0)
model.compile(optimizer="adam")
loss = model.fit(images, batch_size=8, verbose=0).history["loss"][0]
generated = model.generate(8)
evaluator = gv.metrics.FIDEvaluator(protocol="tiny")
moments = [evaluator.moments(x) for x in (images.astype("float32") / 255, generated)]
fid = evaluator.fid(*moments)["tiny"]

# the command line: train, the folder that ships, its samplers
config = {"image_shape": (32, 32, 1), "latent_dim": 4, "network": "mlp", "network_options": {"widths": (8,)}}
samplers = {"gmm": {}, "second_stage": {"widths": (8,), "batch_size": 20, "epochs": 2}}
recipe = gv.training.Recipe(1e-3, (), 20, 2)
gv.PRESETS["test/tiny"] = gv.presets.Preset("vae", config, "digits", recipe, "us", samplers=samplers, name="test/tiny")
command = ["train", "test/tiny", "--limit-train", "60", "--out", "run", "--whole-epochs", "--mixed-precision"]
found["exit"] = gv.cli.main(command)
trained = gv.load("run/model")
drawn = {name: trained.generate(3, gv.presets.load_sampler("run/model", name)) for name in samplers}
found["drawn"] = {name: [*images.shape, bool(np.isfinite(images).all())] for name, images in drawn.items()}
found["run"] = sorted(path for path in os.listdir("run/model"))
found |= {"backend": keras.backend.backend(), "modules": names, "failed": failed, "loss": loss, "fid": float(fid)}
found |= {"generated": list(generated.shape), "imported": [name for name in sys.modules if name == "tensorflow"]}
print(json.dumps(found))
