"""What the page of a model shows, as numbers and images; nothing here knows of a browser."""

import numpy as np
from sklearn.decomposition import PCA

from green_vae.utils.images import unit_floats

UNITS = 12  # sliders
REACH = 3.0  # standard deviations that a slider goes to either side of the middle
STEPS = 9  # images of an interpolation
DRAWN = 16  # images of a sampler
MEASURED = 200  # images by which the activity behind a flow is estimated, each from many draws
PARTS = ("x", "x1", "x2", "map")


class View:
    """A model and the codes of some images.

    Args:
        model: a trained model of images.
        images: (n, h, w, c), n at least 2, uint8 or float in [0, 1].
        labels: (n,) integers, or None.
        seed: of codes that have to be drawn.

    Attributes:
        model, labels: as given. images: as float32 in [0, 1].
        codes: float32 (n, latent_dim): posterior means; draws behind a flow, whose mean is not known.
        centre: (latent_dim,), the code in the middle.
        low, high, step: (latent_dim,), the ends of a slider for each unit, and its steps.
        units: numbers of at most `UNITS` units that have sliders, the most active first.
        positions: (n, 2), the places of the codes on the map. shares: what share of the variance of all codes its two
            axes have, or None where they are latent units themselves.
        samplers: name -> sampler, the prior first.

    Raises:
        ValueError: fewer than two images, or images that the model does not take.
    """

    def __init__(self, model, images, labels=None, seed=0):
        images = np.asarray(model.check(images))
        if len(images) < 2:
            raise ValueError(f"a map of codes needs two images or more. Received: {len(images)}")
        self.model, self.images, self.labels = model, unit_floats(images), labels
        self.codes = model.encode(images, sample=model.flow is not None, seed=seed)
        self.centre, deviation = middle(model, self.codes)
        self.low, self.high, self.step = ranges(self.codes, self.centre, deviation)
        self.units = most_active(activity(model, images[:MEASURED], self.codes))
        self.positions, self.shares = plane(self.codes)
        self.samplers = samplers_of(model)
        self.pictures(self.centre)  # compiles what a slider runs

    def pictures(self, code):
        """Name of the part -> image (h, w, channels) of one code (latent_dim,): "x", and those of a split decoder."""
        z, split = np.asarray(code, "float32")[None], self.model.parts
        if split is None:
            return {"x": self.model.decode_alike(z, 1)[0]}
        parts = np.asarray(self.model.passes.of(split.network).predict_on_batch(z))  # all of them by one pass
        return {part: split.take(parts, part)[0] for part in PARTS}

    def moved(self, code, values):
        """A copy of a code (latent_dim,) in which the `units` have these values, cut to what their sliders allow.

        None leaves a unit as it is.
        """
        code, values = np.array(code, "float32"), np.array(values, "float32")  # None becomes NaN
        cut = np.clip(values, self.low[self.units], self.high[self.units])
        code[self.units] = np.where(np.isnan(values), code[self.units], cut)
        return code

    def values(self, code):
        """Where the sliders stand for a code (latent_dim,): a list of numbers, on their steps and within their ends."""
        step = self.step[self.units]
        steps = np.rint(np.asarray(code, "float64")[self.units] / step) * step
        values = np.clip(steps, self.low[self.units], self.high[self.units])
        return [round(float(value), _digits(one)) for value, one in zip(values, step, strict=True)]

    def slider(self, unit):
        """(low, high, step) of the slider of a unit, as numbers that are short to print."""
        return tuple(round(float(ends[unit]), _digits(self.step[unit])) for ends in (self.low, self.high, self.step))

    def number(self, asked):
        """The number of an image.

        Raises:
            ValueError: there is none of the number that was asked for.
        """
        if asked is None or not 0 <= asked < len(self.images):
            raise ValueError(f"The images have the numbers 0 to {len(self.images) - 1}. Received: {asked}")
        return int(asked)

    def nearest(self, place):
        """The number of the image whose code lies nearest to a place (2,) on the map."""
        return int(np.square(self.positions - np.asarray(place)).sum(axis=1).argmin())

    def between(self, a, b, steps=STEPS):
        """Images (steps, h, w, c) on the line between the codes of two images (h, w, c)."""
        return self.model.interpolate(a[None], b[None], steps, sample=self.model.flow is not None)[0]

    def new_code(self, seed):
        """A code (latent_dim,) from the first of the samplers; where there is none, that of one of the images."""
        if not self.samplers:
            return self.codes[seed % len(self.codes)]
        return self.model.new_codes(1, next(iter(self.samplers.values())), seed)[0]

    def drawn(self, seed, n=DRAWN):
        """Name of a sampler -> n new images (n, h, w, c)."""
        return {name: self.model.generate(n, sampler, seed) for name, sampler in self.samplers.items()}


def middle(model, codes):
    """(centre, standard deviation), both (latent_dim,): of the prior N(0, I); of the codes where that is not theirs."""
    if model.variational and not model.prior_only:
        return np.zeros(model.latent_dim, "float32"), np.ones(model.latent_dim, "float32")
    return codes.mean(axis=0), codes.std(axis=0)


def ranges(codes, centre, deviation, reach=REACH):
    """(low, high, step) of sliders, each (latent_dim,) of float64.

    A slider goes `reach` deviations to either side of the centre, and wherever a code lies. A step is a power of ten,
    so that a slider has 100 to 1,000 of them; the ends are rounded outwards to steps. A unit in which all codes are
    equal gets 1 to either side.
    """
    codes, centre, deviation = (np.asarray(values, "float64") for values in (codes, centre, deviation))
    low = np.minimum(centre - reach * deviation, codes.min(axis=0))
    high = np.maximum(centre + reach * deviation, codes.max(axis=0))
    same = high <= low
    low, high = np.where(same, centre - 1, low), np.where(same, centre + 1, high)
    step = 10.0 ** np.floor(np.log10(high - low) - 2)
    return np.floor(low / step) * step, np.ceil(high / step) * step, step


def activity(model, images, codes):
    """Variance over images of the mean of each unit, (latent_dim,); Burda et al. (2016) call it activity.

    Behind a flow the mean is estimated from draws for these images; a unit that does nothing then has about 1 / draws.
    """
    if model.flow is None:
        return codes.var(axis=0)
    means, _ = model.latent_moments(images)
    return means[:, : model.latent_dim].var(axis=0)


def most_active(variances, most=UNITS):
    """Numbers of the units of the largest variances, at most so many, the largest first; of equal ones the first."""
    return np.argsort(-np.asarray(variances), kind="stable")[:most]


def plane(codes):
    """(positions (n, 2), shares): the codes themselves, or their first two principal components.

    shares: of the variance of all codes along the two components; None where no component was taken.
    """
    if codes.shape[1] <= 2:
        return np.pad(codes, ((0, 0), (0, 2 - codes.shape[1]))), None
    found = PCA(2, svd_solver="full")
    return found.fit_transform(codes), tuple(map(float, found.explained_variance_ratio_))


def samplers_of(model):
    """Name -> what `generate` takes as sampler: the prior, and those that came with the model, read once."""
    prior = {"prior": "prior"} if model.variational else {}
    return prior if model.prior_only else prior | {name: read() for name, read in model.shipped.items()}


def _digits(step):
    """Decimal places of a step that is a power of ten."""
    return -round(float(np.log10(step)))
