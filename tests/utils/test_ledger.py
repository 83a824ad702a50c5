"""The ledger of runs: what a line holds, concurrent writers, torn lines."""

import json
import socket
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
from core_models import ROOT, child_env
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from green_vae.utils import ledger


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs" / "ledger.jsonl"


def test_a_line_comes_back(path):
    fields = {"preset": "survey/cnn-b128-l128", "kind": "train", "data": "cifar10", "device": "CPU, 2 cores"}
    measured = {"seconds": 12.5, "flops": 3 * 10**18, "energy": {"joules": None, "source": "unavailable"}}
    written = ledger.append(path, **fields, **measured, quality={"fid": np.float32(0.5), "n": np.int64(7)})
    assert ledger.read(path) == [written]
    assert tuple(written) == ledger.FIELDS
    assert written | fields | measured == written
    assert written["quality"] == {"fid": 0.5, "n": 7}
    age = datetime.now(UTC) - datetime.fromisoformat(written["time"])
    assert 0 <= age.total_seconds() < 60
    assert written["versions"]["python"] and written["versions"]["keras"]


def test_nothing_of_the_machine_is_written(path):
    ledger.append(path, kind="table", preset=None)
    text = path.read_text()
    assert str(ROOT) not in text and str(path.parent) not in text
    assert socket.gethostname() not in text or len(socket.gethostname()) < 4
    for wrong in ("/home/somebody/data", "C:\\data\\cifar"):
        with pytest.raises(ValueError, match="Received: "):
            ledger.append(path, kind="train", quality={"where": [wrong]})
    assert len(ledger.read(path)) == 1


_VALUES = st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text('aé\n"{ 1', max_size=9)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(st.dictionaries(st.sampled_from(["preset", "data", "seconds", "flops"]), _VALUES), max_size=4))
def test_any_values_come_back_in_order(runs, path):
    path.unlink(missing_ok=True)
    for run in runs:
        ledger.append(path, kind="train", versions={}, commit=None, **run)
    found = ledger.read(path)
    assert [{name: line[name] for name in run} for line, run in zip(found, runs, strict=True)] == runs


def test_no_ledger_is_an_empty_one(path):
    assert ledger.read(path) == []


@pytest.mark.parametrize("torn", [b'{"kind": "tra', b'{"data": "caf\xc3'])
def test_a_torn_last_line_is_skipped_and_swallows_nothing(path, torn):
    first = ledger.append(path, kind="train")
    with open(path, "ab") as file:
        file.write(torn)
    with pytest.warns(UserWarning, match="line 2: skipped a torn line"):
        assert ledger.read(path) == [first]
    second = ledger.append(path, kind="table")
    with pytest.warns(UserWarning, match="line 2"):
        assert ledger.read(path) == [first, second]


def test_concurrent_writers_do_not_mix(path):
    program = f"""
from green_vae.utils import ledger
for index in range(100):
    ledger.append({str(path)!r}, kind="train", data="x" * 50000, flops=index, versions={{}}, commit=None)
"""
    running = [subprocess.Popen([sys.executable, "-c", program], env=child_env(), cwd=ROOT) for _ in range(3)]
    assert [process.wait(120) for process in running] == [0, 0, 0]
    assert sorted(line["flops"] for line in ledger.read(path)) == sorted(3 * list(range(100)))
    assert len(path.read_text().splitlines()) == 300


@pytest.mark.parametrize(
    "wrong", [{"kind": "train", "host": "x"}, {"kind": "lunch"}, {}, {"kind": "train", "data": {1}}]
)
def test_errors_say_what_was_received(path, wrong):
    with pytest.raises(ValueError, match="Received: "):
        ledger.append(path, **wrong)
    assert not path.exists()


def test_what_is_not_a_number_is_refused(path):
    with pytest.raises(ValueError, match="JSON"):
        ledger.append(path, kind="train", quality={"fid": float("nan")})


# the commit


def git(folder, *arguments):
    identity = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_commit_clean_dirty_and_outside(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("1\n")
    (tmp_path / "report").write_text("old\n")
    (tmp_path / "reproduce").mkdir()
    (tmp_path / "reproduce" / "table.py").write_text("old\n")
    assert ledger.commit(package) is None
    git(tmp_path, "init", "--quiet")
    assert ledger.commit(package) is None  # installed into somebody else's repository
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    head = git(tmp_path, "rev-parse", "HEAD")
    assert ledger.commit(package) == head
    (tmp_path / "new").write_text("untracked files are no change of the code\n")
    (tmp_path / "report").write_text("nor is a report that was written anew\n")
    assert ledger.commit(package) == head
    (tmp_path / "reproduce" / "table.py").write_text("a script is\n")
    assert ledger.commit(package) == f"{head}-dirty"
    git(tmp_path, "checkout", "--", "reproduce")
    assert ledger.commit(package) == head
    (package / "__init__.py").write_text("2\n")
    assert ledger.commit(package) == f"{head}-dirty"


def test_without_git(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ledger.commit() is None


def test_importing_it_is_quick():
    program = (
        "import sys, green_vae.utils.ledger; print(json.dumps([m for m in ('keras', 'numpy') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", f"import json; {program}"], env=child_env(), capture_output=True)
    assert json.loads(done.stdout) == []
