"""`run.json`: what the run in a folder is, written before its first step, so that no other run goes on from it.

`run.lock`: one process at a time trains in a folder.
"""

import contextlib
import json
import os
import warnings
from datetime import UTC, datetime
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

from green_vae.training.checkpoint import BEST, EPOCH, HISTORY, checkpoints, drop_asides, named, newest
from green_vae.training.loop import too_few
from green_vae.utils import ledger
from green_vae.utils.files import plain, write_json
from green_vae.utils.reading import read_json

RUN, LOCK = "run.json", "run.lock"
SHOWN = 3  # differences that an error names
FREE = ("recipe.epochs", "recipe.note")  # of what is written, these do not decide the weights of an epoch


class OtherRunError(ValueError):
    """The folder holds another run. `reason` tells it where nothing can be started over: in a table."""

    def __init__(self, reason, out):
        super().__init__(f"{reason}; --fresh (fresh=True) starts over, another --out keeps both. Received: {out}")
        self.reason = f"{reason}; another --out keeps both"


class FolderInUseError(OtherRunError):
    """Another process is training in the folder. `holder` tells which: "pid 4711 since 2026-01-31T12:00:00+00:00"."""

    def __init__(self, holder, out):
        why = f"another process trains there ({holder or 'it does not tell its pid yet'})"
        ValueError.__init__(self, f"{why}; wait for its end, stop it, or choose another --out. Received: {out}")
        self.reason = f"{why}; wait for its end, or choose another --out"


@contextlib.contextmanager
def alone(out):
    """Keep other processes from training in a folder, made if missing, as long as the block runs.

    The lock is one of the operating system (`flock`) on `run.lock`, so that it ends with its owner, also after
    `kill -9`. The file stays where it is, and means nothing while nobody holds it. Reading needs no lock: files there
    are whole at any time. Windows has no `flock`: there, nothing keeps a second process out. A folder that cannot be
    written is not locked; the first file that is written there says so.

    Raises:
        FolderInUseError: a ValueError: another process trains there. The message says which, and since when.
    """
    path = Path(out) / LOCK
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # a link is not followed: it might lead to somebody's file, which would be emptied
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
    except OSError:
        yield
        return
    try:
        _lock(handle, out)
        with contextlib.suppress(OSError):  # on a full disk nobody is told the pid, and the training says the rest
            os.ftruncate(handle, 0)
            os.write(handle, f"pid {os.getpid()} since {datetime.now(UTC).isoformat(timespec='seconds')}".encode())
        try:
            yield
        finally:
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)  # which ends the lock


def _lock(handle, out):
    if fcntl is None:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise FolderInUseError(os.read(handle, 100).decode(), out) from error
    except OSError as error:  # some network folders
        warnings.warn(f"nothing keeps a second process from training in {out}: no locks there ({error})", stacklevel=4)


def claim(out, facts, epochs, fresh=False):
    """Take a folder for a run, or go on with the run that is there.

    Args:
        out: the folder, made if missing.
        facts: dict of all that decides the weights, as JSON.
        epochs: asked for.
        fresh: delete the run that is there first: its own files only.

    Returns:
        dict, what `run.json` holds: the facts, and "epochs", "plan" (of a budget, None before it is made), "versions"
        and "commit" of the process that trained last.

    Raises:
        OtherRunError: the run there has other facts, does not tell them, or has more epochs.
    """
    if fresh:
        start_over(out)
    held, there = newest(out)[0], check(out, facts)
    if held > epochs:
        raise OtherRunError(too_few(held, epochs), out)
    if there is not None and held == (there["plan"] or {"epochs": epochs})["epochs"]:  # nothing is left to do
        return there
    run = {**_plain(facts), "epochs": epochs, "plan": (there or {}).get("plan")}
    run |= {"versions": ledger.versions(), "commit": ledger.commit()}
    write_json(Path(out) / RUN, run)
    return run


def check(out, facts):
    """What `run.json` holds; None if the folder is free.

    Raises:
        OtherRunError: the run there has other facts, or does not tell them.
    """
    there = read_run(out)
    if there is None and checkpoints(out):
        reason = f"the folder holds checkpoints without a {RUN}: an older version did not tell how it trained"
        raise OtherRunError(reason, out)
    if there is not None and (differing := differences(there, _plain(facts))):
        more = f" and {len(differing) - SHOWN} more" if len(differing) > SHOWN else ""
        raise OtherRunError(f"another run lies there: {'; '.join(differing[:SHOWN])}{more}", out)
    return there


def write_plan(out, plan):
    """Write down what a budget has come to: a dict."""
    write_json(Path(out) / RUN, {**read_run(out), "plan": plan})


def read_run(out):
    """What `run.json` of a folder holds; None if there is none.

    Raises:
        OtherRunError: it is damaged.
    """
    path = Path(out) / RUN
    try:
        if not path.exists():
            return None
        run = read_json(path)
        if plan := run["plan"]:
            counts = [plan["epochs"], *plan["halve_at"]]
            if not isinstance(plan["scaled"], bool) or not all(type(n) is int and n >= 0 for n in counts):
                raise ValueError(f"a plan is of whole numbers. Received: {plan}")
        return run
    except (ValueError, LookupError, TypeError) as error:
        raise OtherRunError(f"{RUN} is damaged", out) from error


def start_over(out):
    """Delete the files of a run, known by their whole names; whatever else lies in the folder stays, the ledger too."""
    out = Path(out)
    drop_asides(out)
    for _, path in [*named(out, EPOCH), *named(out, BEST)]:
        path.unlink()
    for name in (HISTORY, RUN):
        (out / name).unlink(missing_ok=True)


def differences(there, now):
    """One entry for each fact that differs: ["seed 0 there, 1 now"]."""
    there, now = flat(there), flat(now)
    names = [name for name in now if name not in FREE and there.get(name) != now[name]]
    facts = {name.split(".")[0] for name in now}
    names += [name for name in there if name not in now and name.split(".")[0] in facts]
    return [f"{name} {_short(there.get(name))} there, {_short(now.get(name))} now" for name in names]


def flat(value, prefix=""):
    """{"recipe": {"epochs": 3}} -> {"recipe.epochs": 3}."""
    found = {}
    for name, part in value.items():
        inner = flat(part, f"{prefix}{name}.") if isinstance(part, dict) and part else {f"{prefix}{name}": part}
        found.update(inner)
    return found


def _short(value):
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."


def _plain(facts):
    return json.loads(json.dumps(facts, default=plain))
