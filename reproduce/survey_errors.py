"""Survey, Table 2: errors of training and of test images by epochs, latent numbers and width, beside PCA.

    python reproduce/survey_errors.py                        # from the results and histories that are here, in seconds
    python reproduce/survey_errors.py --figures latent

Our errors are those that survey_table2.py left in results/ or under --out. Errors by epoch come from the histories of
the weights that ship.

Expected: the full-width network reaches the published error on training images alone. On test images PCA with as many
components is better. Narrow models, trained for a few epochs, have about the same error on both.
"""

from functools import partial

from green_vae.experiments.gallery import Figure, Gallery, main
from green_vae.experiments.papers.survey import ERRORS, SOURCE, TABLE2, reported
from green_vae.plots import OURS, PUBLISHED, Points, scatter
from green_vae.presets import preset, pretrained_path
from green_vae.training.checkpoint import read_history

REPORT = "survey_table2"
COMMAND = f"`python reproduce/{REPORT}.py --columns {' '.join(ERRORS)}` measures them"
TRAIN, TEST = ERRORS
SPLITS = {TRAIN: "training images", TEST: "test images"}
LINEAR, NEW = "#d9762b", "#2f855a"  # colours of PCA, and of test images
# row of Table 2: width (channels of the first convolution), latent numbers of all groups
MODELS = {
    "CNN-b128-l128": (128, 128),
    "L2-RAE-b128-l128": (128, 128),
    "GP-RAE-b128-l128": (128, 128),
    "Resnet-s4-b48-l128": (48, 128),
    "Resnet-s4-b48-l100": (48, 100),
    "Resnet-s4-b64-l64": (64, 64),
    "HFVAE-s4-z4-l48": (48, 76),
    "HFVAE-s4-z12-l64": (64, 100),
    "mini CNN": (32, 128),
    "mini L2-RAE": (32, 128),
    "mini GP-RAE": (32, 128),
    "mini Resnet": (16, 64),
    "mini HFVAE": (16, 100),
}
AXES = {"width": "width: channels of the first convolution", "latent": "latent numbers"}
# preset whose history ships -> row of Table 2, latent numbers; the ResLag study's models have no row there
TRAINED = {
    "survey/resnet-s4-b48-l128": ("Resnet-s4-b48-l128", 128),
    "survey/hfvae-s4-z4-l48": ("HFVAE-s4-z4-l48", 76),
    "boon/optimal-sigma-multi-level-cifar10": ("ResLag study, multi-level", 100),
    "boon/reslag-light-cifar10": ("ResLag study, light ResLag-VAE", 100),
}


def linear(units):
    """Name of the row of a PCA."""
    return f"PCA, {units} components"


def measured(settings):
    """Row -> column -> our error; made of thin air in a smoke test, so that there is something to draw."""
    if settings.smoke:
        rows = [*MODELS, *map(linear, (64, 100, 128))]
        return {row: {TRAIN: 1.0 + n, TEST: 2.0 + n} for n, row in enumerate(rows)}
    reports = reported(settings, REPORT).items()
    found = {row: {name: cells.get(name, {}).get("value") for name in ERRORS} for row, cells in reports}
    return {row: errors for row, errors in found.items() if None not in errors.values()}


def by_size(context, axis):
    """A panel of training images, with the printed errors, and one of test images; PCA as a line."""
    found, place = measured(context.settings), list(AXES).index(axis)
    sizes = {row: size[place] for row, size in MODELS.items()}
    pcas = {size[1]: found[linear(size[1])] for size in MODELS.values() if linear(size[1]) in found}
    panels = {}
    for column, split in SPLITS.items():
        sides = {"published": (PUBLISHED, "o", {r: TABLE2[r][column] for r in MODELS if column in TABLE2.get(r, {})})}
        sides["ours"] = (OURS, "^", {row: found[row][column] for row in MODELS if row in found})
        kinds = [  # names beside ours alone: the printed ones lie too close together
            Points(
                side,
                [sizes[row] for row in errors],
                list(errors.values()),
                tuple(errors) if side == "ours" else (),
                colour,
                marker,
            )
            for side, (colour, marker, errors) in sides.items()
            if errors
        ]
        if lines := {units: errors[column] for units, errors in sorted(pcas.items())}:
            kinds += pca_lines(lines, axis, sizes.values())
        if kinds:
            panels[f"MSE x 1000 of {split}"] = kinds
    scatter(context.path, panels, "CIFAR-10", AXES[axis])
    return told(found)


def pca_lines(lines, axis, sizes):
    """Components -> error, as one line over latent numbers, or as a level for each number over widths."""
    if axis == "latent":
        units, errors = tuple(lines), tuple(lines.values())
        return [Points("PCA", units, errors, (), LINEAR, "s", line=(units, errors))]
    ends = min(sizes), max(sizes)
    return [
        Points("", ends[1:], (error,), (linear(units),), LINEAR, "s", line=(ends, (error, error)))
        for units, error in lines.items()
    ]


def told(found):
    """Our errors beside those of PCA in words, of the rows that were measured."""
    parts = [
        f"{row}: {errors[TRAIN]:.2f} and {errors[TEST]:.2f}, PCA with {MODELS[row][1]} components "
        f"{found[linear(MODELS[row][1])][TRAIN]:.2f} and {found[linear(MODELS[row][1])][TEST]:.2f}"
        for row, errors in found.items()
        if row in MODELS and linear(MODELS[row][1]) in found
    ]
    return f"Training and test images: {'; '.join(parts)}." if parts else f"Ours: not run: {COMMAND}."


def histories(smoke):
    """Preset -> column -> error by epoch, x 1000, of the histories that ship."""
    if smoke:
        return {name: {TRAIN: [9.0, 4.0, 2.0], TEST: [9.0, 6.0, 5.0]} for name in TRAINED}
    found = {}
    for name in TRAINED:
        history = read_history(pretrained_path(name).parent)
        height, width, channels = preset(name).config["image_shape"]
        names = {TRAIN: "reconstruction", TEST: "val_reconstruction"}  # sums over pixels and channels
        found[name] = {
            column: [1000 * epoch[key] / (height * width * channels) for epoch in history]
            for column, key in names.items()
            if history and key in history[0]
        }
    return {name: errors for name, errors in found.items() if errors}


def by_epochs(context):
    """A panel for each network: its error by epoch, in the end, and of PCA."""
    found, panels, sentences = measured(context.settings), {}, []
    colours = {TRAIN: OURS, TEST: NEW}
    for name, errors in histories(context.settings.smoke).items():
        row, units = TRAINED[name]
        epochs = range(1, 1 + len(errors[TRAIN]))
        kinds = [
            Points("", epochs[-1:], values[-1:], (), colours[column], ".", line=(epochs, values))
            for column, values in errors.items()
        ]
        last = found.get(row) or {column: values[-1] for column, values in errors.items()}
        ends = [(last[column], SPLITS[column], colours[column], "^") for column in last]
        if linear(units) in found:
            level = found[linear(units)][TEST]
            ends.append((level, f"{linear(units)}, test images", LINEAR, "s"))
            kinds.append(Points("", (1,), (level,), (), LINEAR, ".", line=((1, epochs[-1]), (level, level))))
        for value, text, colour, marker in sorted(ends):  # the lowest first, so that no number stands below its point
            kinds.append(Points(text, epochs[-1:], (value,), (f"{value:.2f}",), colour, marker))
        panels[f"MSE x 1000, {row}"] = kinds
        spans = (f"{SPLITS[column]} {values[0]:.2f} to {values[-1]:.2f}" for column, values in errors.items())
        sentences.append(f"{row}, first to last epoch: {', '.join(spans)}")
    scatter(context.path, panels, "CIFAR-10", "epoch", log="y")
    rows = {row for row, _ in TRAINED.values()}
    shown = {row: errors for row, errors in found.items() if row in rows or row not in MODELS}
    return f"{'; '.join(sentences)}. {told(shown)}"


GALLERY = Gallery(
    name="survey_errors",
    title="Survey, Table 2: errors of training and of test images, beside PCA",
    source=f"{SOURCE}, Table 2; Boon 2023 (ResLag study), Table 1",
    figures=(
        Figure(
            "epochs",
            "error by epoch",
            by_epochs,
            note="Lines of training images are means over an epoch, while the weights move. The line of test images "
            "shows the error after each epoch. The survey's networks have no such line, because their recipe has "
            "no validation. Triangles show the trained weights on 10,000 images each; for the ResLag study's "
            "networks that is the last epoch.",
        ),
        Figure("latent", "error against latent numbers", partial(by_size, axis="latent")),
        Figure("width", "error against width", partial(by_size, axis="width")),
    ),
    notes=(
        "The survey publishes one error and does not say which images it is of. Here it stands beside ours of "
        "training images.",
        "PCA is fitted on all training images, see survey_table2. It has no width, so its level is drawn over all "
        "widths.",
        "Width and length of training do not vary one at a time: narrow models were trained for 2 to 10 epochs, the "
        "wide Resnet for 150. The NVAE rows are left out, because they have more latent numbers than an image has "
        "values.",
    ),
)

if __name__ == "__main__":
    main(GALLERY)
