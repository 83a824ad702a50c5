"""Hierarchical VAE: groups of latent variables from the inside outwards, with residual posteriors (HFVAE, NVAE)."""

import math
import shutil
import tempfile
from pathlib import Path

import h5py
import keras
import numpy as np
from keras import ops

from green_vae.keras_internals import layers_inside
from green_vae.models import losses
from green_vae.models.balancing import balancing
from green_vae.models.codec import fresh, gaussian_noise, in_units_of_the_prior, temperatures
from green_vae.models.gamma_vae import WATCH_THE_BOUND
from green_vae.models.gaussian_vae import GaussianVAE, check_without_flow_or_split
from green_vae.models.layers import ComputedGamma, SpectralNorms
from green_vae.models.passes import as_floats
from green_vae.models.warm_up import WarmUp
from green_vae.networks import hfvae, nvae, nvae_survey
from green_vae.networks.pixel_flow import MaskedConv2D
from green_vae.utils.arguments import check_factors, whole
from green_vae.utils.images import unit_floats

HIERARCHIES = {"hfvae": hfvae.build, "nvae": nvae.build, "nvae-survey": nvae_survey.build}
LIKELIHOODS = ("gaussian", "computed_gamma", "bernoulli", "logistics")
BALANCES = {None: None, False: None, True: "paper", "paper": "paper", "code": "code"}  # True: as saved before "code"
INACTIVE = 0.9  # of a posterior's variance to its prior's: a unit above it says nothing of the image (survey's code)


@keras.saving.register_keras_serializable(package="green_vae")
class HierarchicalVAE(WarmUp, GaussianVAE):
    """Top-down hierarchy with bidirectional inference; see `green_vae.networks.hierarchy` for its distributions.

    loss = mean over the batch of  c SSE + w beta sum over groups l of gamma_l g_l KL_l + spectral sum of norms,
    KL_l = KL(q(z_l | z_<l, x) || p(z_l | z_<l)) in nats, closed form; with flows the estimate log q - log p of the z
    drawn. w rises linearly from 0 to 1. Sources: survey, sections on HFVAE and NVAE; Vahdat and Kautz 2020.

    The innermost vector z is what a code means in `encode`, `decode`, `latent_dim` and the samplers, as in the survey's
    second stage and mixture; the other groups are then drawn from their priors.

    Args:
        image_shape: (h, w, c).
        network: a name of `HIERARCHIES`. network_options: further arguments of its builder.
        beta, warmup_steps, seed, name, dtype: as for `BetaVAE`.
        reconstruction_weight: c; the survey takes 1 for HFVAE and 1/2 for NVAE.
        group_weights: g_l, the innermost first; None for 1 everywhere.
        balance: gamma_l while w rises, "paper" or "code" of `green_vae.models.balancing`; afterwards, and for None, 1.
            Older configurations have True for "paper".
        spectral: weight of the sum of the largest singular values of the kernels of all full convolutions but the
            flows' (NVAE, section 3.3).
        likelihood: "gaussian", c = 1/2 being sigma = 1; "computed_gamma": c / gamma takes the place of c, see
            `ComputedGammaVAE`; "bernoulli" or "logistics": the raw "reconstruction" is then the cross-entropy, or minus
            the log probability of 8-bit pixels (`losses.logistics_nll`), and c should be 1. "logistics" needs a
            network that gives a mixture: "nvae" with the option `components`. Its images are the mixture's means.
        posterior: "gaussian"; a network with flows has them in its options.

    Output of a call: "mean", "log_var", "z" of the innermost group, (batch, latent_dim); for every other group l
    "mean_l", "log_var_l", "prior_mean_l", "prior_log_var_l" and "z_l"; "reconstruction", and "mixture" if the network
    gives one. Logged: "kl", the plain sum, "kl_0" (innermost), "kl_1", ... by group, "weighted_kl" the sum that is paid
    for, "kl_weight", and "gamma" and "elbo" if it is computed.

    Raises:
        ValueError: an unknown network, balance or likelihood, a likelihood that the network does not serve, not one
            weight per group, a flow as posterior or a split head.
    """

    def __init__(self, *, image_shape=(32, 32, 3), network="hfvae", network_options=None, beta=1.0, warmup_steps=0,
                 reconstruction_weight=0.5, group_weights=None, balance=None, spectral=0.0, likelihood="gaussian",
                 posterior="gaussian", seed=None, name=None, dtype=None):  # fmt: skip
        check_without_flow_or_split(posterior, network_options)
        if network not in HIERARCHIES:
            there_is = ", ".join(HIERARCHIES)
            raise ValueError(f"unknown hierarchical network; choose one of {there_is}. Received: {network!r}")
        if likelihood not in LIKELIHOODS:
            raise ValueError(f"likelihood must be one of {', '.join(LIKELIHOODS)}. Received: {likelihood!r}")
        if balance not in BALANCES:
            raise ValueError(f"balance must be 'paper', 'code' or None. Received: {balance!r}")
        check_factors(reconstruction_weight=reconstruction_weight, spectral=spectral)
        self.reconstruction_weight, self.balance = reconstruction_weight, BALANCES[balance]
        self.spectral, self.likelihood = spectral, likelihood
        # latent_dim is known when the network is built
        super().__init__(image_shape=image_shape, latent_dim=None, network=network, network_options=network_options,
                         beta=beta, warmup_steps=warmup_steps, seed=seed, name=name, dtype=dtype)  # fmt: skip
        self.group_weights = (1.0,) * self.groups if group_weights is None else tuple(group_weights)
        if len(self.group_weights) != self.groups:
            raise ValueError(f"expected {self.groups} weights, one per group. Received: {group_weights}")
        self.norms = SpectralNorms(self.kernels(), seed=seed) if spectral else None
        self.gamma = ComputedGamma(name="gamma") if likelihood == "computed_gamma" else None

    def build_networks(self):
        build = HIERARCHIES[self.network]
        encoder, bidirectional, decoder, *flow = build(self.image_shape, **self.network_options)
        if (self.likelihood == "logistics") != ("mixture" in bidirectional.output):
            hint = (
                "'logistics' goes with network='nvae' and network_options={'components': 10}, no other likelihood does"
            )
            raise ValueError(f"{hint}. Received: {self.likelihood!r}, {self.network!r}, {self.network_options}")
        # in this order stand the weights, hence also the optimizer's state in checkpoints
        self.decoder, self.flow, self.encoder = decoder, flow[0] if flow else None, encoder
        self.bidirectional = bidirectional
        self.latent_dim = encoder.output["mean"].shape[-1]
        self.shapes = {int(name[6:]): x.shape[1:] for name, x in decoder.input.items() if name.startswith("noise_")}
        self.groups = 1 + len(self.shapes)
        groups = (f"kl_{n}" for n in range(self.groups))
        spectral = ("spectral",) if self.spectral else ()
        gamma = ("gamma", "elbo") if self.likelihood == "computed_gamma" else ()
        self.logged = ("reconstruction", "kl", *groups, "weighted_kl", *spectral, "kl_weight", *gamma)
        return encoder, decoder

    @property
    def instead_of_loss(self):
        return WATCH_THE_BOUND if self.likelihood == "computed_gamma" else super().instead_of_loss

    def kernels(self):
        """The kernels of all full convolutions but the flows', as matrices with a column per output channel."""
        found = dict.fromkeys([*layers_inside(self.encoder), *layers_inside(self.bidirectional)])
        matrices = []
        for layer in found:
            if isinstance(layer, keras.layers.Conv2DTranspose):  # its kernel is (k, k, out, in)
                kernel = ops.transpose(layer.kernel, (0, 1, 3, 2))
            elif isinstance(layer, keras.layers.Conv2D) and not isinstance(layer, MaskedConv2D):
                kernel = ops.convert_to_tensor(layer.kernel)
            else:
                continue
            matrices.append(ops.reshape(kernel, (-1, kernel.shape[-1])))
        return matrices

    @property
    def whole_batch(self):
        return None if self.balance is None else "the balance of the groups is that"

    # the pass

    def bend(self, posterior, z):
        if self.flow is None:
            return {"z": z}
        return {"z": self.flow(z), "log_q": self.log_density(posterior, z)}  # the flow keeps volumes

    def infer(self, posterior, sample, training):
        latent = self.bend(posterior, sample(posterior["mean"], posterior["log_var"]))
        batch = ops.shape(latent["z"])[0]
        zeros = {n: ops.zeros((batch, *shape)) for n, shape in self.shapes.items()}
        noise = {f"noise_{n}": sample(zero, zero) for n, zero in zeros.items()}
        features = {name: x for name, x in posterior.items() if name.startswith("features_")}
        below = self.bidirectional({"z": latent["z"], **features, **noise}, training=training)
        return {"mean": posterior["mean"], "log_var": posterior["log_var"], **latent, **below}

    def networks(self):
        flow = {} if self.flow is None else {"flow": self.flow}
        return {"encoder": self.encoder, **flow, "bidirectional": self.bidirectional}

    # the loss

    def group_kl(self, n, outputs):
        """KL_n in nats, (batch,); with flows its estimate."""
        if n == 0:  # with a flow `kl` is the whole log_ratio, which is that of all groups here
            return self.kl(outputs) if self.flow is None else super().log_ratio(outputs)
        if f"drawn_{n}" in outputs:
            return self._group_log_ratio(n, outputs)
        return losses.kl_normal(*self._gaussians(n, outputs))

    def _group_log_ratio(self, n, outputs):
        """log q - log p of the draws of group n, (batch,); a flow here keeps volumes."""

        def nll(z, of):
            rows = [
                ops.reshape(outputs[f"{name}_{n}"], (ops.shape(z)[0], -1)) for name in (f"{of}mean", f"{of}log_var")
            ]
            return losses.gaussian_nll(z, rows[0], 0.5 * rows[1])

        drawn = outputs.get(f"drawn_{n}", outputs[f"z_{n}"])
        return nll(outputs[f"z_{n}"], "prior_") - nll(drawn, "")

    def log_ratio(self, outputs):
        return super().log_ratio(outputs) + sum(self._group_log_ratio(n, outputs) for n in self.shapes)

    def terms(self, x, outputs):
        groups = [self.group_kl(n, outputs) for n in range(self.groups)]
        weighted = sum(weight * kl for weight, kl in zip(self._balanced(groups), groups, strict=True))
        terms = {"reconstruction": self._error(x, outputs), "kl": sum(groups), "weighted_kl": weighted}
        if self.norms is not None:
            terms["spectral"] = self.norms(self.kernels())
        if self.gamma is not None:
            terms["elbo"] = self.gamma.bound(terms["reconstruction"], terms["kl"], math.prod(self.image_shape))
        return {**terms, **{f"kl_{n}": kl for n, kl in enumerate(groups)}}

    def _error(self, x, outputs):
        if self.likelihood == "logistics":
            return losses.logistics_nll(x, outputs["mixture"])
        return losses.ERRORS["bernoulli" if self.likelihood == "bernoulli" else "gaussian"](
            x, outputs["reconstruction"]
        )

    def _balanced(self, groups):
        """The factors gamma_l g_l of the KLs of all groups."""
        if self.balance is None:
            return self.group_weights
        sizes = [self.latent_dim, *(math.prod(shape) for shape in self.shapes.values())]
        gamma = balancing(groups, sizes, self.balance)
        rising = ops.cast(ops.convert_to_tensor(self.steps) < self.warmup_steps, "float32")
        gamma = rising * gamma + (1.0 - rising)
        return [weight * gamma[n] for n, weight in enumerate(self.group_weights)]

    def term_weights(self):
        spectral = {} if self.norms is None else {"spectral": self.spectral}
        c = self.reconstruction_weight if self.gamma is None else self.reconstruction_weight / self.gamma.value()
        return {"reconstruction": c, "weighted_kl": self.kl_weight(), **spectral}

    def update_schedule(self, means):
        super().update_schedule(means)
        if self.gamma is not None:
            self.gamma.update(means["reconstruction"] / math.prod(self.image_shape))
        if self.norms is not None:
            self.norms.step(self.kernels())

    def schedule_state(self):
        return {**super().schedule_state(), **({} if self.gamma is None else {"gamma": self.gamma.value()})}

    def observation(self):
        if self.gamma is not None:
            return "gaussian", math.sqrt(float(self.gamma.value()))
        return None if self.likelihood == "gaussian" else (self.likelihood, None)

    # use

    def decode(self, z, batch_size=100, part="x", seed=0, temperature=1.0):
        """Images for codes of the innermost group (n, latent_dim), the others drawn from their priors.

        Args:
            part: "x".
            seed: of those draws; the same on every backend.
            temperature: factor on their standard deviations: a number, or one for every group but the innermost.

        Returns:
            float32 (n, h, w, c) in [0, 1].

        Raises:
            ValueError: another latent shape, NaN, a part, or another number of temperatures.
        """
        z, streams = self.check_codes(z, part), self._streams(seed)
        factors, decoder = temperatures(temperature, self.groups - 1), self.passes.of(self.decoder)
        parts, batch_size = [], whole(batch_size, "batch_size")
        for start in range(0, len(z), batch_size):
            codes = z[start : start + batch_size]
            parts.append(as_floats(decoder.predict_on_batch({"z": codes, **self._noise(streams, len(codes), factors)})))
        return np.concatenate(parts)

    def decode_alike(self, z, batch_size=100):
        # noise of the other groups would differ from one code to the next, and hide what the code does
        return self.decode(z, batch_size, temperature=0.0)

    def generate(self, n, sampler=None, seed=None, batch_size=100, part="x", temperature=1.0):
        """n new images, float32 (n, h, w, c); the innermost code from N(0, I) or a fitted sampler.

        Args:
            n, sampler, seed, batch_size, part: as for `VAE`.
            temperature: factor on the standard deviations: a number, or one per group, the innermost first; the
                first has no effect on a sampler.

        Raises:
            ValueError: n is not a positive integer, or another number of temperatures.
        """
        factors, seed = temperatures(temperature, self.groups), fresh(seed)
        of_prior = sampler is None or (isinstance(sampler, str) and sampler == "prior")
        z = self.new_codes(n, sampler, seed, factors[0] if of_prior else 1.0)
        return self.decode(z, batch_size, part, seed, factors[1:])

    def reconstruct(self, x, sample=True, seed=0, batch_size=100, part="x"):
        """Images from the posteriors of all groups, float32 of the shape of x; sample=False takes their means.

        Raises:
            ValueError: a part other than "x", and as `levels`.
        """
        self.check_part(part)
        return self.levels(x, sample, seed, batch_size, ("reconstruction",))["reconstruction"]

    def levels(self, x, sample=True, seed=0, batch_size=100, names=None):
        """The outputs of a call by name, as float32 arrays over all of x; the same on every backend.

        Args:
            x, sample, seed, batch_size: as for `reconstruct`.
            names: which; None for all but "mixture", which is many times the images.

        Raises:
            ValueError: images that the model cannot take, or sample=False with flows, whose means are not known.
        """
        parts = []
        for outputs in self._passes(x, sample, seed, batch_size):
            parts.append({name: as_floats(outputs[name]) for name in names or outputs.keys() - {"mixture"}})
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _passes(self, x, sample, seed, batch_size):
        """Outputs of a call, batch by batch; its arguments are those of `levels`, and it raises the same."""
        x, batch_size = self.check(x), whole(batch_size, "batch_size")
        if self.flow is not None and not sample:
            raise ValueError("the mean of a posterior with a flow is not known; take draws. Received: sample=False")
        encoder, bidirectional = map(self.passes.of, (self.encoder, self.bidirectional))
        rng, streams, factors = np.random.default_rng(seed), self._streams(seed), [float(sample)] * len(self.shapes)
        for start in range(0, len(x), batch_size):
            images = unit_floats(ops.convert_to_numpy(x[start : start + batch_size]))
            posterior = {name: as_floats(value) for name, value in encoder.predict_on_batch(images).items()}
            own = {name: posterior.pop(name) for name in ("mean", "log_var")}
            latent = self.bend(own, gaussian_noise(rng, float(sample))(own["mean"], own["log_var"]))
            posterior |= {"z": as_floats(latent["z"]), **self._noise(streams, len(images), factors)}
            yield {**own, **latent, **bidirectional.predict_on_batch(posterior)}

    def latent_moments(self, x, batch_size=100, draws=1, seed=0):
        """As for `GaussianVAE`, of all groups' units from the innermost on; with flows of the Gaussians before them.

        `draws` has no effect. Beside the result, what two batches need is held in memory.
        """
        parts = [
            [np.concatenate(side, axis=1) for side in zip(*self._moments(outputs), strict=True)]
            for outputs in self._passes(x, True, seed, batch_size)
        ]
        means, variances = (np.concatenate(side) for side in zip(*parts, strict=True))
        return means, variances

    def _moments(self, outputs):
        """(mean, variance) for every group, each (batch, units), in units of its prior."""
        found = (in_units_of_the_prior(*map(as_floats, self._gaussians(n, outputs))) for n in range(self.groups))
        return [tuple(side.reshape(len(side), -1) for side in pair) for pair in found]

    def _gaussians(self, n, outputs):
        """mean, log_var, prior mean and prior log_var of group n."""
        if n == 0:
            return outputs["mean"], outputs["log_var"], 0.0, 0.0
        return tuple(outputs[f"{name}_{n}"] for name in ("mean", "log_var", "prior_mean", "prior_log_var"))

    def activity(self, x, seed=0, batch_size=100):
        """What every group says of images: a list of dicts, the innermost first.

        "size": its units; "kl": nats per image; "active": the units whose posterior variance is, on average, at most
        0.9 of the prior's (survey's code).
        """
        x = self.check(x)  # a stream is read once
        kls, variances = np.zeros(self.groups), [0.0] * self.groups  # sums over images, in float64
        for outputs in self._passes(x, True, seed, batch_size):
            for n, (_, variance) in enumerate(self._moments(outputs)):
                kls[n] += as_floats(self.group_kl(n, outputs)).sum(dtype="float64")
                variances[n] = variances[n] + variance.sum(axis=0, dtype="float64")
        rows = zip(kls / len(x), (variance / len(x) <= INACTIVE for variance in variances), strict=True)
        return [{"size": active.size, "kl": float(kl), "active": int(active.sum())} for kl, active in rows]

    def load_weights(self, filepath, **settings):
        """As `keras.Model.load_weights`; also of files in which the bidirectional network is called "decoder".

        Keras visits attributes by name and saves what networks share with the first, which "bidirectional" still is.
        """
        if not _is_older(filepath):
            super().load_weights(filepath, **settings)
            return
        with tempfile.TemporaryDirectory() as folder:
            renamed = shutil.copy(filepath, Path(folder, "renamed.weights.h5"))
            with h5py.File(renamed, "r+") as file:
                file.move("decoder", "bidirectional")
            super().load_weights(renamed, **settings)

    def _streams(self, seed):
        """A generator per group, so that the batch size does not matter."""
        return {n: np.random.default_rng((seed, n)) for n in self.shapes}

    def _noise(self, streams, count, factors):
        return {
            f"noise_{n}": np.float32(factor) * streams[n].standard_normal((count, *shape), dtype="float32")
            for (n, shape), factor in zip(self.shapes.items(), factors, strict=True)
        }


def _is_older(path):
    """Whether a file of weights is of the time when the bidirectional network was called "decoder"."""
    if not h5py.is_hdf5(path):
        return False
    with h5py.File(path) as file:
        return "bidirectional" not in file and "decoder" in file
