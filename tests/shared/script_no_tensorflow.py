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
found |= {"backend": keras.backend.backend(), "modules": names, "failed": failed, "loss": loss, "fid": float(fid)}
found |= {"generated": list(generated.shape), "imported": [name for name in sys.modules if name == "tensorflow"]}
print(json.dumps(found))
