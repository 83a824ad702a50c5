"""A ledger of runs: what was computed, on what, for how much, and how good it was; one JSON line per run.

The lines of many machines can stand in one file, and in a repository: no host, user or absolute path is written.
"""

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath, PureWindowsPath

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

KINDS = ("train", "table")
FIELDS = (
    "time",  # UTC, ISO 8601; filled in
    "preset",
    "kind",  # one of KINDS
    "data",
    "device",  # as `green_vae.cost.device_name` tells
    "seconds",
    "flops",
    "energy",  # as `green_vae.cost.Energy.as_json` tells
    "quality",  # dict of name -> number
    "versions",  # of Python and packages; filled in
    "commit",  # of the code; filled in
)
PACKAGES = ("green_vae", "keras", "tensorflow", "jax", "torch", "numpy", "scipy", "scikit-learn")


def append(path, **fields):
    """Append one line. Those of concurrent writers never mix: each is a single write at the end of a locked file.

    Args:
        path: of the ledger, a `.jsonl` file; made with its folder if missing.
        fields: some of `FIELDS`; None where unknown. "time", "versions" and "commit" are filled in.

    Returns:
        dict, the line as written.

    Raises:
        ValueError: an unknown field or kind, an absolute path, or what JSON cannot hold (NaN).
        OSError: the line could not be written whole.
    """
    unknown = sorted(set(fields) - set(FIELDS))
    if unknown:
        raise ValueError(f"the fields of a ledger are {', '.join(FIELDS)}. Received: {', '.join(unknown)}")
    if fields.get("kind") not in KINDS:
        raise ValueError(f"the kind of a run is one of {', '.join(KINDS)}. Received: {fields.get('kind')!r}")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    filled = {"time": now, "versions": versions(), "commit": commit(), **fields}
    text = json.dumps({name: filled.get(name) for name in FIELDS}, allow_nan=False, ensure_ascii=False, default=_plain)
    line = json.loads(text)
    _refuse_paths(line)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        _lock(handle)
        data = (_line_end(handle) + text + "\n").encode()
        if os.write(handle, data) != len(data):
            raise OSError(f"could not write a whole line to {path}; free some space")
    finally:
        os.close(handle)  # which ends the lock
    return line


def read(path):
    """All lines as a list of dicts, [] if there is no ledger; lines torn by a crash are skipped with a warning."""
    path, lines = Path(path), []
    if not path.exists():
        return lines
    for number, text in enumerate(path.read_bytes().split(b"\n"), 1):
        if not text.strip():
            continue
        try:
            lines.append(json.loads(text))
        except ValueError:  # of JSON or of UTF-8
            warnings.warn(f"{path.name}, line {number}: skipped a torn line", stacklevel=2)
    return lines


def versions():
    """Of Python and of the packages that decide a result, as installed, with Keras's backend once it is imported."""
    found = {"python": platform.python_version()}
    if "keras" in sys.modules:
        found["backend"] = sys.modules["keras"].backend.backend()
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


def commit(folder=Path(__file__).parent.parent):
    """The git commit of this package, "-dirty" behind it if its code or a script differs; None outside its repository.

    Reports and trained weights are no code: a table that has just been written makes the next one no less clean.

    Args:
        folder: of the package. An installed copy inside somebody else's repository is not tracked there: None.
    """
    try:
        _git(folder, "ls-files", "--error-unmatch", "__init__.py")
        dirty = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".", ":(top)reproduce")
        return _git(folder, "rev-parse", "HEAD") + ("-dirty" if dirty else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder, *arguments):
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _lock(handle):
    """Wait until no other writer is at work: a file grows page by page, so `_line_end` could see half of its line."""
    if fcntl is not None:
        fcntl.flock(handle, fcntl.LOCK_EX)


def _line_end(handle):
    """A newline if the last writer was stopped in the middle of a line, which would swallow the next one."""
    size = os.fstat(handle).st_size
    return "" if not size or os.pread(handle, 1, size - 1) == b"\n" else "\n"


def _plain(value):
    """NumPy's numbers as Python's."""
    if hasattr(value, "item"):
        return value.item()
    raise ValueError(f"a ledger holds numbers, text, lists and dicts. Received: {type(value).__name__}")


def _refuse_paths(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            _refuse_paths(part)
    elif isinstance(value, str) and (PurePosixPath(value).is_absolute() or PureWindowsPath(value).is_absolute()):
        raise ValueError(f"a ledger tells nothing of the machine's folders. Received: {value!r}")
