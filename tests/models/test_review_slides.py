"""The models of the review and the slides: counts, layouts, sigma, the published divergence, recipes."""

import math

import keras
import numpy as np
import pytest
from core_models import as_float, blobs, build, numpy, step
from keras import layers, ops
from scipy.optimize import minimize

from green_vae import data, networks
from green_vae.cost import networks_of, parameters, trainable_parameters
from green_vae.models import BernoulliVAE, ReviewVAE, SigmaVAE
from green_vae.models.layers import GaussianSample
from green_vae.models.review_vae import published_kl
from green_vae.models.sigma_vae import softly_above
from green_vae.networks import slides
from green_vae.presets import PRESETS, preset

close = np.testing.assert_allclose

PLAIN = (784 + 512) * 512 + 2 * 513 * 64 + (64 + 512) * 512 + 513 * 784 + 4 * 2 * 512
FLOW = 513 * 64 + 4 * (65 * 256 + 64 * 256 + 2 * 257 * 64)  # the third head, and four steps
SPRITES = 1025 * 512 + 513 * 256 + 2 * 257 * 10 + 11 * 256 + 257 * 512 + 513 * 1024
# kernels of 2, batch norm of 2 trained numbers for each channel; a map of 3 x 3 x 128 and a last kernel of 6
DOWN = sum((4 * a + 1) * b + 2 * b for a, b in ((1, 16), (16, 32), (32, 64), (64, 128)))
UP = 33 * 1152 + sum((4 * a + 1) * b + 2 * b for a, b in ((128, 64), (64, 32), (32, 16), (16, 1))) + 37
NARROW, HEAD, NORMS = DOWN + UP, 1153 * 32, 2 * (16 + 32 + 64 + 128 + 64 + 32 + 16 + 1)
# likewise with three levels: a map of 5 x 5 x 32 and 16 latent units
SIGMA_NETS = sum((4 * a + 1) * b + 2 * b for a, b in ((1, 8), (8, 16), (16, 32), (32, 16), (16, 8), (8, 1)))
SIGMA_NETS += 2 * 801 * 16 + 17 * 800 + 37
SIGMA_NORMS = 2 * (8 + 16 + 32 + 16 + 8 + 1)

# preset -> (trainable, total): the review prints the first, and the slides' counts are trainable ones, too
COUNTS = {
    "review/mlp-cifar10": (3_543_552, 3_543_552),
    "review/mlp-cifar10-published": (3_543_552, 3_543_552),
    **{f"review/weight-{weight}-cifar10": (3_543_552, 3_543_552) for weight in ("1", "0.1", "0.01", "0")},
    "review/linear-cifar10": (3073 * 256 + 257 * 3072, 3073 * 256 + 257 * 3072),
    "slides/linear-mnist-l8": (1_151_136, 1_151_136),
    "slides/linear-mnist-l2": (807_700, 807_700),
    "slides/conv-mnist-l8": (404_088, 405_498),
    "slides/conv-mnist-l2": (362_604, 364_014),
    "slides/sigma-mnist-l8": (404_088, 405_498),
    "slides/sigma-mnist-l2": (362_604, 364_014),
    "slides/beta-celeba-l12": (3_215_405, 3_218_355),
    "slides/beta-celeba-l128": (3_928_341, 3_931_291),
    # 128 latents more: two heads of 2048 inputs with a bias, and 2048 weights into the decoder, for each
    "slides/beta-celeba-l256": (3_928_341 + 128 * (2 * 2049 + 2048), 3_931_291 + 128 * (2 * 2049 + 2048)),
    **{f"slides/without-{digit}-mnist": (1_151_136, 1_151_136) for digit in range(10)},
    # by hand: dense layers without bias, 4 numbers of a norm per unit, of which 2 are trained, and the heads
    "slides/vae-mnist-binary": (PLAIN, PLAIN + 4 * 2 * 512),
    "slides/iaf-mnist-binary": (PLAIN + FLOW, PLAIN + FLOW + 4 * 2 * 512),
    "slides/iaf-free-bits-mnist-binary": (PLAIN + FLOW, PLAIN + FLOW + 4 * 2 * 512),
    "slides/ladder-mnist-binary": (1_858_936, 1_866_872),  # see test_ladder.py
    **{f"slides/{name}-sprites": (SPRITES, SPRITES) for name in ("beta1", "beta4", "beta16", "beta64", "capacity")},
    **{
        f"slides/{how.format(kind)}-mnist-mini": (NARROW + heads * HEAD, NARROW + heads * HEAD + NORMS)
        for kind, heads in (("vae", 2), ("autoencoder", 1))
        for how in ("clean-{}", "denoising-{}-0.1", "denoising-{}-0.25", "denoising-{}-0.5")
    },
    **{
        f"slides/sigma-{name}-mnist-mini": (SIGMA_NETS, SIGMA_NETS + SIGMA_NORMS)
        for name in ("unit", "beta-0.1", "beta-0.01", "learned", "pixels", "optimal", "data")
    },
}


def test_every_preset_is_counted_here():
    assert {name for name in PRESETS if name.startswith(("review/", "slides/"))} == set(COUNTS)


@pytest.mark.parametrize("name", COUNTS)
def test_parameters(name):
    model = preset(name).blueprint()
    nets = networks_of(model).values()
    assert (trainable_parameters(*nets), parameters(*nets)) == COUNTS[name]
    shape = data.DATASETS[preset(name).dataset].shape
    assert model.image_shape == model.decoder.output_shape[1:] == tuple(shape)


# networks


def sides(network):
    """Sides of the maps after each step down or up, and of the image."""
    steps = (layers.Activation, layers.Conv2DTranspose)
    return [
        layer.output.shape[1] for layer in network.layers if isinstance(layer, steps) and len(layer.output.shape) == 4
    ]


def test_sides_of_the_slides():
    encoder, decoder = networks.build("slides", (28, 28, 1), 2, ("z",))
    assert sides(encoder) == [15, 8, 5, 3]
    ups = [layer.output.shape[1] for layer in decoder.layers if isinstance(layer, layers.Cropping2D)]
    assert ups == [5, 9, 17, 33] and decoder.layers[-2].kernel_size == (6, 6)
    encoder, decoder = networks.build("slides", (64, 64, 3), 2, ("z",), widths=(2, 2, 2, 2, 2), kernel=3)
    assert sides(encoder) == [32, 16, 8, 4, 2]
    ups = [layer.output.shape[1] for layer in decoder.layers if isinstance(layer, layers.Cropping2D)]
    assert ups == [4, 8, 16, 32, 64] and decoder.layers[-2].kernel_size == (1, 1)


@pytest.mark.parametrize("kernel", [2, 3])
@pytest.mark.parametrize("side", [1, 5])
def test_the_transposed_convolution_is_that_of_pytorch(kernel, side):
    """stride 2, padding 1, output padding 1: what comes in at i goes out at 2 i - 1 + k for the k of the kernel."""
    x = np.random.default_rng(0).normal(size=(1, side, side, 1)).astype("float32")
    image = keras.Input((side, side, 1))
    network = keras.Model(image, slides._up(image, 1, kernel))
    weights = np.random.default_rng(1).normal(size=(kernel, kernel)).astype("float32")
    network.layers[1].set_weights([weights[..., None, None], np.zeros(1)])
    size = 2 * (side - 1) - 2 + kernel + 1
    expected = np.zeros((size, size))
    for i, j, k, m in np.ndindex(side, side, kernel, kernel):
        row, column = 2 * i - 1 + k, 2 * j - 1 + m
        if 0 <= row < size and 0 <= column < size:
            expected[row, column] += x[0, i, j, 0] * weights[k, m]
    close(ops.convert_to_numpy(network(x))[0, ..., 0], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("side", [7, 16, 21, 32])
@pytest.mark.parametrize("kernel", [2, 3])
def test_any_square_image_comes_out_as_large_as_it_went_in(side, kernel):
    _, decoder = networks.build("slides", (side, side, 1), 2, ("z",), widths=(2, 3), kernel=kernel)
    assert decoder.output_shape == (None, side, side, 1)


def test_what_the_slides_network_refuses():
    with pytest.raises(ValueError, match="kernels of the slides are 2 or 3. Received: 4"):
        networks.build("slides", (28, 28, 1), 2, ("z",), kernel=4)
    with pytest.raises(ValueError, match="square.*Received: \\(28, 20, 1\\)"):
        networks.build("slides", (28, 20, 1), 2, ("z",))


def test_the_mlp_is_a_mirror():
    encoder, decoder = networks.build("mlp", (4, 6, 3), 5, ("mean", "log_var"), widths=(32, 8), activation="relu")
    dense = [[layer.units for layer in net.layers if isinstance(layer, layers.Dense)] for net in (encoder, decoder)]
    assert dense == [[32, 8, 5, 5], [8, 32, 72]]
    names = [layer.activation.__name__ for layer in encoder.layers if isinstance(layer, layers.Dense)]
    assert names == ["relu", "relu", "linear", "linear"]
    assert decoder.output_shape == (None, 4, 6, 3)
    images = ops.convert_to_numpy(decoder(50 * np.ones((2, 5))))
    assert 0 <= images.min() and images.max() <= 1


def test_an_mlp_without_hidden_layers_is_linear_but_for_the_cut():
    encoder, decoder = networks.build("mlp", (4, 6, 3), 5, ("z",), widths=(), cut=True)
    (dense,) = (layer for layer in decoder.layers if isinstance(layer, layers.Dense))
    kernel, bias = (ops.convert_to_numpy(weight) for weight in dense.weights)
    rng = np.random.default_rng(0)
    z = rng.normal(0, 5, size=(7, 5)).astype("float32")
    made = ops.convert_to_numpy(decoder(z))
    assert 0 == made.min() < made.max() == 1
    close(made.reshape(7, 72), np.clip(z @ kernel + bias, 0, 1), atol=1e-6)
    a, b = rng.uniform(size=(2, 3, 4, 6, 3)).astype("float32")
    codes = [ops.convert_to_numpy(encoder(x)["z"]) for x in (a, b, (a + b) / 2)]
    close(codes[2], (codes[0] + codes[1]) / 2, atol=1e-6)


def test_the_second_head_of_the_review_is_log_sigma():
    """The same weights give twice the number: log sigma^2 = 2 log sigma."""
    x = np.random.default_rng(0).uniform(size=(3, 4, 4, 1)).astype("float32")
    plain, review = (
        networks.build("mlp", (4, 4, 1), 2, ("mean", "log_var"), widths=(3,), log_sigma=log_sigma)[0]
        for log_sigma in (False, True)
    )
    for layer in plain.layers:
        if layer.weights:
            review.get_layer(layer.name if layer.name in ("mean", "log_var") else review.layers[2].name).set_weights(
                layer.get_weights()
            )
    one, other = plain(x), review(x)
    close(ops.convert_to_numpy(other["log_var"]), 2 * ops.convert_to_numpy(one["log_var"]), rtol=1e-6)
    close(ops.convert_to_numpy(other["mean"]), ops.convert_to_numpy(one["mean"]), rtol=1e-6)


def test_the_hidden_layers_of_the_review_are_gelu():
    model = preset("review/mlp-cifar10").blueprint()
    hidden = [net.layers[index].activation.__name__ for net, index in ((model.encoder, 2), (model.decoder, 1))]
    assert hidden == ["gelu", "gelu"]


@pytest.mark.parametrize("network", ["mlp", "slides"])
def test_a_split_head_goes_on_these_networks(network):
    options = {"network": network, "network_options": {"widths": (4, 4), "split": True}}
    model = ReviewVAE(image_shape=(28, 28, 1), latent_dim=4, **options)
    z = np.random.default_rng(0).normal(size=(3, 4))
    image, first, second, weight = (model.decode(z, part=part) for part in ("x", "x1", "x2", "map"))
    close(image, weight * first + (1 - weight) * second, atol=2e-6)


# sigma-VAE


def pair(sigma=0.3, n=6, seed=0):
    """Images, and reconstructions that miss them by about sigma."""
    x = as_float(blobs(n, seed))
    noise = np.random.default_rng(seed).normal(size=x.shape)
    return x, (x + sigma * noise).astype("float32")


def nll(model, x, y):
    zeros = ops.zeros((len(x), 4))
    outputs = {"mean": zeros, "log_var": zeros, "z": zeros, "reconstruction": ops.convert_to_tensor(y)}
    return ops.mean(model.terms(ops.convert_to_tensor(x), outputs)["nll"])


@pytest.mark.parametrize("sigma", ["mse", "learned", "data"])
def test_the_likelihood_against_tensorflow_probability(sigma):
    tfp = pytest.importorskip("tensorflow_probability")
    model = build("sigma_vae", sigma=sigma)
    if sigma == "learned":
        model.log_sigma.assign(-1.2)
    x, y = (images.astype("float64") for images in pair())
    log_sigma = {"mse": 0.5 * np.log(np.mean((x - y) ** 2)), "learned": -1.2, "data": np.log(x.std())}[sigma]
    deviation = np.exp(log_sigma if sigma == "data" else -6 + np.log1p(np.exp(log_sigma + 6)))
    normal = tfp.distributions.Normal(y, deviation)
    expected = -normal.log_prob(x).numpy().sum(axis=(1, 2, 3)).mean()
    assert float(nll(model, x, y)) == pytest.approx(expected, rel=1e-5)


def test_no_sigma_is_better_than_the_optimum():
    """The mean squared error of the batch maximises its likelihood; the soft limit costs little."""
    tfp = pytest.importorskip("tensorflow_probability")
    x, y = pair()
    best = float(nll(build("sigma_vae"), x, y))
    others = []
    for factor in np.exp(np.linspace(-1, 1, 21)):
        normal = tfp.distributions.Normal(y.astype("float64"), factor * np.sqrt(np.mean((x - y) ** 2)))
        others.append(-normal.log_prob(x.astype("float64")).numpy().sum(axis=(1, 2, 3)).mean())
    assert int(np.argmin(others)) == 10
    assert min(others) < best < min(others) + 0.01 * x[0].size


def test_limits_of_the_soft_limit():
    values = ops.convert_to_numpy(softly_above(np.array([-40.0, -6.0, 0.0, 20.0], "float32"), -6.0))
    close(values, [-6, -6 + np.log(2), np.log1p(np.exp(-6)), 20], rtol=1e-6, atol=1e-6)


def test_a_perfect_reconstruction_and_a_blank_batch_are_finite():
    x = as_float(blobs(4))
    assert float(nll(build("sigma_vae"), x, x)) == pytest.approx(x[0].size * (-6 + 0.5 * np.log(2 * np.pi)), rel=1e-4)
    blank = np.zeros_like(x)
    assert float(nll(build("sigma_vae", sigma="data"), blank, blank)) == pytest.approx(
        x[0].size * (-6 + 0.5 * np.log(2 * np.pi)), rel=1e-4
    )


def gradients(sigma, **options):
    """d nll / d reconstruction of a batch whose error is sigma: as trained, with sigma held, of D/2 log MSE."""
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("uses TensorFlow's tape")
    model, (x, y) = build("sigma_vae", **options), pair(sigma)
    y = tf.constant(y)
    held = model.batch_log_sigma(x, y)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(y)
        trained = nll(model, x, y)
        model.batch_log_sigma, free = (lambda *_: held), model.batch_log_sigma
        fixed = nll(model, x, y)
        model.batch_log_sigma = free
        optimum = 0.5 * x[0].size * tf.math.log(tf.reduce_mean(tf.square(x - y)))
    return [tape.gradient(loss, y).numpy().astype("float64") for loss in (trained, fixed, optimum)]


def test_at_the_optimum_it_does_not_matter_whether_sigma_is_differentiated():
    """With a soft limit far below, and then the gradient is that of D/2 log MSE."""
    trained, fixed, optimum = gradients(0.1, lowest=-30.0)
    size = np.abs(fixed).max()
    close(trained, fixed, atol=1e-4 * size)
    close(trained, optimum, atol=1e-4 * size)


@pytest.mark.parametrize("sigma", [0.3, 0.02, 0.001])
def test_in_the_soft_limit_it_does(sigma):
    """With v = log sigma and c = softplus(v + 6) - (v + 6): the gradient grows by (e^(2 c) - 1) sigmoid(v + 6)."""
    trained, fixed, _ = gradients(sigma)
    x, y = pair(sigma)
    v = 0.5 * np.log(np.mean((x.astype("float64") - y) ** 2))
    factor = 1 + np.expm1(2 * np.log1p(np.exp(-v - 6))) / (1 + np.exp(-v - 6))
    close(trained, factor * fixed, rtol=2e-2, atol=1e-3 * np.abs(trained).max())
    assert factor > {0.3: 1.01, 0.02: 1.1, 0.001: 1.5}[sigma]


def test_the_sigma_of_the_data_is_no_matter_of_the_model():
    model, (x, y) = build("sigma_vae", sigma="data"), pair()
    expected = np.sqrt(np.mean((x.astype("float64") - x.astype("float64").mean()) ** 2))
    for made in (y, np.zeros_like(y)):
        assert float(ops.exp(model.batch_log_sigma(x, made))) == pytest.approx(expected, rel=1e-5)
    sse = ((x - y).astype("float64") ** 2).sum(axis=(1, 2, 3)).mean()
    boon = 0.5 * x[0].size * np.log(expected**2) + 0.5 * sse / expected**2  # whose totals leave out the constant
    assert float(nll(model, x, y)) == pytest.approx(boon + 0.5 * x[0].size * np.log(2 * np.pi), rel=1e-5)


def test_sigma_of_the_data_on_mnist():
    """What the study's total on MNIST, -817.6128, needs: the mean variance of the training batches is 0.094868."""
    try:
        images = data.load("mnist").images
    except data.DataNotFoundError:
        pytest.skip("needs MNIST")
    order, total = np.random.default_rng(0).permutation(len(images)), 0.0
    model = SigmaVAE(network="mlp", network_options={"widths": (8,)}, sigma="data")
    for start in range(0, 200 * 32, 32):
        batch = as_float(images[np.sort(order[start : start + 32])])
        total += math.exp(2 * float(model.batch_log_sigma(batch, batch)))
    assert total / 200 == pytest.approx(0.094868, abs=0.0015)  # four standard errors


@pytest.mark.parametrize("sigma", ["mse", "data"])
def test_the_variance_is_averaged_over_training_batches(sigma):
    model, seen = build("sigma_vae", sigma=sigma), []
    assert model.observation() == ("gaussian", 1.0)
    for seed in range(4):
        x = ops.convert_to_tensor(blobs(6, seed) // (seed + 1))
        _, outputs = step(model, x)
        made = numpy(outputs)["reconstruction"]
        seen.append(np.exp(2 * float(model.batch_log_sigma(as_float(numpy({"x": x})["x"].astype("uint8")), made))))
        model.compute_loss(x=x, y_pred=outputs)  # moves nothing: it is no training step
    assert float(ops.convert_to_tensor(model.variance)) == pytest.approx(np.mean(seen), rel=1e-4)
    kind, deviation = model.observation()
    assert kind == "gaussian" and deviation == pytest.approx(np.sqrt(np.mean(seen)), rel=1e-4)


def test_the_average_forgets_the_optimum_but_not_the_data():
    for sigma, share in (("mse", 0.01), ("data", 1 / 501)):
        model = build("sigma_vae", sigma=sigma)
        model.batches.assign(500.0)
        model.variance.assign(4.0)
        model.update_schedule({"sigma": ops.convert_to_tensor(3.0)})
        assert float(ops.convert_to_tensor(model.variance)) == pytest.approx(4 + share * 5, rel=1e-6)


def test_the_learned_sigma_starts_at_one_and_is_trained():
    model, x = build("sigma_vae", sigma="learned"), blobs(16)
    assert float(ops.convert_to_tensor(model.log_sigma)) == 0.0
    assert any(weight is model.log_sigma for weight in model.trainable_weights)
    model.compile(optimizer=keras.optimizers.Adam(1e-2))
    history = model.fit(x, batch_size=8, epochs=4, verbose=0).history["sigma"]
    assert history[-1] < history[0] < 1.01  # the images are not as far apart as sigma 1 says
    limited = math.exp(float(softly_above(ops.convert_to_tensor(model.log_sigma), -6.0)))
    assert model.observation() == ("gaussian", pytest.approx(limited))


def test_an_unknown_sigma_is_refused():
    with pytest.raises(ValueError, match="sigma must be one of mse, learned, pixels, data. Received: 'optimal'"):
        SigmaVAE(sigma="optimal")


# the review's divergence


def published_by_hand(mean, s):
    return mean**2 + s**2 - np.log(s) - 0.5


def test_the_published_kl_by_hand():
    mean, log_var = np.array([[0.0, 1.0], [2.0, -1.0]], "float32"), np.array([[0.0, 0.5], [-1.0, 1.0]], "float32")
    expected = published_by_hand(mean.astype("float64"), np.exp(0.5 * log_var.astype("float64"))).sum(axis=1)
    close(ops.convert_to_numpy(published_kl(mean, log_var)), expected, rtol=1e-6)
    s = np.exp(0.5 * log_var)
    exact = 0.5 * (mean**2 + s**2 - 1) - np.log(s)
    close(expected, (2 * exact + np.log(s) + 0.5).sum(axis=1), rtol=1e-6)


def test_the_published_kl_is_least_at_half_the_priors_variance():
    def value(at):
        mean, log_var = (np.array([[part]], "float32") for part in (at[0], 2 * np.log(at[1])))
        return float(published_kl(mean, log_var)[0])

    found = minimize(value, [0.7, 1.5], method="Nelder-Mead", bounds=[(-5, 5), (0.01, 5)])
    close(found.x, [0, 1 / np.sqrt(2)], atol=2e-3)
    assert found.fun == pytest.approx(np.log(2) / 2, abs=1e-5)
    unused = np.full((1, 256), -np.log(2), "float32")  # an image's floor with 256 latents
    assert float(published_kl(np.zeros((1, 256)), unused)[0]) == pytest.approx(88.72, abs=0.01)


def test_both_kinds_log_the_exact_kl():
    model, x = build("review_vae", kl="published"), ops.convert_to_tensor(blobs(4))
    outputs = model(x)
    terms = numpy(model.terms(ops.convert_to_tensor(as_float(blobs(4))), outputs))
    exact = build("review_vae").terms(ops.convert_to_tensor(as_float(blobs(4))), outputs)
    close(terms["kl"], numpy(exact)["kl"], rtol=1e-6)
    assert set(exact) == {"reconstruction", "kl"} and model.logged == ("reconstruction", "kl", "kl_published")
    assert model.term_weights() == {"reconstruction": 1.0, "kl_published": 1.0}
    assert build("review_vae").term_weights() == {"reconstruction": 1.0, "kl": 1.0}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kl": "right"}, "kl must be one of exact, published. Received: 'right'"),
        ({"kl": "published", "posterior": "iaf"}, "of a Gaussian posterior. Received: posterior='iaf'"),
    ],
)
def test_what_the_review_vae_refuses(arguments, words):
    with pytest.raises(ValueError, match=words):
        ReviewVAE(image_shape=(32, 32, 1), latent_dim=4, **arguments)


# recipes


def test_recipes():
    review, linear, conv, faces = (
        preset(name).recipe
        for name in ("review/mlp-cifar10", "slides/linear-mnist-l8", "slides/sigma-mnist-l2", "slides/beta-celeba-l12")
    )
    assert [(r.learning_rate, r.halve_at, r.batch_size, r.epochs) for r in (review, linear, conv, faces)] == [
        (1e-3, (), 32, 100),
        (1e-3, (), 64, 30),
        (1e-3, (), 64, 20),
        (1e-3, (), 32, 20),
    ]
    assert all(recipe.note for recipe in (review, linear, conv, faces))
    assert preset("review/mlp-cifar10-published").recipe == review
    data = {"cifar10", "mnist", "mnist_binary", "celeba_squeeze", "sprites"}
    assert {preset(name).dataset for name in COUNTS} == data


def test_objectives_of_the_presets():
    kinds = {"exact": "review/mlp-cifar10", "published": "review/mlp-cifar10-published"}
    assert all(preset(name).blueprint().divergence == kl for kl, name in kinds.items())
    linear, conv, sigma = (preset(f"slides/{kind}-mnist-l2").blueprint() for kind in ("linear", "conv", "sigma"))
    assert isinstance(linear, BernoulliVAE) and float(linear.term_weights()["kl"]) == 1.0
    assert conv.term_weights() == {"reconstruction": 0.5, "kl": 0.5}  # half of SSE + KL
    assert sigma.sigma == "mse" and sigma.term_weights()["kl"] == 1.0
    for latent in (12, 128, 256):
        config = preset(f"slides/beta-celeba-l{latent}").config
        assert (config["latent_dim"], config["beta"], config["warmup_steps"]) == (latent, 20.0, 10_000)


def test_warm_up_of_the_faces():
    model = preset("slides/beta-celeba-l12").outline()
    for steps, weight in ((0, 0.0), (2500, 5.0), (10_000, 20.0), (50_000, 20.0)):
        model.steps.assign(float(steps))
        assert float(model.term_weights()["kl"]) == pytest.approx(weight)
    assert float(model.term_weights()["reconstruction"]) == 1.0 and isinstance(model.sample, GaussianSample)


def test_cross_entropy_of_a_known_image():
    """Two grey pixels of 1/4 given as 1/2 cost log 2 each."""
    model = BernoulliVAE(image_shape=(1, 2, 1), latent_dim=1, network="mlp", network_options={"widths": (2,)})
    zeros = ops.zeros((1, 1))
    outputs = {"mean": zeros, "log_var": zeros, "z": zeros, "reconstruction": ops.full((1, 1, 2, 1), 0.5)}
    terms = numpy(model.terms(ops.full((1, 1, 2, 1), 0.25), outputs))
    assert terms["reconstruction"][0] == pytest.approx(2 * np.log(2)) and model.observation() == ("bernoulli", None)
