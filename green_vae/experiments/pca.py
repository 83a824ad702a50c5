"""A row without a network: the principal component analysis (PCA) of the training images.

Of all linear autoencoders with as many latent numbers it has the least squared error on the images that it is fitted
on. A network that is worse on new images has gained nothing there by its cost.
"""

from functools import cached_property, lru_cache

from sklearn.decomposition import PCA

from green_vae.data import DATASETS
from green_vae.experiments.run import Run
from green_vae.presets import Preset
from green_vae.utils.images import unit_floats


def fitted(images):
    """scikit-learn's PCA of images (n, h, w, c) with all its components, in float64.

    It takes 8 bytes for each of the n h w c values: 1.2 GB for CIFAR-10, 16 GB for CelebA at 64x64.
    """
    return PCA(svd_solver="covariance_eigh").fit(_flat(images))


@lru_cache(maxsize=1)
def _of_training(bench, dataset):
    """`fitted` on the training images that a table takes: once for all its rows of a data set."""
    return fitted(bench.data(dataset, "train").images[: bench.settings.limit_train])


def _flat(images):
    return unit_floats(images, "float64").reshape(len(images), -1)


class LinearAutoencoder:
    """Projection on the first components of a PCA, with the methods of a model that the tables call.

    Args:
        pca: of `fitted`. units: how many components are kept.
    """

    variational = False

    def __init__(self, pca, units, image_shape):
        self.mean, self.components, self.image_shape = pca.mean_, pca.components_[:units], image_shape

    def posterior(self, x, batch_size=None):
        """{"z": codes (n, units)} of images (n, h, w, c), as an autoencoder has it."""
        return {"z": (_flat(x) - self.mean) @ self.components.T}

    def decode(self, z, batch_size=None):
        """Images (n, h, w, c), float64; not cut to [0, 1], so that the error is that of the projection."""
        return (z @ self.components + self.mean).reshape(-1, *self.image_shape)

    def reconstruct(self, x, seed=0, batch_size=None, part="x"):
        """decode(codes of x); nothing is drawn and there are no parts."""
        return self.decode(self.posterior(x)["z"])


class PcaRun(Run):
    """A row that is a PCA of the training images; it is fitted when the first cell is measured, once for all rows."""

    unprinted = "a PCA has no network and draws no codes: only its error and the numbers that it keeps are told"

    @cached_property
    def preset(self):
        """What a PCA is to the columns; no entry of `PRESETS`, since nothing is trained."""
        return Preset("autoencoder", {}, self.row.dataset or self.table.reference.dataset, None, "")

    def prepare(self):
        return self

    @cached_property
    def model(self):
        pca = _of_training(self.bench, self.preset.dataset)
        return LinearAutoencoder(pca, self.row.pca, self.train_images.shape[1:])

    @property
    def trained(self):
        return self.model

    @property
    def train_images(self):
        return self.train_data.images[: self.settings.limit_train]

    @property
    def validation_images(self):
        """The official ones, else the test images; digits have no others in a smoke test."""
        official = "validation" in DATASETS[self.preset.dataset].splits and not self.settings.smoke
        split = "validation" if official else "test"
        return self.bench.data(self.preset.dataset, split).images

    def identity(self):
        data = {split: self.bench.data(self.preset.dataset, split).fingerprint[:16] for split in ("train", "test")}
        return {"pca": self.row.pca, "data": data, "train_images": len(self.train_images)}

    def parameters(self):
        """The mean image and the components, as scikit-learn keeps them."""
        height, width, channels = DATASETS[self.preset.dataset].shape
        return (self.row.pca + 1) * height * width * channels

    def shortened(self):
        return "; ".join([*self.trained_on_fewer(), *self.fewer()])

    def details(self):
        return {"dataset": self.preset.dataset, "train_images": len(self.train_images), "components": self.row.pca}
