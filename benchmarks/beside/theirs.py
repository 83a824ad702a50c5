"""The worker of the peers: `python -m beside.theirs`, in the environment of pythae and pytorch-fid."""

import contextlib
import tempfile
import time
from unittest import mock

import numpy as np
import torch
from torch import nn

from beside import inputs
from beside.protocol import serve


def nothing(_):
    return {}


def norm_relu(channels):
    """Batch norm with Keras's numbers, and ReLU."""
    return [nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01), nn.ReLU()]


def network(base):
    """pythae's VAE with the layers of `green_vae.networks.cnn`, for images of 32x32, and the survey's beta."""
    from pythae.models import BetaVAE, BetaVAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            widths, layers = [3, *(base << step for step in range(4))], []
            for before, after in zip(widths, widths[1:], strict=False):
                layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), *norm_relu(after)]
            self.body, flat = nn.Sequential(*layers, nn.Flatten()), 4 * widths[-1]
            self.mean, self.log_var = nn.Linear(flat, inputs.LATENT), nn.Linear(flat, inputs.LATENT)

        def forward(self, x):
            x = self.body(x)
            return ModelOutput(embedding=self.mean(x), log_covariance=self.log_var(x))

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            width = 8 * base
            layers = [nn.Linear(inputs.LATENT, 64 * width), nn.Unflatten(1, (width, 8, 8)), *norm_relu(width)]
            for step in (1, 2):
                up = nn.ConvTranspose2d(width >> step - 1, width >> step, 4, stride=2, padding=1)
                layers += [up, *norm_relu(width >> step)]
            # Keras's "same" padding leaves out the first and the last two rows and columns
            last = [nn.ConvTranspose2d(width >> 2, 3, 4, padding=1), nn.ZeroPad2d((0, -1, 0, -1))]
            self.body = nn.Sequential(*layers, *last, nn.Sigmoid())

        def forward(self, z):
            return ModelOutput(reconstruction=self.body(z))

    config = BetaVAEConfig(input_dim=(3, 32, 32), latent_dim=inputs.LATENT, beta=inputs.BETA)
    return BetaVAE(config, Encoder(), Decoder())


def parameters_of(module):
    """Numbers that are trained."""
    return sum(weight.numel() for weight in module.parameters())


def images(count, side=32):
    """The images of both sides in PyTorch's order and pythae's range."""
    return torch.from_numpy(inputs.images(count, side)).permute(0, 3, 1, 2).contiguous() / 255


def training(options):
    from pythae.data.datasets import BaseDataset
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    model, x = network(options["base"]), images(options["images"])
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(folder, inputs.BATCH, learning_rate=inputs.RATE)
        trainer = BaseTrainer(model, BaseDataset(x, torch.ones(len(x))), training_config=config)
        trainer.prepare_training()
    if options["dtype"] == "bfloat16":  # pythae has autocast for GPUs alone
        trainer.amp_context = torch.autocast("cpu", dtype=torch.bfloat16)
    trainer.train_step(1)
    same = {"weights": inputs.shapes(model.parameters()), "batch": config.per_device_train_batch_size}
    facts = {"same": same, "parameters": parameters_of(model)}
    return facts, lambda: trainer.train_step(1), lambda loss: {"loss": float(loss)}


def features(options):
    _import_torchvision()
    import torchvision
    from pytorch_fid import inception

    # random weights instead of those that it would fetch
    fetching = mock.patch.object(inception, "load_state_dict_from_url")
    with fetching, mock.patch.object(torchvision.models.Inception3, "load_state_dict"):
        model = inception.InceptionV3().eval()
    x = images(options["images"], 299)

    def run():
        with torch.no_grad():  # the batch size is pytorch-fid's own
            return np.concatenate([model(part)[0].squeeze(3).squeeze(2).numpy() for part in x.split(50)])

    with torch.no_grad():
        model(x[:1])
    kernels = sum(layer.weight.numel() for layer in model.modules() if isinstance(layer, nn.Conv2d))
    return {"same": {"numbers in kernels": kernels}}, run, lambda found: {"shape": list(found.shape)}


def frechet(options):
    _import_torchvision()
    from pytorch_fid.fid_score import calculate_frechet_distance

    (mean_a, covariance_a), (mean_b, covariance_b) = inputs.moments(options["dim"])

    def run():
        return calculate_frechet_distance(mean_a, covariance_a, mean_b, covariance_b)

    return {}, run, lambda value: {"result": float(value)}


def generation(options):
    from pythae.samplers import NormalSampler

    model, count = network(options["base"]), options["images"]
    sampler = NormalSampler(model)
    sampler.sample(count)
    return {"same": {"weights": inputs.shapes(model.decoder.parameters())}}, lambda: sampler.sample(count), nothing


def with_codes(z):
    """(a VAE of pythae whose codes are its input, the codes moved to what pythae takes for images: from 0 to over 1)"""
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput

    shift = float(np.floor(z.min()))

    class Codes(VAE):
        def forward(self, given, **_):
            return ModelOutput(z=given["data"] + shift)

    return Codes(VAEConfig(input_dim=(z.shape[1],), latent_dim=z.shape[1])), torch.from_numpy(z - shift)


def mixture(options):
    from pythae.samplers import GaussianMixtureSampler, GaussianMixtureSamplerConfig

    model, data = with_codes(inputs.codes(options["codes"], options["dim"], options["components"]))
    sampler = GaussianMixtureSampler(model, GaussianMixtureSamplerConfig(n_components=options["components"]))

    def run(data=data):
        np.random.seed(0)  # the start of green_vae's own seed 0
        sampler.fit(data)
        return sampler.gmm

    run(torch.cat([data[:99], data.max().expand(1, data.shape[1])]))
    return {}, run, lambda gmm: {"result": float(gmm.lower_bound_), "numbers": str(gmm.means_.dtype)}


def second_stage(options):
    from pythae.samplers import TwoStageVAESampler, TwoStageVAESamplerConfig
    from pythae.trainers import BaseTrainerConfig

    model, data = with_codes(inputs.codes(options["codes"], options["dim"]))

    def run(data=data):
        with tempfile.TemporaryDirectory() as folder:
            kind = TwoStageVAESamplerConfig(second_stage_depth=2, second_layers_dim=options["width"])
            sampler = TwoStageVAESampler(model, kind)
            config = BaseTrainerConfig(folder, inputs.BATCH, num_epochs=options["epochs"], learning_rate=inputs.RATE)
            sampler.fit(data, training_config=config)
        return sampler

    fitted = run(torch.cat([data[:99], data.max().expand(1, data.shape[1])]))
    return {"parameters": parameters_of(fitted.second_vae), "epochs": options["epochs"]}, run, nothing


def matmul(options):
    size, dtype = options["size"], getattr(torch, options["dtype"])
    a, b = (torch.randn(size, size).to(dtype) for _ in range(2))
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        torch.matmul(a, b)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


_DEFINED = []  # operators of an object that is gone are gone, too


def _import_torchvision():
    """torchvision of a build for GPUs beside a PyTorch without: it misses two of its operators, which nobody calls."""
    with contextlib.suppress(RuntimeError):
        import torchvision  # noqa: F401

        return
    from torch.library import Library

    _DEFINED.append(Library("torchvision", "DEF"))
    for name in ("nms", "qnms"):
        _DEFINED[-1].define(f"{name}(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor")


if __name__ == "__main__":
    serve([training, features, frechet, generation, mixture, second_stage], matmul)
