"""The skeleton that every model of the package shares; it has no loss of its own."""

import abc
import inspect

import keras
from keras import ops

from green_vae import networks
from green_vae.models import losses
from green_vae.models.codec import Codec
from green_vae.models.feeding import Feeding
from green_vae.models.inputs import check_target, checked_shape, example_weights, to_unit
from green_vae.models.layers import Corruption, GaussianSample
from green_vae.models.precision import channels_last, dtype_policy
from green_vae.models.quantization import check_mode, quantise_as, quantised, with_config
from green_vae.models.train_step import Adam, TrainStep, in_training_step, replicas
from green_vae.utils.arguments import whole


class BaseVAE(Feeding, TrainStep, Codec, keras.Model, abc.ABC):
    """Encoder, decoder and what is the same for every loss: the weighted sum, the logs, training, saving, use.

    A variant writes `infer`, `terms`, `term_weights` and `encode`, and lists in `logged` what is shown. It overrides
    `build_networks` and `networks` for networks of its own; `update_schedule` and `schedule_state` for a schedule;
    `make_optimizer`, `begin_epoch` and `end_epoch` for training by a recipe; `log_ratio`, `observation`,
    `latent_moments` and `draw` for its distributions; `whole_batch` where its loss is no mean over examples. The rest
    is final. The base multiplies terms by weights, averages over the batch, and logs the RAW terms, so that runs of
    different variants compare.

    Arguments are keyword-only, and are kept as attributes of the same name, which is how `get_config` finds them. A
    constructor that takes `**shared` hands it to the next class; the last one names all that are left, so that Python
    refuses any other with a TypeError.

    Args:
        image_shape: (h, w, c).
        latent_dim: size of the latent vector.
        network: a name of `green_vae.networks.NETWORKS`.
        network_options: further arguments of its builder.
        seed: seed of the noise; None takes a random one.
        corruption: what is done to images before they are encoded in training, while the loss still asks for the images
            as they are (Vincent et al. 2008, denoising autoencoders; review, section 3.3): "gaussian:S" adds noise of
            standard deviation S, "mask:P" makes a share P of the pixels black; None for nothing. In evaluation and in
            use images are taken as they come: those to be cleaned are damaged already.
        name: as for `keras.Model`.
        dtype: policy of the networks, say "mixed_bfloat16"; None for Keras's own. Heads, draws and images are float32.

    Input of a call: images (batch, h, w, c), uint8 or float in [0, 1], as `Feeding` takes them. Output: a dict with "z"
    (batch, latent_dim) and "reconstruction" (batch, h, w, c), and the encoder's outputs.

    Raises:
        ValueError: an unknown network or corruption, a shape or size that is none, or images that the network cannot
            take.
    """

    axes = 3  # of one example
    heads = ("mean", "log_var")  # outputs of the encoder
    variational = True  # whether there is a posterior with a KL; else a code
    prior_only = False  # whether new codes come from the model's own priors alone, and from no fitted sampler
    whole_batch = None  # what the loss takes from a whole batch, in words: such a model refuses weights of examples
    logged = ("reconstruction", "kl")  # raw terms and schedule state, shown by fit() and evaluate()

    instead_of_loss = None  # what to watch where the loss changes its scale while the model learns, in words
    kept_as = {}  # argument -> attribute, where a method has the argument's name

    def __init__(
        self, *, image_shape, latent_dim, network=None, network_options=None, corruption=None, seed=None, name=None,
        dtype=None
    ):  # fmt: skip
        super().__init__(name=name, dtype=dtype)
        self.image_shape = checked_shape(image_shape, self.axes)
        self.latent_dim = latent_dim if latent_dim is None else whole(latent_dim, "latent_dim")
        self.seed = seed
        self.network, self.network_options = network, dict(network_options or {})
        with dtype_policy(self.dtype_policy), channels_last():
            self.flow = self.build_flow()
            self.encoder, self.decoder = self.build_networks()
            self.parts = networks.Parts(self.decoder) if self.network_options.get("split") else None
        self.sample = GaussianSample(seed=seed, name="sample")
        self.corruption = corruption
        self.corrupt = None if corruption is None else Corruption(corruption, seed, name="corrupt")
        self.trackers = {name: keras.metrics.Mean(name=name) for name in self.logged}
        self.built = True  # the networks are functional: weights exist, and can be loaded, from here on

    def build_flow(self):
        """What bends a Gaussian draw on its way to z; None for nothing."""
        return None

    def build_networks(self, **further):
        """-> (encoder, decoder). The decoder takes z, and gives images. `further`: options that no user sets."""
        options = {**self.network_options, **further}
        return networks.build(self.network, self.image_shape, self.latent_dim, self.heads, **options)

    @abc.abstractmethod
    def infer(self, posterior, sample, training):
        """From the encoder's outputs to the dict that a call returns. `sample` is (mean, log_var) -> a draw."""

    @abc.abstractmethod
    def terms(self, x, outputs):
        """Raw losses: a dict name -> (batch,), or a scalar of the batch; those without a weight are only logged."""

    @abc.abstractmethod
    def term_weights(self):
        """The factor of each term that is paid for: numbers or scalar tensors."""

    def update_schedule(self, means):
        """Move the state of a schedule after a training batch, given the batch means of the raw terms."""

    def schedule_state(self):
        """Schedule state to log: a dict of scalars whose names are in `logged`."""
        return {}

    def make_optimizer(self, **settings):
        """The optimizer that `green_vae.training` compiles with: Adam with these settings."""
        return Adam(**settings)

    def begin_epoch(self):
        """Called by `green_vae.training` before every pass over the training set."""

    def end_epoch(self, validation=None):
        """Called by `green_vae.training` after every pass, before it is saved, with the validation images if there are
        any -> numbers to log; {} for none."""
        return {}

    def observation(self):
        """The p(x|z) that the model states: ("bernoulli", None), ("gaussian", sigma), or None if it states none.

        sigma is a number, or one for every value of an image, (h * w * c,).
        """
        return None

    def networks(self):
        """What a forward pass goes through: name -> functional network, in that order. Costs are counted in them."""
        return {"encoder": self.encoder, "decoder": self.decoder}

    # final

    def noises(self):
        """The layers that draw random numbers: of codes, and of damage to images, if there is any."""
        return [layer for layer in (self.sample, self.corrupt) if layer is not None]

    def without_noise(self, x):
        """The reconstruction of float images at the posterior mean: all that a forward pass computes but the noise."""
        posterior = self.encoder(x, training=False)
        return self.infer(posterior, lambda mean, log_var: mean, training=False)["reconstruction"]

    def call(self, inputs, training=False):
        images = to_unit(inputs)
        if training and self.corrupt is not None:
            images = self.corrupt(images)
        return self.infer(self.encoder(images, training=training), self.sample, training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Weighted terms, averaged over the batch, plus the penalties on weights; a scalar.

        In a training step it then moves the schedule, which whoever only asks for the loss leaves alone.

        Args:
            x: images. y: what they are to be reconstructed as, None for themselves: clean images for noisy ones.
            y_pred: outputs of a call.
            sample_weight: (batch,), a factor of every example's terms in the loss, which is still divided by the size
                of the batch, as Keras does. Logs and schedules see averages that are weighted and divided by the sum.

        Raises:
            ValueError: a weight of no term, a y that is no image, or weights of examples where the loss takes something
                from the whole batch.
        """
        examples = example_weights(sample_weight, self.whole_batch)
        terms = self.terms(to_unit(x if y is None else check_target(y, self.image_shape)), y_pred)
        means = {name: losses.average(term, examples) for name, term in terms.items()}
        if unknown := [name for name in means if name not in self.trackers]:
            raise ValueError(f"`logged` lists all terms, as {self.logged}. Received: terms of the names {unknown}")
        weights = self.term_weights()  # before update_schedule: a batch sees the gamma of the batches before it
        if not weights.keys() <= means.keys():
            there_is = ", ".join(means)
            raise ValueError(f"a weight is that of a term; there is {there_is}. Received: weights of {list(weights)}")
        share = {
            name: 1.0 if examples is None or not len(terms[name].shape) else ops.mean(examples) for name in weights
        }
        loss = sum(share[name] * weight * means[name] for name, weight in weights.items())
        loss = loss + sum(map(ops.sum, self.losses))
        self._log(means, ops.shape(x)[0] if examples is None else ops.sum(examples))  # as Keras averages the loss
        if in_training_step():
            self.update_schedule(means)
        return loss / replicas()

    def _log(self, means, count):
        for name, value in {**means, **self.schedule_state()}.items():
            self.trackers[name].update_state(value, sample_weight=count)

    def compile(self, optimizer="rmsprop", loss=None, loss_weights=None, **settings):
        """`keras.Model.compile`; what the networks inside were compiled to is made anew, too.

        Raises:
            ValueError: a loss, weights of losses, or metrics of another output than "reconstruction".
        """
        for name, value in (("loss", loss), ("loss_weights", loss_weights)):
            if value is not None:
                own = f"{type(self).__name__} has a loss of its own, which its arguments weigh; leave `{name}` out"
                raise ValueError(f"{own}. Received: {name}={value!r}")
        for name in ("metrics", "weighted_metrics"):
            if isinstance(metrics := settings.get(name), dict) and not metrics.keys() <= {"reconstruction"}:
                raise ValueError(f'metrics compare the output "reconstruction" alone. Received: {name}={metrics}')
        super().compile(optimizer, **settings)
        self.passes.forget()

    def compile_from_config(self, config):
        """As Keras does it where `compile` is its own."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def quantize(self, mode=None, config=None, **settings):
        """`keras.Model.quantize`: dense layers change in place, here and in what is saved; convolutions stay.

        Raises:
            ValueError: another mode than int8, int4 or float8, before anything changes.
        """
        check_mode(mode, config)
        super().quantize(mode, **with_config(config), **settings)

    # final: presets, in KerasHub's manner

    @classmethod
    def from_preset(cls, preset, load_weights=True, seed=None):
        """The model of a preset; `green_vae.load` under the name that it has in KerasHub.

        Args:
            preset: a name such as "svae/mnist-mini", a folder of `save_to_preset`, or "hf://user/repository".
            load_weights: whether with the trained weights; else with fresh ones.
            seed: as for `green_vae.load`.

        Raises:
            ValueError: the preset is no model of this class; and as `green_vae.load`.
        """
        from green_vae.presets import load  # presets are made of models

        model = load(preset, "pretrained" if load_weights else None, seed)
        if not isinstance(model, cls):
            kind = type(model).__name__
            raise ValueError(f"this preset is of another class: {kind}.from_preset loads it. Received: {preset!r}")
        return model

    def save_to_preset(self, preset_dir, **settings):
        """Write the model as a folder that `from_preset` reads; `settings` as for `green_vae.save_preset`."""
        from green_vae.presets import save_preset  # presets are made of models

        save_preset(self, preset_dir, **settings)

    # final: the configuration

    @classmethod
    def arguments(cls):
        """Names of the constructor's arguments; where it takes `**shared`, with those of the next class."""
        names = []
        for owner in (owner for owner in cls.__mro__ if "__init__" in vars(owner)):
            parameters = inspect.signature(owner.__init__).parameters.values()
            names += [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]
            if not any(one.kind is one.VAR_KEYWORD for one in parameters):
                return list(dict.fromkeys(names))
        raise TypeError(f"a constructor names its arguments. Received: {cls.__name__}")

    def get_config(self):
        names = (name for name in self.arguments() if name not in ("name", "dtype"))
        own = {name: getattr(self, self.kept_as.get(name, name)) for name in names}
        lists = {name: list(value) if isinstance(value, tuple) else value for name, value in own.items()}
        layers = quantised(self)
        return {**super().get_config(), **lists, **({"quantized": layers} if layers else {})}

    @classmethod
    def from_config(cls, config):
        """The model of a `get_config`. Keras adds `trainable`, which is a property here and no argument.

        Layers that were quantised are again, with random numbers until weights are loaded.
        """
        config = dict(config)
        trainable, layers = config.pop("trainable", True), config.pop("quantized", {})
        model = cls(**config)
        quantise_as(model, layers)
        if not trainable:
            model.trainable = False
        return model
