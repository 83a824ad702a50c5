"""green_vae: the runnable, verified reproduction of five papers on variational autoencoders, in Keras 3."""

__version__ = "0.1.0"
