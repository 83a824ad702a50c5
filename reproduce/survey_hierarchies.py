"""Survey, hierarchical models: what does each group of latent variables learn, in HFVAE and NVAE?

    python reproduce/survey_hierarchies.py                 # from the weights and data that are here, in a minute
    python reproduce/survey_hierarchies.py --train --figures hfvae-groups nvae-groups      # two narrow models first
    python reproduce/survey_hierarchies.py --train --figures hfvae-groups --preset survey/hfvae-s4-z12-l64

Expected: the error falls in every epoch. Every group has a KL of its own. The groups near the image have the most
numbers and take most of the KL. The paper's Figures 15 and 16 show samples of the wide models.
"""

from green_vae import metrics, presets
from green_vae.experiments import NotRun
from green_vae.experiments.gallery import Figure, Gallery, main
from green_vae.plots import lines, reconstruction_grid, rows_picture, save_png

HFVAE = ("survey/hfvae-s4-z12-l64", "survey/hfvae-s4-z4-l48", "survey/hfvae-mini")
NVAE = ("survey/nvae-z10-b100-l4", "survey/nvae-mini")
TEMPERATURES = (0.5, 0.7, 1.0)
SHOWN, COUNTED = 12, 1000  # images in a row; test images for the activity


def groups(context):
    """The error and the KL of every group by epoch; activity of the groups on test images."""
    run, history = context.run, context.run.history
    if not history:
        raise NotRun(f"the weights of {run.row.preset} come without a history; `{context.command}` makes one")
    epochs = range(1, len(history) + 1)
    names = {"squared error": "reconstruction", **{f"KL {n}": f"kl_{n}" for n in range(run.trained.groups)}}
    series = {title: (epochs, [logs[name] for logs in history]) for title, name in names.items()}
    lines(context.path, series, title=run.row.preset, y_label="mean per image (error; KL in nats)")
    test = context.dataset(run.preset.dataset, "test").images[: context.settings.limit_eval or COUNTED]
    rows = run.trained.activity(test, seed=context.seed)
    active = "; ".join(
        f"group {n}: {row['active']} of {row['size']} units active, KL {row['kl']:.1f} nats"
        for n, row in enumerate(rows)
    )
    ends = ", ".join(f"{title} {values[0]:.1f} to {values[-1]:.1f}" for title, (_, values) in series.items())
    return (
        f"From the first to the last epoch: {ends}. On {len(test):,} test images, the innermost group first: {active}. "
        "Active: the posterior's variance is on average at most 0.9 of the prior's."
    )


def samples(context):
    """Rows of samples: all groups at a temperature; below, the innermost code from a mixture that ships."""
    model = context.run.trained
    rows = {f"{t:g}": model.generate(SHOWN, seed=context.seed, temperature=t) for t in TEMPERATURES}
    sentence = "Rows: all groups drawn from their priors, their standard deviations times the number at the left"
    try:
        rows["GMM"] = model.generate(SHOWN, presets.load_sampler(context.run.row.preset, "gmm"), seed=context.seed)
        sentence += "; GMM: the innermost code from a mixture of 10 Gaussians fitted on the training codes"
    except FileNotFoundError:  # none ships for wide codes
        pass
    save_png(context.path, rows_picture(rows, zoom=2))
    return f"{sentence}."


def reconstructions(context):
    """Test images above what the posteriors of all groups give back."""
    images = context.dataset(context.run.preset.dataset, "test").images[:SHOWN]
    made = context.run.trained.reconstruct(images, seed=context.seed)
    save_png(context.path, reconstruction_grid(images, made), zoom=2)
    error = metrics.mse(images, made)
    return f"Mean squared error of these {len(images)}, x 1000: {1000 * error:.1f}."


def of(name, presets):
    family = presets[0].split("/")[1].split("-")[0].upper()
    return (
        Figure(f"{name}-groups", f"{family}, error and KL of every group by epoch", groups, presets),
        Figure(f"{name}-reconstructions", f"{family}, test images and reconstructions", reconstructions, presets),
        Figure(f"{name}-samples", f"{family}, samples at three temperatures", samples, presets),
    )


GALLERY = Gallery(
    name="survey_hierarchies",
    title="Survey: the hierarchical models",
    source="Asperti, Evangelista, Loli Piccolomini 2021, sections on HFVAE and NVAE",
    figures=(*of("hfvae", HFVAE), *of("nvae", NVAE)),
    notes=("The narrow models are ours, made for two CPU cores. The others follow the authors' code at full width.",),
)

if __name__ == "__main__":
    main(GALLERY)
