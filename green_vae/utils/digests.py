"""SHA-256 of files, of arrays and of JSON values, in hexadecimal."""

import hashlib
import json

import numpy as np

BLOCK = 2**26  # bytes of an array that are copied at a time, if its memory has another order


def of_files(*paths):
    """Of the contents of one file, or of several one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    return digest.hexdigest()


def of_arrays(arrays, head=""):
    """Of a text, then of the values of arrays in C order, whatever their order in memory; no types, no shapes."""
    digest = hashlib.sha256(head.encode())
    for array in arrays:
        array = np.atleast_1d(array)
        step = max(1, BLOCK // max(1, array[:1].nbytes))
        for start in range(0, len(array), step):
            digest.update(np.ascontiguousarray(array[start : start + step]))
    return digest.hexdigest()


def of_json(value):
    """Of a JSON value, whatever the order of its keys; what JSON does not know goes by its `str`."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
