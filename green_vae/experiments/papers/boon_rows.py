"""The rows of the ResLag study's Table 1: published numbers, presets, and the linear model beside them."""

from green_vae.experiments.papers.boon import SIGMA2, published
from green_vae.experiments.spec import Row, pca
from green_vae.presets import preset

# data set -> model -> (rec, latent, mmd, total) as published; None where nothing is
PUBLISHED = {
    "MNIST": {
        "AutoEncoder": (15.9744, None, None, None),
        "beta-VAE": (19.2091, 1.9357, None, 26.9521),
        "MMD InfoVAE": (16.5469, 7.7451, 0.031436, 32.2647),
        "Optimal Sigma VAE": (16.718534, 14.588510, None, -817.6128),
        "Lagging VAE": (17.2930, 14.3803, None, -813.4669),
    },
    "FashionMNIST": {
        "AutoEncoder": (9.2723, None, None, None),
        "beta-VAE": (13.0418, 1.1286, None, 17.5560),
        "MMD InfoVAE": (8.2899, 7.2997, 0.0101, 13.3387),
        "Optimal Sigma VAE": (12.1918, 14.1663, None, -751.9987),
        "Lagging VAE": (11.220689, 15.73822, None, -756.443231),
    },
    "CIFAR10": {
        "AutoEncoder": (16.5963, None, None, None),
        "beta-VAE": (18.0926, 1.7194, None, 23.2508),
        "MMD InfoVAE": (20.3646, 11.6778, 0.001186, 20.9576),
        "Optimal Sigma VAE": (22.0229, 101.4148, None, -3961.8050),
        "ResLag-VAE": (22.7998, 100.2814, None, -3964.9472),
        "light ResLag-VAE": (21.8595, 101.2951, None, -3971.4712),
    },
    "CIFAR100": {
        "AutoEncoder": (16.7859, None, None, None),
        "beta-VAE": (18.2742, 1.7193, None, 23.4322),
        "MMD InfoVAE": (22.4772, 11.6155, 0.001248, 23.1012),
        "Optimal Sigma VAE": (23.6347, 92.8076, None, -3786.0454),
        "ResLag-VAE": (23.7575, 95.1944, None, -3778.4394),
        "light ResLag-VAE": (23.7379, 91.6886, None, -3782.1070),
    },
    "CelebA": {
        "beta-VAE": (109.6476, 1.968332, None, 117.5209),
        "MMD InfoVAE": (91.9245, 13.0922, 0.001801, 92.8250),
        "Optimal Sigma VAE": (81.95391, 193.7795, None, -14161.9359),
        "ResLag-VAE": (84.4005, 197.3168, None, -14181.7860),
        "light ResLag-VAE": (85.1928, 194.1816, None, -14180.4211),
    },
}
# data set -> its name in presets, latent units, beta of beta-VAE
DATASETS = {
    "MNIST": ("mnist", 5, 4.0),
    "FashionMNIST": ("fashion", 10, 4.0),
    "CIFAR10": ("cifar10", 100, 3.0),
    "CIFAR100": ("cifar100", 100, 3.0),
    "CelebA": ("celeba", 150, 4.0),
}
MODELS = {
    "AutoEncoder": "autoencoder",
    "beta-VAE": "beta",
    "MMD InfoVAE": "info",
    "Optimal Sigma VAE": "optimal-sigma",
    "Lagging VAE": "lagging",
    "ResLag-VAE": "reslag",
    "light ResLag-VAE": "reslag-light",
}


def row_of(dataset, model, levels=""):
    """A row of the table; `levels` is "multi-level " for the other network that may stand behind published numbers."""
    values = zip(("rec", "latent", "mmd", "total"), PUBLISHED[dataset][model], strict=True)
    values = {name: value for name, value in values if value is not None}
    plain = {"rec_train": None, **{f"{name}_mean": None for name in values}}  # measured, with nothing to compare with
    name, units, beta = DATASETS[dataset]
    chosen = f"boon/{MODELS[model]}-{levels.replace(' ', '-')}{name}"
    found = published(preset(chosen).model, values, units, beta, SIGMA2[dataset])
    return Row(f"{dataset} {levels}{model}", {**found, **plain}, chosen)


def linear(dataset):
    """The row of the PCA with the latent units of a data set's networks."""
    name, units, _ = DATASETS[dataset]
    data = preset(f"boon/beta-{name}").dataset
    return pca(units, ("rec", "rec_mean", "rec_train"), f"{dataset} ", data)
