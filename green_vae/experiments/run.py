"""One row of a table on its way from data to numbers: a model, its codes, its samplers, its images."""

import time
from functools import cached_property

import numpy as np

from green_vae import metrics
from green_vae.experiments import spec
from green_vae.experiments.spec import NotRun, Sampling
from green_vae.experiments.trained import TrainedRow
from green_vae.plots import save_grid
from green_vae.presets import store
from green_vae.training.callbacks import latent_activity
from green_vae.utils import digests
from green_vae.utils.files import write_aside
from green_vae.utils.images import unit_floats
from green_vae.utils.reading import read_npy

STEP = 100  # images on their way through a network at a time
SHOWN = 64  # images in a picture
# kinds of images that are reconstructions; those of training images are the survey's REC
RECONSTRUCTIONS = {"train": "reconstructions", "test": "reconstructions_test"}
SMOKE_SAMPLERS = {"gmm": {"n_components": 2}, "second_stage": {"widths": (16,), "batch_size": 8, "epochs": 1}}


class Run(TrainedRow):
    """One row, lazily: whatever two columns need is made once."""

    unprinted = "the paper prints nothing here"  # the reason for a cell that is not among those of the row

    def __init__(self, bench, row):
        super().__init__(bench, row)
        self._moments, self._samplers = {}, {}

    @property
    def parts(self):
        """The runs that are trained for this one: itself, but for a row of several seeds."""
        return [self]

    # what was cut, and how a number came about

    def shortened(self):
        """What was cut from the paper's recipe and protocol, in words; "" for nothing."""
        recipe, parts = self.preset.recipe, []
        if self.epochs != recipe.epochs and not recipe.stopped(self.history):
            parts.append(f"trained {self.length}")
        return "; ".join([*parts, *self.trained_on_fewer(), *self.fewer()])

    def trained_on_fewer(self):
        """The training images that were left out, in words; [] for none. Weights that ship may have seen more."""
        count = len(self.train_images)
        if count == len(self.train_data):
            return []
        seen = store.metadata_of(self.shipped_folder).get("train_images", count) if self.shipped else count
        return [f"{'on' if seen == count else 'measured with'} the first {count:,} training images"]

    def fewer(self):
        """The images that were left out of a measurement, in words; [] for none."""
        count, n = self.reference_count, self.table.reference.n
        return [f"measured on {count:,} instead of {n:,} images"] if count < n else []

    def details(self):
        """What a measured number is of, for the report; `provenance` adds how it was measured."""
        recipe = self.preset.recipe
        return {
            "preset": self.row.preset,
            "dataset": self.preset.dataset,
            "epochs": self.epochs,
            "recipe_epochs": recipe.epochs,
            "length": self.length,
            "train_images": len(self.train_images),
            "learning_rate": recipe.learning_rate,
            "batch_size": recipe.batch_size,
            "weights": self.weights_hash,
        }

    # the numbers

    @property
    def reference_count(self):
        return self.bench.count

    def identity(self):
        """What every measured cell of this row depends on."""
        test = self.bench.data(self.preset.dataset, "test")
        return {"weights": self.weights_hash, "data": test.fingerprint[:16], "seed": self.settings.seed}

    def image_count(self, kind):
        """How many images of one kind there are; the training images, which are reconstructed, may be fewer."""
        of, _ = of_and_part(kind)
        return min(self.reference_count, len(self.train_images)) if of == "reconstructions" else self.reference_count

    def originals(self, kind):
        """The images that one kind of reconstructions is of."""
        images = self.train_images if kind == "reconstructions" else self.bench.reference_images
        return images[: self.image_count(kind)]

    def check_kind(self, kind):
        """Raises NotRun for a part of an image, of a model that has no parts."""
        if of_and_part(kind)[1] != "x" and self.blueprint.parts is None:
            raise NotRun("no split head: the images of this row have no parts")

    def image_identity(self, kind):
        """What one kind of images depends on, and the reference with it."""
        of, _ = of_and_part(kind)
        own = {**self.identity(), "kind": kind, "n": self.image_count(kind)}
        own["codes"] = [self.preset.codes, len(self.train_images)]
        if of not in RECONSTRUCTIONS.values():
            sampler = self.new_sampler(of)
            own["sampler"] = [sampler.name, sampler.settings(), *(["noise"] if self.sampling(of).noise else [])]
            if self.sampling(of).codes != "train":
                own["codes"] = [self.preset.codes, self.sampling(of).codes, self.reference_count]
            if self.sampling(of).posterior:
                own["codes"][0] = self.sampling(of).posterior
        return own

    @cached_property
    def latent_activity(self):
        """`callbacks.latent_activity` over the reference images."""
        return latent_activity(*self.trained.latent_moments(self.bench.reference_images))

    def mse(self, kind):
        """Mean squared error of one kind of reconstructions, per pixel and channel; from sampled codes."""
        images, start, total = self.originals(kind), 0, 0.0
        for made in self.images(kind):
            # the originals alone are converted: what a PCA makes may lie outside [0, 1]
            unit = unit_floats(images[start : start + len(made)], "float64")
            total += metrics.mse(unit, made) * len(made)
            start += len(made)
        return total / len(images)

    def fid(self, kind, layer):
        moments, reference = self.moments(kind), self.bench.reference_moments
        return self.bench.evaluator.fid(moments, reference)[self.bench.layer_name(layer)]

    def fid_error(self, kind, layer):
        """Standard error of `fid` under other images of this kind; None for too few images."""
        name = self.bench.layer_name(layer)
        return metrics.error_of_moments(self.moments(kind)[name], self.bench.reference_moments[name])

    def moments(self, kind):
        """Moments of one kind of images, by layer; measured once."""
        if kind not in self._moments:
            self._moments[kind] = self.new_moments(kind)
        return self._moments[kind]

    def new_moments(self, kind):
        """The same, measured now or taken from the cache; the first images are kept as a picture."""
        key = identity(self.image_identity(kind))
        label = f"{self.row.name} {kind}"
        images = self._with_picture(self.images(kind), kind)
        moments = self.bench.moments(images, key, label, total=self.image_count(kind))
        picture = self._picture(kind)
        if not picture.exists():  # the moments were cached, and nobody looked at the images
            any(picture.exists() for _ in images)
        return moments

    # the images

    def images(self, kind):
        """Batches of float32 images: reconstructions, of `originals`, or samples.

        A kind may name a part of a split model's images: "prior:x1", see `VAE.decode`.
        """
        model, n, seed = self.trained, self.image_count(kind), self.settings.seed
        of, part = of_and_part(kind)
        if of in RECONSTRUCTIONS.values():
            chosen = self.originals(of)
            for start in range(0, n, STEP):
                yield model.reconstruct(chosen[start : start + STEP], seed=seed + start, batch_size=STEP, part=part)
            return
        yield from model.stream(n, None if self._from_prior(of) else self.sampler(of), seed, STEP, part)

    def _from_prior(self, of):
        """Whether new codes come from the model's own prior, as those of `generate` do: no image is encoded."""
        return of == "prior" and self.model.variational

    def made(self, kind):
        """How one kind of images is made, in words."""
        of, part = of_and_part(kind)
        what = {"x": "", "mix": "half x1, half x2, of "}.get(part, f"{part} of ")
        code = "one sample of the posterior" if self.preset.codes == "sample" else "the posterior mean"
        if not self.model.variational:
            code = "the code"
        if of in RECONSTRUCTIONS.values():
            sampled = ", from sampled codes," if self.model.variational else ""
            split = "training" if of == "reconstructions" else "test"
            return f"{what}reconstructions{sampled} of the first {self.image_count(kind):,} {split} images"
        sampler, chosen = self.new_sampler(of), self.sampling(of)
        if self.model.prior_only:
            return f"{what}samples from the model's own priors, from the top level down"
        if sampler.name == "prior":
            return f"{what}samples from N(0, I)"
        options = {**self.preset.samplers.get(sampler.name, {}), **chosen.settings}
        settings = ", ".join(f"{name}={value!r}" for name, value in options.items())
        if self.model.variational and chosen.posterior:
            code = {"mean": "the posterior mean", "sample": "one sample of the posterior"}[chosen.posterior]
        source = f"all {len(self.train_images):,} training images"
        if chosen.codes == "test":
            source = f"the {self.reference_count:,} test images that are the reference too, as the authors' code does"
        noise = ", with the noise of its loss," if chosen.noise else ""
        return f"{what}samples by {sampler.name}({settings}){noise} fitted on {code} of {source}"

    def _picture(self, kind):
        return self.settings.out / self.table.name / f"{self.row.name}-{kind.replace(':', '-')}.png"

    def _with_picture(self, batches, kind):
        """Pass batches on, and keep the first images as a PNG beside the report."""
        shown = []
        for batch in batches:
            if sum(map(len, shown)) < SHOWN:
                shown.append(batch[:SHOWN])
                if sum(map(len, shown)) >= min(SHOWN, self.image_count(kind)):
                    save_grid(self._picture(kind), np.concatenate(shown)[:SHOWN], columns=16)
            yield batch

    def codes(self, split="train", posterior=""):
        """Codes of the "train" or "test" images, float32 (n, latent_dim).

        Args:
            posterior: "mean" or "sample", what is taken of it; "" for what the row's own code takes.
        """
        parts = ["codes", *([] if split == "train" else [split]), *([posterior] if posterior else [])]
        path = self.folder / f"{'-'.join([*parts, self.weights_hash])}.npy"
        images = self.train_images if split == "train" else self.bench.reference_images
        if path.exists() and len(z := np.array(read_npy(path))) == len(images):
            return z
        sample = (posterior or self.preset.codes) == "sample"
        z = self.trained.encode(images, sample=sample, seed=self.settings.seed, batch_size=STEP)
        with write_aside(path) as aside:
            np.save(aside, z)
        return z

    def sampling(self, kind):
        """How the row draws codes for a kind: its own way, else the table's.

        Raises:
            NotRun: a fitted sampler for a model that generates from its priors only.
        """
        if kind == "prior":
            return Sampling("prior" if self.model.variational else "scalar_gaussian")
        if self.model.prior_only:
            why = "generates from its own priors; a sampler fitted on codes would leave out its upper levels"
            raise NotRun(f"prior only: {self.row.preset} {why}")
        return {**self.table.samplers, **self.row.samplers}[kind]

    def new_sampler(self, kind):
        """The sampler of that kind, not yet fitted."""
        name, options = self.sampling(kind).sampler, dict(self.sampling(kind).settings)
        if self.settings.smoke:
            options |= SMOKE_SAMPLERS.get(name, {})
        return self.preset.new_sampler(name, **options)

    def sampler(self, kind):
        """The same, fitted to the codes of the training images: the one that ships, else kept in the row's folder."""
        if kind not in self._samplers:
            sampler, sampling = self.new_sampler(kind), self.sampling(kind)
            fitted = self._shipped_sampler(sampler, sampling) or self._fitted(sampler, sampling)
            self._samplers[kind] = fitted.with_noise() if sampling.noise else fitted
        return self._samplers[kind]

    def fit_seconds(self, kind):
        """Processor seconds in which the sampler of a kind is fitted, anew; `sampler` gives it from now on."""
        sampling = self.sampling(kind)
        codes, sampler = self.codes(sampling.codes, sampling.posterior), self.new_sampler(kind)
        begin = time.process_time()
        self._samplers[kind] = sampler.fit(codes)
        return time.process_time() - begin

    def _shipped_sampler(self, sampler, sampling):
        """The sampler beside the weights that ship, if it has these settings and was fitted on these codes."""
        other = sampling.codes != "train" or sampling.posterior not in ("", self.preset.codes)
        if not self.shipped or other or self.settings.limit_train:
            return None
        try:
            found = store.sampler_in(self.shipped_folder, sampler.name)
        except FileNotFoundError:
            return None
        return found if found.settings() == sampler.settings() else None

    def _fitted(self, sampler, sampling):
        codes, posterior = self.codes(sampling.codes, sampling.posterior), sampling.posterior
        own = [self.weights_hash, sampler.settings(), sampling.codes, len(codes), *([posterior] if posterior else [])]
        key = digests.of_json(own)[:16]
        path = self.folder / f"{sampler.name}-{key}.npz"
        if path.exists():
            return type(sampler).load(path)
        sampler.fit(codes, path.with_suffix("")).save(path)
        return sampler


def of_and_part(kind):
    """Kind and part of "prior:x1"; the part is "x", the whole image, where none is named."""
    of, _, part = kind.partition(":")
    return of, part or "x"


def identity(value):
    """Sixteen hexadecimal digits that name what this code measures from what a JSON value tells; see `spec.FORMAT`."""
    return digests.of_json([spec.FORMAT, value])[:16]
