"""The worker of green_vae: `python -m beside.ours`, with Keras's backend of the environment."""

import tempfile
import time
from pathlib import Path

import keras
import numpy as np

import green_vae as gv
from beside import inputs
from beside.protocol import serve
from green_vae.cost import flops, trainable_parameters, training_flops
from green_vae.metrics.frechet import frechet_distance
from green_vae.metrics.inception import SIZE, InceptionExtractor
from green_vae.metrics.stream import batches
from green_vae.training import Batches, Recipe
from green_vae.training.loop import compile_by


def nothing(_):
    return {}


def network(base):
    """The survey's convolutional VAE with `base` channels after its first convolution."""
    config = gv.PRESETS["survey/cnn-b128-l128"].config
    assert (config["latent_dim"], config["beta"]) == (inputs.LATENT, inputs.BETA), config
    return gv.models.VAE(**{**config, "network_options": {"base": base}}, seed=0)


def training(options):
    keras.config.set_dtype_policy("mixed_bfloat16" if options["dtype"] == "bfloat16" else "float32")
    model, count = network(options["base"]), options["images"]
    compile_by(Recipe(inputs.RATE, (), inputs.BATCH, 1), model)
    given = Batches(inputs.images(count), inputs.BATCH, 0)

    def run():
        return model.fit(given, epochs=1, shuffle=False, verbose=0).history["loss"][-1]

    run()
    same = {"weights": inputs.shapes(model.trainable_variables), "batch": inputs.BATCH}
    facts = {"same": same, "parameters": trainable_parameters(model)}
    work = training_flops(model, inputs.BATCH).per_image * count
    return {**facts, "flops": work}, run, lambda loss: {"loss": loss}


def features(options):
    fresh = keras.applications.InceptionV3(weights=None, include_top=False, input_shape=(SIZE, SIZE, 3))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "inception.weights.h5")
        fresh.save_weights(path)
        extractor = InceptionExtractor(("avg_pool",), path)
        extractor(np.zeros((1, SIZE, SIZE, 3), "float32"))
    pixels = inputs.images(options["images"], SIZE)

    def run():
        return np.concatenate([extractor(part)["avg_pool"] for part in batches(pixels, extractor.batch_size)])

    kernels = sum(layer.kernel.shape.num_elements() for layer in fresh.layers if isinstance(layer, keras.layers.Conv2D))
    facts = {"same": {"numbers in kernels": kernels}, "flops": flops(fresh, "macs") * len(pixels)}
    return facts, run, lambda found: {"shape": list(found.shape)}


def frechet(options):
    (mean_a, covariance_a), (mean_b, covariance_b) = inputs.moments(options["dim"])
    return {}, lambda: frechet_distance(mean_a, covariance_a, mean_b, covariance_b), lambda value: {"result": value}


def generation(options):
    model, count = network(options["base"]), options["images"]
    model.generate(count, seed=0)
    facts = {"same": {"weights": inputs.shapes(model.decoder.trainable_variables)}}
    work = flops(model.decoder, "macs") * count
    return {**facts, "flops": work}, lambda: model.generate(count, seed=0), nothing


def mixture(options):
    z = inputs.codes(options["codes"], options["dim"], options["components"])
    sampler = gv.SAMPLERS["gmm"](options["components"])
    sampler.fit(z[:100])

    def told(fitted):
        return {"result": float(fitted.log_density(z).mean()), "numbers": str(fitted.means_.dtype)}

    return {}, lambda: sampler.fit(z), told


def second_stage(options):
    z, widths = inputs.codes(options["codes"], options["dim"]), (options["width"],) * 2

    def run(z=z):
        sampler = gv.SAMPLERS["second_stage"]("gaussian", options["epochs"], inputs.BATCH, widths=widths)
        sampler.learning_rate = inputs.RATE
        return sampler.fit(z)

    parameters = trainable_parameters(run(z[: inputs.BATCH]).model_)
    return {"parameters": parameters, "epochs": options["epochs"]}, run, nothing


def matmul(options):
    size, dtype = options["size"], options["dtype"]
    a, b = (keras.ops.cast(keras.random.normal((size, size), seed=seed), dtype) for seed in (0, 1))
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        keras.ops.convert_to_numpy(keras.ops.cast(keras.ops.matmul(a, b)[0, 0], "float32"))
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


if __name__ == "__main__":
    serve([training, features, frechet, generation, mixture, second_stage], matmul)
