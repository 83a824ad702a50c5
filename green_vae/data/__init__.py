"""Data sets as uint8 arrays: `load("cifar10", "test")`. A new one is one file here and one line in catalog.py."""

from green_vae.utils.places import data_dir

from .catalog import DATASETS, load
from .dataset import Dataset
from .folder import files_in, read_files
from .spec import DataNotFoundError

__all__ = ["DATASETS", "DataNotFoundError", "Dataset", "data_dir", "files_in", "load", "read_files"]
