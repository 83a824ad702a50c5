"""Slides, Figures 4 to 15, 18 and 19: samples, reconstructions, a plane of digits, latent traversals, flows.

    python reproduce/slides_figures.py                     # from the weights and data that are here, in minutes
    python reproduce/slides_figures.py --train --figures 5 6 7     # the MNIST models: an hour or so on 2 cores
    python reproduce/slides_figures.py --train --figures 4 --preset slides/sigma-mnist-l8
    python reproduce/slides_figures.py --figures 18 19     # need neither data nor weights: two minutes
    python reproduce/slides_figures.py --figures inpainting richer-levels richer-samples

The slides do not number their figures. We count them from the first. Figures 1 to 3, 16, 17 and 20 to 23 are borrowed
from other papers, or are drawings.

Expected: digits are blurred but readable, and change smoothly along the plane and along each latent coordinate. In 18
and 19 a flow follows shapes that a Gaussian cannot.
"""

import numpy as np

from green_vae.experiments.gallery import Figure, Gallery, main
from green_vae.experiments.papers import slides_toys
from green_vae.metrics import mse
from green_vae.plots import (
    clouds,
    densities,
    image_grid,
    reconstruction_grid,
    rows_picture,
    save_gif,
    save_grid,
    save_png,
)
from green_vae.utils.images import unit_floats

LINEAR = ("slides/linear-mnist-l8",)
CONV = ("slides/conv-mnist-l8", "slides/sigma-mnist-l8")
PLANE = ("slides/sigma-mnist-l2", "slides/conv-mnist-l2", "slides/linear-mnist-l2")
FACES12, FACES128, FACES256 = (("slides/beta-celeba-l12",), ("slides/beta-celeba-l128",), ("slides/beta-celeba-l256",))
DIGITS8 = ("slides/sigma-mnist-l8", "slides/conv-mnist-l8")  # where there are no faces
REACH, STEPS, DRAWS = 3.0, 20, 10  # of a traversal
SIDE = 25  # codes along each axis of the plane
COMPLETED = 200  # test images
CLOUD = 1_500  # draws of each posterior of the toy
LADDER = "slides/ladder-mnist-binary"
RICHER = {"plain": "slides/vae-mnist-binary", "IAF": "slides/iaf-mnist-binary", "ladder": LADDER}
HELD, REDRAWN = 100, 11  # test images whose upper levels are held; draws below them


def samples(columns):
    """draw() of decoded draws from N(0, I), as many rows as columns."""

    def draw(context):
        save_grid(context.path, context.run.trained.generate(columns**2, seed=context.seed), columns, zoom=2)

    return draw


def reconstructions(context):
    """The first eight test images above their reconstructions, from sampled codes."""
    images = context.dataset(context.run.preset.dataset, "test").images[:8]
    made = context.run.trained.reconstruct(images, seed=context.seed)
    save_png(context.path, reconstruction_grid(images, made), zoom=2)
    return f"Squared error of these eight, summed over pixels and channels: {images[0].size * mse(images, made):.1f}."


def completed(context):
    """Ten test images, the same without their right halves, and completed by the most probable code."""
    model, name = context.run.trained, context.run.preset.dataset
    images = unit_floats(context.dataset(name, "test").images[:COMPLETED])
    known = np.ones(images.shape[1:3], bool)
    known[:, images.shape[2] // 2 :] = False
    made = model.inpaint(images, known)
    rows = {"image": images[:10], "known": images[:10] * known[..., None], "completed": made[:10]}
    save_png(context.path, rows_picture(rows, zoom=2))
    mean = unit_floats(context.dataset(name, "train").images).mean(0)
    plain = np.where(known[..., None], images, mean)
    errors = (np.square(other - images).sum((1, 2, 3)).mean() for other in (made, plain))
    return (
        "Squared error of the unknown half, summed over pixels, mean over {} test images: {:.1f}; with the mean "
        "training image there: {:.1f}.".format(len(images), *errors)
    )


def plane_codes(latent_dim, side=SIDE, reach=1.0):
    """Codes (side^2, latent_dim) row by row from the top left: the first coordinate rises to the right, the second
    upwards, both from -reach to reach; any others are 0."""
    axis = np.linspace(-reach, reach, side, dtype="float32")
    z = np.zeros((side, side, latent_dim), "float32")
    z[..., 0], z[..., 1] = axis[None, :], axis[::-1, None]
    return z.reshape(-1, latent_dim)


def plane(context):
    """The decoded plane between the corners (-1, -1) and (1, 1)."""
    model = context.run.trained
    save_grid(context.path, model.decode(plane_codes(model.latent_dim)), columns=SIDE, pad=0, zoom=1)
    return "Corners: top left (-1, 1), top right (1, 1)."


def traversals(limit):
    """draw() of the traversals of at most `limit` coordinates: a PNG of one draw, a GIF of ten."""

    def draw(context):
        model = context.run.trained
        dims = min(limit, model.latent_dim)
        images = model.traverse(z=model.draw(DRAWS, seed=context.seed), units=range(dims), reach=REACH, steps=STEPS)
        frames = [image_grid(np.concatenate(step), DRAWS) for step in images.transpose(2, 1, 0, 3, 4, 5)]
        animation = context.path.with_suffix(".gif")
        save_gif(animation, frames + frames[-2:0:-1])  # and back again
        save_grid(context.path, np.concatenate(images[0]), columns=STEPS)
        link = f"[{animation.name}]({animation.parent.name}/{animation.name})"
        return (
            f"Rows: the first {dims} of {model.latent_dim} latent coordinates of one draw, with -{REACH:.0f} to "
            f"{REACH:.0f} added in {STEPS} steps. {link}: the same of {DRAWS} draws, one per column, as an animation."
        )

    return draw


def four_points(context):
    """The prior, and the posteriors of four data points by a VAE without and with a flow, both trained now."""
    budget = {"seed": context.seed, **({"steps": 20} if context.settings.smoke else {})}
    prior = np.random.default_rng(context.seed).standard_normal((1, 4 * CLOUD, 2))
    panels, said = {"prior": prior}, []
    for posterior, name in (("gaussian", "factorised"), ("iaf", "IAF")):
        model = slides_toys.four_points(posterior, **budget)
        bound, error = slides_toys.point_bound(model)
        panels[f"{name} posteriors"] = slides_toys.point_codes(model, CLOUD, context.seed)
        said.append(f"{bound:.3f} +- {error:.3f} nats with {name} posteriors")
    clouds(context.path, panels, reach=3.0)
    return f"Evidence lower bound: {', '.join(said)}; {slides_toys.PERFECT:.3f} would be perfect."


def energies(context):
    """Four energies, and the flows from N(0, I) that are fitted to them now, by their densities."""
    budget = {"seed": context.seed, **({"steps": 20} if context.settings.smoke else {})}
    rows, said = {"exp(-U)": {}, "4 IAF layers": {}}, []
    for name, energy in slides_toys.ENERGIES.items():
        target, log_z = slides_toys.on_grid(energy)
        kl, error, z = slides_toys.divergence(slides_toys.fitted_flow(energy, **budget), log_z)
        edge = len(target) // 10  # the grid reaches beyond the square
        rows["exp(-U)"][name], rows["4 IAF layers"][name] = target[edge:-edge, edge:-edge], slides_toys.histogram(z)
        said.append(f"{kl:.3f} +- {error:.3f} for {name} (bound {log_z - kl:.3f} of ln Z = {log_z:.3f})")
    densities(context.path, rows, slides_toys.REACH)
    return f"KL of the flow to the normalised target, nats: {', '.join(said)}."


def richer_samples(context):
    """Draws of the three models of digits in two values, a row for each, as probabilities of white."""
    runs = {name: context.other(preset) for name, preset in RICHER.items()}
    rows = {name: run.trained.generate(16, seed=context.seed) for name, run in runs.items()}
    save_png(context.path, rows_picture(rows, zoom=2))
    return f"Weights: {', '.join(f'{name} {run.weights_hash}' for name, run in runs.items())}."


def held_levels(context):
    """Two digits, and draws of a ladder in which a level and all above it are those of the digit, a row for a level."""
    model, name = context.run.trained, context.run.preset.dataset
    images = context.dataset(name, "test").images[:HELD]
    codes, rows, said = model.encode(images, level="all"), {}, []
    for level in range(model.levels, 1, -1):
        z = model.draw_below(level, np.repeat(codes[level], REDRAWN, axis=0), seed=context.seed)
        made = model.decode(z).reshape(len(images), REDRAWN, *images.shape[1:])
        for index in range(2):
            rows[f"digit {index + 1}, level {level}"] = np.concatenate([unit_floats(images[index])[None], made[index]])
        said.append(f"{made.var(axis=1, ddof=1).sum((1, 2, 3)).mean():.1f} with level {level} and above held")
    save_png(context.path, rows_picture(dict(sorted(rows.items())), zoom=2))
    free = model.generate(HELD, seed=context.seed).var(axis=0, ddof=1).sum()
    return f"Variance of draws, summed over pixels: {free:.1f} with nothing held, {', '.join(said)}."


GALLERY = Gallery(
    name="slides_figures",
    title="Slides: the figures",
    source="Mittas 2023, Variational Autoencoders (slides)",
    figures=(
        Figure(
            "figure04",
            "latent traversal, beta-VAE, 12 latents",
            traversals(10),
            FACES12 + DIGITS8,
            "This figure is the same as Figure 10. The slides show ten of twelve coordinates and speak of R^10. "
            "Without CelebA it is drawn from a model of MNIST.",
        ),
        Figure("figure05a", "samples, linear VAE, 8 latents", samples(12), LINEAR),
        Figure("figure05b", "samples, convolutional VAE, 8 latents", samples(12), CONV),
        Figure("figure06", "originals and reconstructions, convolutional VAE, 8 latents", reconstructions, CONV),
        Figure(
            "figure07",
            "the decoded plane of 2 latents, sigma-VAE",
            plane,
            PLANE,
            "The caption says top right twice. The first one is the top left. The second coordinate rises upwards "
            "here. The author's code draws it downwards.",
        ),
        Figure("figure08", "samples, beta-VAE, 12 latents", samples(8), FACES12),
        Figure("figure09", "originals and reconstructions, beta-VAE, 12 latents", reconstructions, FACES12),
        Figure("figure10", "latent traversals, beta-VAE, 12 latents", traversals(10), FACES12),
        Figure("figure11", "samples, beta-VAE, 128 latents", samples(8), FACES128),
        Figure("figure12", "originals and reconstructions, beta-VAE, 128 latents", reconstructions, FACES128),
        Figure("figure13", "latent traversals, beta-VAE, 128 latents", traversals(20), FACES128),
        Figure(
            "figure14",
            "quiz: samples, beta-VAE, 256 latents",
            samples(8),
            FACES256,
            "The slides do not name the model; the author's repository shows a third one, of 256 latents.",
        ),
        Figure("figure15", "quiz: originals and reconstructions, beta-VAE, 256 latents", reconstructions, FACES256),
        Figure(
            "figure18",
            "toy set of four data points: prior, factorised and IAF posteriors",
            four_points,
            note="The slide speaks of four classes. They are four data points, with a colour for each, as in Figure 1 "
            "of Kingma et al. 2016. The model is trained while the figure is drawn.",
        ),
        Figure(
            "figure19",
            "four energies, and 4 IAF layers from N(0, I) fitted to them",
            energies,
            note="The energies are those of Rezende and Mohamed 2015, Table 1, on the square from -4 to 4. A steep "
            "wall surrounds the square, because three of the energies have no finite integral without it. The "
            "steps of the flow have no gates, which could only contract. The weight of the energy rises from "
            "0.01 to 1 in the first half of the training. Each column has its own scale of shades.",
        ),
        Figure(
            "inpainting",
            "digits, their left halves, and the halves completed by the most probable code",
            completed,
            DIGITS8[:1],
            "The slides name this use of a VAE and show no picture of it. The code maximises log p(known pixels | z) "
            "+ log p(z).",
        ),
        Figure(
            "richer-levels",
            "a ladder with its upper levels held and the lower ones drawn again",
            held_levels,
            (LADDER,),
            "The first column shows the digit, of MNIST in two values. A level is held at its posterior means, which "
            "are all that the levels below know of those above. Variances are over eleven draws for each of 100 test "
            "images.",
        ),
        Figure(
            "richer-samples",
            "samples of a plain VAE, one with a flow and a ladder",
            richer_samples,
            tuple(RICHER.values()),
            "The models are those of `python reproduce/slides_likelihood.py`, trained on MNIST in two values with one "
            "budget. The pictures show probabilities of white.",
        ),
    ),
    notes=(
        "CelebA is squeezed to 64x64 without a crop, and the KL weight rises from 0 to 20 in 10,000 steps. The KL is "
        "the right one. A version of the author's code of January 2023 has s^4 in the place of s^2.",
        "Figures 1 to 3, 16, 17 and 20 to 23 of the slides are borrowed from other papers, or are drawings.",
    ),
)

if __name__ == "__main__":
    main(GALLERY)
