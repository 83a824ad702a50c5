"""What a training computes in: float32, bfloat16, or whichever of them is the quicker one on this machine."""

import keras

from green_vae.training.run_folder import read_run
from green_vae.utils import processor

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}  # precision -> policy of Keras
PRECISIONS = ("auto", *POLICIES)
DEFAULT = "float32"  # of a new run


def chosen(precision, out, fresh=False):
    """The policy of Keras that a training computes by, and why.

    Args:
        precision: a name of `PRECISIONS`; None for that of the run in the folder, else the policy that the process has
            set, else `DEFAULT`. A run that is there decides for "auto", too: a training never changes its precision.
        out: folder of the run.
        fresh: whether the run in the folder is started over, and decides nothing.

    Returns:
        (name of a policy, a reason in words; "" where nothing was chosen).

    Raises:
        ValueError: another precision, or a damaged `run.json`.
    """
    if precision not in (None, *PRECISIONS):
        raise ValueError(f"precision is one of {', '.join(PRECISIONS)}. Received: {precision!r}")
    if precision in POLICIES:
        return POLICIES[precision], ""
    there = None if fresh else (read_run(out) or {}).get("dtype_policy")
    if there in POLICIES.values():
        return there, "as run.json of this folder says"
    set_before = keras.config.dtype_policy().name
    if precision is None and set_before != POLICIES["float32"]:
        return set_before, ""
    if "auto" in (precision, DEFAULT):
        quicker, why = quickest()
        return POLICIES[quicker], f"auto: {why}"
    return POLICIES[DEFAULT], ""


def quickest():
    """The precision that computes most images a second here, "bfloat16" or "float32", and why, in words."""
    devices = [device.lower() for device in keras.distribution.list_devices()]
    if accelerators := [device for device in devices if not device.startswith("cpu")]:
        return "bfloat16", f"there is an accelerator, {accelerators[0]}"
    known = processor.flags()
    if known is None:
        return "float32", "nothing tells which instructions the processor has"
    if "amx_bf16" in known:
        return "bfloat16", "the processor has amx_bf16"
    return "float32", "there is no accelerator, and the processor has no amx_bf16"


def told(policy, why):
    """One line for the user: what is computed in, and why."""
    precision = next((name for name, of in POLICIES.items() if of == policy), policy)
    return f"computes in {precision} ({why})"
