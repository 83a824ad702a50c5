"""What Tables 1, 3 and 4 of the Split-VAE paper share: columns, samplers, remarks."""

import dataclasses

from green_vae.experiments import columns
from green_vae.experiments.spec import Row, Sampling, pca

SOURCE = "Asperti, Bugo, Filippini 2022, Enhancing variational generation through self-decomposition"
PARAMETERS = columns.parameters(title="params (total)")
TRAINABLE = columns.trainable_parameters()
KINDS = {  # column -> (kind of codes, title, parts of the image)
    "fid_gen": ("prior", "FID GEN", ("x", "x1", "x2", "mix")),
    "fid_gmm": ("gmm", "FID GMM", ("x", "x1", "x2", "mix")),
    "fid_gmm_test": ("gmm_test", "FID GMM (test codes)", ("x", "mix")),
}
DIGITS = {"fid_gmm": "{:,.4g}", "fid_gmm_test": "{:,.4g}"}  # the paper has 7.47 and 74.2


def _fid(name, of, title, part):
    if part == "x":
        return columns.fid(name, of, title, format=DIGITS.get(name, "{:,.1f}"))
    return columns.fid(f"{name}_{part}", f"{of}:{part}", f"{title} {part}")


FIDS = tuple(_fid(name, of, title, part) for name, (of, title, parts) in KINDS.items() for part in parts)
ERRORS = (columns.mse("train"), columns.mse("test"))  # the paper prints none
MEASURED = (*ERRORS, *FIDS)
NAMES = tuple(column.name for column in MEASURED)
COMMON = dict.fromkeys(column.name for column in ERRORS)  # measured in every row
PARTS = tuple(column.name for column in FIDS if column.name not in KINDS)  # of the columns that need a split head


AGAIN = "in this row the second stage stands in the place of the mixture, as in the paper it is taken from"


def split(preset, published, **options):
    """The row of the paper's own model: columns in which nothing is published are measured too."""
    return Row("SVAE", {**dict.fromkeys(NAMES), **published}, preset=preset, **options)


def linear(*units):
    """Rows of PCAs with as many components as networks of the table have latent units."""
    return tuple(pca(n, ("params", *COMMON)) for n in units)


def rae(name, parameters, fid_gen, fid_gmm, preset, note=""):
    """A row of a regularised autoencoder: a mixture of 10 Gaussians, as Ghosh et al. fit it."""
    return Row(
        name,
        {"params": parameters, "fid_gen": fid_gen, "fid_gmm": fid_gmm, **COMMON, **dict.fromkeys(PARTS)},
        preset=preset,
        samplers={"gmm": Sampling("gmm", {"n_components": 10})},
        notes={"params": note} if note else {},
    )


def two_stage(name, parameters, fid_gen, fid_gmm, preset, stage, note=""):
    """A row of a two-stage VAE: what stands in its GMM column is the second stage, with the settings `stage`."""
    return Row(
        name,
        {"params": parameters, "fid_gen": fid_gen, "fid_gmm": fid_gmm, **COMMON, **dict.fromkeys(PARTS)},
        preset=preset,
        samplers={"gmm": Sampling("second_stage", stage)},
        notes={"fid_gmm": AGAIN, **({"params": note} if note else {})},
    )


def released(row, preset, note):
    """The row of what a paper compares with once more: the network, weights, schedule and sampler of its authors' code.

    Its FIDs are published in the other row alone, so that no printed number counts twice.

    Args:
        row: with the printed numbers. preset: one of `presets.baselines`, which knows its sampler.
        note: why its parameters are not the printed ones.
    """
    return dataclasses.replace(
        row,
        name=f"{row.name}, as released",
        published={**dict.fromkeys(row.published), "params": row.published["params"]},
        preset=preset,
        samplers={kind: Sampling(sampling.sampler) for kind, sampling in row.samplers.items()},
        notes={**row.notes, "params": note},
    )


def others(numbers, rae_parameters, two_stage_parameters, presets, notes=("", "")):
    """The five rows that the paper compares with, in its order.

    Args:
        numbers: five pairs, FID GEN and FID GMM, of RAE-GP, RAE-L2, RAE-SN, and both two-stage VAEs.
        rae_parameters, two_stage_parameters: as published.
        presets: four names, of the three RAEs and of the two-stage VAE.
        notes: on the parameters of the RAEs and of the two-stage VAEs.
    """
    gp, l2, sn, dai_wipf, asperti = numbers
    return (
        rae("RAE-GP", rae_parameters, *gp, presets[0], notes[0]),
        rae("RAE-L2", rae_parameters, *l2, presets[1], notes[0]),
        rae("RAE-SN", rae_parameters, *sn, presets[2], notes[0]),
        two_stage(
            "2S-VAE (Dai, Wipf)", two_stage_parameters, *dai_wipf, presets[3], {"reconstruction": "gaussian"}, notes[1]
        ),
        two_stage(
            "2S-VAE (Asperti, Trentin)",
            two_stage_parameters,
            *asperti,
            presets[3],
            {"reconstruction": "computed_gamma"},
            notes[1],
        ),
    )


def samplers(components):
    """The mixtures of Split-VAE: fitted on training codes, and as the authors' code fits them."""
    settings = {"n_components": components, "max_iter": 200}
    return {"gmm": Sampling("gmm", settings), "gmm_test": Sampling("gmm", settings, codes="test")}


NOTES = (
    "The paper quotes the RAE and 2S-VAE rows from Ghosh et al. 2020, Dai and Wipf 2019, Asperti and Trentin 2020. "
    "The parameters that it gives them are those of the Green-AI survey's re-implementations, which are built here.",
    '"As released" means the network, penalties, schedule and sampler in the code of these authors. The published '
    "FIDs stand in the row of the same name without these words. `presets/baselines.py` says where our version "
    "differs.",
    "MSE is that of reconstructions from sampled codes, of the first 10,000 training images and of the test images. "
    "PCA is the error that remains with as many principal components of all training images. The paper publishes "
    "neither.",
    "For FID GMM, the mixture is fitted on posterior means of training images. For FID GMM (test codes), it is fitted "
    "on those of the test images that are also the reference, as in the authors' code.",
    'x1 and x2 are the two images that a split head mixes. In a column "mix", half of the images are x1 and half '
    "x2, of the same codes as in the column of the whole image.",
    "FID follows the survey's protocol: Inception v3 of TF-Slim/Keras, bilinear resizing to 299x299, first 10,000 "
    "test images. Gray images repeat their channel.",
    "Tolerances were fixed beforehand. Counts must be equal. FID counts as reproduced within 10 %, if nothing was "
    "shortened.",
)
