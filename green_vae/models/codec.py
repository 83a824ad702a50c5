"""What a model is used for besides training: codes of images, images of codes, new images, images between and around
others, scores. Arrays in, arrays out."""

import abc
import copy
import inspect
import secrets
import warnings

import numpy as np

from green_vae import networks
from green_vae.models.inpainting import inpainted
from green_vae.models.inputs import check_images
from green_vae.models.likelihood import log_likelihood, log_weights
from green_vae.models.passes import Passes, as_floats, in_batches, joined
from green_vae.models.paths import lines, moved
from green_vae.models.streams import gathered
from green_vae.networks.common import drawn_with
from green_vae.utils.arguments import whole
from green_vae.utils.images import unit_floats


class Codec:
    """Mixed in before `keras.Model`. The model supplies `encode`, `encoder`, `decoder`, `parts`, `flow`, `heads`,
    `image_shape`, `latent_dim`, `variational` and `prior_only`, see `BaseVAE`. Noise is NumPy's, hence the same on
    every backend. Networks run as they are now, see `Passes`.
    """

    def __init__(self, **settings):
        super().__init__(**settings)
        self.passes = Passes()
        self.shipped = {}  # name -> function that reads the sampler beside the weights; `presets.load` sets it

    def check(self, x):
        """The images in x as one array or tensor, if they are valid input, else raise a ValueError that says why.

        Args:
            x: images, or whatever the head of `green_vae.models.feeding` names; a stream is read into memory.
        """
        return check_images(gathered(x, self.image_shape), self.image_shape)

    def posterior(self, x, batch_size=100):
        """The encoder's heads for all of x: a dict head -> float32 array (n, latent_dim)."""
        x = self.check(x)
        parts = list(in_batches(self.passes.heads(self.encoder, self.heads), x, batch_size))
        return {head: joined([part[head] for part in parts], len(x)) for head in self.heads}

    @abc.abstractmethod
    def encode(self, x, sample=False, seed=0, batch_size=100):
        """Codes of images, float32 (n, latent_dim); sample=True draws them where there is a posterior."""

    def decode(self, z, batch_size=100, part="x", seed=0):
        """Images for latent codes (n, latent_dim): float32 (n, h, w, c) in [0, 1].

        Args:
            seed: of what a hierarchy draws beside z; of no effect here.
            part: what a split decoder gives: "x" the image, "x1" and "x2" the two that it mixes, "map" the weight of
                x1 (n, h, w, 1), "mix" x1 for the first half of the codes and x2 for the rest. "x" for all others.

        Raises:
            ValueError: another latent shape, NaN, or a part that there is not.
        """
        z = self.check_codes(z, part)
        if part == "x":
            return joined(in_batches(self.passes.of(self.decoder), z, batch_size), len(z))
        parts = in_batches(self.passes.of(self.parts.network), z, batch_size)
        return self.parts.take(joined(parts, len(z)), part)

    def decode_alike(self, z, batch_size=100):
        """`decode` of codes (n, latent_dim) without noise that would differ from one code to the next.

        A hierarchy takes the groups beside z at the means of their priors.
        """
        return self.decode(z, batch_size)

    def check_codes(self, z, part="x"):
        """z as float32 if it is valid input for `decode`, else raise a ValueError that says why."""
        self.check_part(part)
        z = np.asarray(z, "float32")
        if z.ndim != 2 or z.shape[1] != self.latent_dim or not len(z):
            raise ValueError(f"expected latent codes of shape (n, {self.latent_dim}), n > 0. Received: shape {z.shape}")
        if not np.isfinite(z).all():
            raise ValueError("expected finite latent codes. Received: NaN or infinity")
        return z

    def check_part(self, part):
        """Raises ValueError for a part of an image that the model does not give."""
        if part not in networks.PARTS or (part != "x" and self.parts is None):
            there_is = ", ".join(networks.PARTS) if self.parts else "only 'x', without a split head"
            raise ValueError(f"no such part of an image; there is {there_is}. Received: {part!r}")

    def reconstruct(self, x, sample=True, seed=0, batch_size=100, part="x"):
        """decode(encode(x)): float32 of the shape of x. The survey's REC columns sample z; sample=False does not.

        Raises:
            ValueError: sample=False with a flow, whose posterior has no known mean, or a part that there is not.
        """
        self.check_part(part)
        return self.decode(self._codes_to_decode(x, sample, seed, batch_size), batch_size, part)

    def _codes_to_decode(self, x, sample, seed, batch_size):
        """`encode`, with a ValueError for the means before a flow, which are no codes for the decoder."""
        if self.flow is not None and not sample:
            raise ValueError("the mean of a posterior with a flow is not known; take draws. Received: sample=False")
        return self.encode(x, sample, seed, batch_size)

    def generate(self, n, sampler=None, seed=None, batch_size=100, part="x", temperature=1.0):
        """n new images: float32 (n, h, w, c) in [0, 1].

        Args:
            n: how many.
            sampler: a fitted sampler of `green_vae.samplers`, or a fitted mixture or density of scikit-learn; the name
                of one that ships with a loaded model, say "gmm"; "prior" or None for the prior, see `draw`. For None, a
                model without a prior takes the first sampler that ships with it.
            seed: of the draw; None for other images in every call. The first ten of 20 images are not those of a call
                for ten.
            part: of a split model, as for `decode`.
            temperature: factor on the standard deviation of the prior; a sampler takes none.

        Raises:
            ValueError: n is not a positive integer, a negative temperature, one beside a sampler, a part that there is
                not, a sampler that did not come with the model or draws other codes, or any sampler for a model that
                generates from its priors only.
        """
        seed = fresh(seed)
        return self.decode(self.new_codes(n, sampler, seed, temperature), batch_size, part)

    def stream(self, n, sampler=None, seed=None, batch_size=100, part="x"):
        """An iterator over n new images in batches, float32 (batch_size, h, w, c), the last one perhaps shorter.

        Codes are drawn at once, images when they are asked for, so that memory grows with the codes alone. A hierarchy,
        which draws more than the codes, gives other images than `generate` with the same seed. Arguments and errors as
        for `generate`.
        """
        self.check_part(part)
        seed, batch_size = fresh(seed), whole(batch_size, "batch_size")
        codes = self.new_codes(n, sampler, seed)
        starts = range(0, len(codes), batch_size)
        return (self.decode(codes[start : start + batch_size], batch_size, part, seed + start) for start in starts)

    def new_codes(self, n, sampler=None, seed=None, temperature=1.0):
        """n codes, float32 (n, latent_dim), from the prior or a fitted sampler; arguments as for `generate`."""
        n = whole(n, "n")
        if sampler is None and not self.variational:
            sampler = next(iter(self.shipped), None)
        if sampler is None or (isinstance(sampler, str) and sampler == "prior"):
            return self.draw(n, seed, temperature)
        if self.prior_only:
            raise ValueError(f"{type(self).__name__} generates from its priors only. Received: sampler={sampler!r}")
        if temperature != 1:
            raise ValueError(f"a temperature is of the prior, not of a sampler. Received: temperature={temperature}")
        return drawn_by(self._shipped(sampler) if isinstance(sampler, str) else sampler, n, seed)

    def _shipped(self, name):
        """The sampler of that name that came with the model."""
        if name not in self.shipped:
            there_is = ", ".join(["prior"] * self.variational + [*self.shipped]) or "none"
            hint = f"fit one: green_vae.SAMPLERS[{name!r}]().fit(model.encode(images))"
            raise ValueError(
                f"no such sampler came with this model; there is {there_is}. Or {hint}. Received: {name!r}"
            )
        optimizer = getattr(self, "optimizer", None)  # there is none before `compile`
        if optimizer is not None and int(optimizer.iterations):
            warnings.warn(f"the sampler {name!r} was fitted before this model was trained further", stacklevel=4)
        return self.shipped[name]()

    def draw(self, n, seed=0, temperature=1.0):
        """Codes from the prior, float32 (n, latent_dim), their standard deviation times `temperature`."""
        codes = np.random.default_rng(seed).standard_normal((n, self.latent_dim))  # as the sampler `Prior` draws them
        return (temperatures(temperature, 1)[0] * codes).astype("float32")

    def interpolate(self, a, b, steps=11, sample=False, seed=0, batch_size=100):
        """Images on the straight line from the code of each image of a to the code of its partner in b.

        The ends are `reconstruct(a)` and `reconstruct(b)` with the same `sample` and `seed`. An autoencoder has one
        code for an image, whatever `sample` says. With a flow there are only draws: it takes sample=True. A hierarchy
        moves its innermost code and takes the other groups at the means of their priors, so its ends are
        `decode(encode(a), temperature=0.0)`, which know less of an image than a reconstruction.

        Args:
            a, b: images (n, h, w, c), as many on either side; uint8 or float in [0, 1].
            steps: images of a line, both ends included; at least 2.
            sample: whether codes are drawn from the posterior, or are its mean.
            seed: of the draws.

        Returns:
            float32 (n, steps, h, w, c) in [0, 1].

        Raises:
            ValueError: as `reconstruct`, another number of images in b than in a, or fewer than 2 steps.
        """
        a, b = self.check(a), self.check(b)
        if len(a) != len(b):
            raise ValueError(f"a line has two ends; give as many images in b as in a. Received: {len(a)} and {len(b)}")
        ends = (self._codes_to_decode(images, sample, seed, batch_size) for images in (a, b))
        return self._decode_paths(lines(*ends, steps), batch_size)

    def traverse(self, x=None, units=None, reach=3.0, steps=11, scale=None, sample=False, seed=0, batch_size=100,
                 z=None):  # fmt: skip
        """Images with one latent unit at a time moved from `reach` below its value to `reach` above it.

        The middle of an odd number of steps is `reconstruct(x)` with the same `sample` and `seed`, or `decode(z)`. Of
        flows and hierarchies the same is true as for `interpolate`.

        Args:
            x: images (n, h, w, c) to start from, or None where codes are given.
            units: numbers of the units to move, from 0; None for all.
            reach: how far, in units of `scale`.
            steps: values of a unit, at least 2.
            scale: what counts as 1, a number or one for each unit (latent_dim,). None: 1, the standard deviation of the
                prior N(0, I). Autoencoders have no prior, and the prior of a ladder's code depends on the levels above:
                both must be told, say the standard deviations of codes, `model.encode(images).std(axis=0)`.
            sample, seed: as for `interpolate`.
            z: codes (n, latent_dim) to start from instead of images, say those of `draw`.

        Returns:
            float32 (n, len(units), steps, h, w, c) in [0, 1]: for each image a row for each unit.

        Raises:
            ValueError: as `reconstruct`; both x and z or neither; a unit that there is not, a scale that has to be told
                or has another shape, or fewer than 2 steps.
        """
        if (x is None) == (z is None):
            raise ValueError("give images x, or codes z. Received: " + ("neither" if x is None else "both"))
        units = np.arange(self.latent_dim) if units is None else np.atleast_1d(units)
        if not len(units) or units.dtype == bool or not set(units.tolist()) <= set(range(self.latent_dim)):
            raise ValueError(f"units are numbers from 0 to {self.latent_dim - 1}. Received: {units.tolist()}")
        if scale is None and (self.prior_only or not self.variational):
            why = f"{type(self).__name__} has no prior N(0, I) of its codes"
            raise ValueError(f"{why}; give scale, say model.encode(images).std(axis=0). Received: scale=None")
        if np.shape(scale) not in ((), (self.latent_dim,)):
            raise ValueError(f"scale is a number, or has the shape ({self.latent_dim},). Received: {np.shape(scale)}")
        z = self._codes_to_decode(x, sample, seed, batch_size) if z is None else self.check_codes(z)
        far = np.broadcast_to(reach * np.asarray(1.0 if scale is None else scale, "float32"), (self.latent_dim,))
        return self._decode_paths(moved(z, units, far, steps), batch_size)

    def score(self, x, kind="reconstruction", k=200, likelihood=None, sigma=None, seed=0, batch_size=100):
        """How normal the model finds each image: HIGHER is more normal, as in scikit-learn's `score_samples`.

        So anomalies are the images of the lowest scores, and a threshold is a low quantile of the scores of normal
        images that the model has not been trained on. None of the kinds is safe: a smooth image of another kind may
        score higher than those that the model was trained on (Nalisnick et al. 2019, Do deep generative models know
        what they don't know?).

        Args:
            x: images (n, h, w, c), uint8 or float in [0, 1].
            kind: "reconstruction": minus the squared error, summed over pixels and channels, from posterior means, or
                from one draw with a flow, whose mean is not known; any model has it. "elbo": the evidence lower bound,
                the mean over k draws. "iw": the importance-weighted bound of k draws, see `likelihood.log_likelihood`.
            k, likelihood, sigma: of the two bounds, as for `likelihood.log_likelihood`.
            seed: of the draws.

        Returns:
            float64 (n,); nats for the bounds.

        Raises:
            ValueError: another kind; and for the bounds as `likelihood.log_likelihood`, say for a model without a
                posterior, or one that states no p(x|z) and is given none.
        """
        if kind == "reconstruction":
            x = self.check(x)  # a stream is read once
            made = self.reconstruct(x, sample=self.flow is not None, seed=seed, batch_size=batch_size)
            error = np.square(unit_floats(x, "float64") - made)
            return -error.reshape(len(error), -1).sum(axis=1)
        options = {"k": k, "likelihood": likelihood, "sigma": sigma, "seed": seed, "batch_size": batch_size}
        if kind == "elbo":
            return log_weights(self, x, **options).mean(axis=1)
        if kind == "iw":
            return log_likelihood(self, x, **options)
        raise ValueError(f"kind is 'reconstruction', 'elbo' or 'iw'. Received: {kind!r}")

    def inpaint(self, x, known, steps=200, learning_rate=0.1, likelihood=None, sigma=None, batch_size=100):
        """Images whose unknown pixels are taken from the most probable code of the known ones (slides, uses of a VAE).

        The code z of each image maximises log p(known pixels | z) + log p(z), p(z) = N(0, I), as Adam finds it.

        Args:
            x: images (n, h, w, c), uint8 or float in [0, 1]; unknown pixels may have any value.
            known: bool, which pixels are known: (h, w) for all images, or (n, h, w).
            steps, learning_rate: of Adam; the rate falls to 0 along a cosine.
            likelihood, sigma: p(x|z) of a model that states none, as for `score`.

        Returns:
            float32 (n, h, w, c): the known pixels of x, and the model's elsewhere.

        Raises:
            ValueError: a model without a prior N(0, I) of its codes, or a hierarchy; known of another shape or type, or
                without any known pixel; fewer than one step; and as `likelihood.log_likelihood` of p(x|z).
        """
        options = {"likelihood": likelihood, "sigma": sigma, "steps": steps, "learning_rate": learning_rate}
        return inpainted(self, self.check(x), known, batch_size, **options)

    def _decode_paths(self, z, batch_size):
        """Images of codes (..., latent_dim): float32 (..., h, w, c)."""
        images = self.decode_alike(z.reshape(-1, z.shape[-1]), batch_size)
        return images.reshape(*z.shape[:-1], *images.shape[1:])


def fresh(seed):
    """The seed itself; a new one for None."""
    return secrets.randbits(32) if seed is None else seed


def drawn_by(sampler, n, seed):
    """n codes of a fitted sampler, of this package or of scikit-learn.

    Raises:
        ValueError: something that draws nothing.
    """
    if not callable(getattr(sampler, "sample", None)) or isinstance(sampler, type):
        raise ValueError(f"a sampler draws codes by `sample(n)`. Received: {sampler!r}")
    takes = inspect.signature(sampler.sample).parameters
    if "seed" in takes:
        return sampler.sample(n, seed=seed)
    state = np.random.RandomState(np.random.default_rng(seed).bit_generator)  # scikit-learn's kind of generator
    if "random_state" in takes:
        return sampler.sample(n, random_state=state)
    sampler = copy.copy(sampler)
    sampler.random_state = state
    drawn = sampler.sample(n)
    # its mixtures give the component of each code, too, and one component after the other
    return state.permutation(drawn[0] if isinstance(drawn, tuple) else drawn)


def gaussian_noise(seed, factor=1.0):
    """A function (mean, log_var) -> a draw, with NumPy's noise times `factor`: for arrays, see `drawn`."""
    rng = np.random.default_rng(seed)  # a generator is passed through

    def sample(mean, log_var):
        noise = rng.standard_normal(tuple(mean.shape), dtype="float32")
        return drawn(mean, log_var, np.float32(factor) * noise)

    return sample


def drawn(mean, log_var, noise):
    """`networks.common.reparametrised` for arrays, by NumPy: small ones are done before a backend has taken them."""
    return drawn_with(np.exp, *map(as_floats, (mean, log_var, noise)))


def in_units_of_the_prior(mean, log_var, prior_mean, prior_log_var):
    """(mean, variance) of posteriors where their priors have (0, 1); arrays of one shape, or scalars."""
    return (mean - prior_mean) * np.exp(-0.5 * prior_log_var), np.exp(log_var - prior_log_var)


def temperatures(temperature, count):
    """`count` factors as a list, from one number for all, or from one for each; a ValueError for another number."""
    factors = [temperature] * count if np.ndim(temperature) == 0 else list(temperature)
    if len(factors) != count or not all(0 <= factor < np.inf for factor in factors):
        expected = "one temperature of 0 or more" if count == 1 else f"of 0 or more, one temperature, or {count}"
        raise ValueError(f"expected {expected}. Received: {temperature}")
    return factors
