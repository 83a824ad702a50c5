"""benchmarks/peers.py without PyTorch: the protocol with a peer that does nothing, ratios, the table, the order."""

import json
import sys

import pytest
from experiment_tables import ROOT

from green_vae.experiments.overview import load_script

FAKE = """
import os, sys
from beside.protocol import serve

def add(options):
    if options["dtype"] == "float64":
        raise ValueError("no such type")
    def run():
        print("a library talks")
        os.write(1, b"onednn_verbose,v1,primitive,exec,cpu,convolution,jit,forward_training,x,y,,shape,250\\n")
        return sum(range(options["size"]))
    return {"same": {"size": options["size"]}, "flops": 2e9}, run, lambda value: {"result": value}

def leave(options):
    sys.exit("gone")


serve([add, leave], lambda options: 10.0)
"""


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return load_script(ROOT / "benchmarks" / "peers.py")


@pytest.fixture
def worker(script, tmp_path):
    path = tmp_path / "fake.py"
    path.write_text(FAKE)
    variables = {"PYTHONPATH": str(ROOT / "benchmarks")}
    with script.Worker([sys.executable, str(path)], variables) as started:
        yield started


def test_a_worker_prepares_runs_and_tells_what_fails(worker):
    options = {"dtype": "float32", "size": 5}
    assert worker.ask(prepare="add", options=options) == {"facts": {"same": {"size": 5}, "flops": 2e9}}
    for _ in range(2):
        answer = worker.ask(run=True)
        assert answer["result"] == 10 and answer["kinds"] == {"convolution forward": 0.25}
        assert 0 <= answer["cpu_s"] and 0 < answer["wall_s"] < 1
    assert worker.ask(matmul={"size": 8, "dtype": "float32"}) == {"gflops": 10.0}
    with pytest.raises(RuntimeError, match="(?s)prepare.*failed in .*ValueError: no such type"):
        worker.ask(prepare="add", options={**options, "dtype": "float64"})
    assert worker.ask(prepare="add", options=options)["facts"]  # it goes on after an error
    with pytest.raises(RuntimeError, match="(?s)exit code 1 of .*gone"):
        worker.ask(prepare="leave", options={})
    with pytest.raises(RuntimeError, match="exit code 1"):
        worker.ask(run=True)


def test_seconds_by_kind_of_operation(script):
    from beside.protocol import kinds

    said = "text\nonednn_verbose,v1,info,cpu,runtime:threadpool\n"
    for kind, direction, ms in (("convolution", "backward_data", 2), ("convolution", "backward_weights", 3),
                                ("deconvolution", "forward_inference", 4), ("reorder", "undef", 5)):  # fmt: skip
        said += f"onednn_verbose,v1,primitive,exec,cpu,{kind},jit:avx2,{direction},src:f32,,,mb1,{ms}\n"
    expected = {"convolution backward": 0.005, "deconvolution forward": 0.004, "reorder": 0.005}
    assert kinds(said) == pytest.approx(expected)


def row(script, **others):
    """A row of four rounds, in which the peer takes 2, 3, 4 and 5 times as long."""
    runs = {"green_vae": [{"wall_s": 1.0, "cpu_s": 2.0, "kinds": {"convolution forward": 0.8, "sum": 0.01}}] * 4}
    runs["peer"] = [{"wall_s": seconds, "cpu_s": 2.0, "kinds": {}} for seconds in (2.0, 3.0, 4.0, 5.0)]
    told = {"device": "a machine", "threads": 2, "date": "2026-01-01", "load": 0.1, "commit": "abc"}
    told |= {"versions": {"green_vae": "1"}, "peers": {"torch": "2"}}
    known = {"marks": {"peer": 3.0}, "quick": False, "images": 100, "flops": 6e9, "matmul": {"green_vae": 12.0}}
    return {**known, "parameters": {}, "runs": runs, "told": told, **others}


def test_ratios_and_the_table(script):
    table, found = script.table, row(script)
    assert table.ratios(found, "peer") == [2, 3, 4, 5] and table.ratios(found, "peer", "cpu_s") == [1] * 4
    assert table.quartiles([2, 3, 4, 5]) == (2.75, 3.5, 4.25) and table.quartiles([7]) == (7, 7, 7)
    line = list(table.lines({"work": found}))[-1]
    rates = "100 (100 to 100) | 29.2 (23.8 to 37.5) | images/s | 3.50 (2.75 to 4.25) | 1.00 (1.00 to 1.00)"
    assert line == f"| work | peer | {rates} | 3 | yes | 4 |"
    slow = row(script, images=0, marks={"peer": 3.6}, quick=True)
    line = list(table.lines({"work": slow}))[-1]
    assert line.startswith("| work (quick) | peer | 1 (1 to 1) | 3.5 (2.75 to 4.25) | s |")
    assert line.endswith("| 3.6 | no | 4 |")
    assert list(table.lines({"work": row(script, marks={"peer": None})}))[-1].endswith("| - | - | 4 |")
    assert list(table.limits({"work": found})) == [
        "* work, green_vae: 6 GFLOP/s, 50% of its 12 GFLOP/s in products of square matrices; convolution forward 80%.",
        "* work: if ours took as long as its convolutions, the ratio to peer would be 4.38.",
    ]


def test_sides_that_do_not_do_the_same_are_refused(script):
    same = {"weights": [[3, 4]]}
    script.check_same("work", {"green_vae": same, "peer": same})
    with pytest.raises(RuntimeError, match="'work' do not do the same work.*\\[3, 5\\]"):
        script.check_same("work", {"green_vae": same, "peer": {"weights": [[3, 5]]}})
    script.check_results("work", {"green_vae": [{"result": -8.43}], "peer": [{"result": -8.44}]})
    with pytest.raises(RuntimeError, match="results of 'work' differ"):
        script.check_results("work", {"green_vae": [{"result": -8.43}], "peer": [{"result": -8.6}]})


def test_turns_alternate_and_rows_are_kept(script, tmp_path, capsys):
    called = []

    def turn(side):
        called.append(side)
        return {"wall_s": 0.5}

    turns = {side: lambda s=side: turn(s) for side in ("green_vae", "peer")}
    runs = script.in_turn("work", turns, 3, script.Clock(60), 10)
    assert called == ["green_vae", "peer"] * 3 and len(runs["peer"]) == 3
    assert capsys.readouterr().err.splitlines()[-1].startswith("work: round 3 of 3, green_vae 0.5 s, peer 0.5 s, left ")

    script.keep(tmp_path, {"work": row(script)})
    script.keep(tmp_path, {"other": row(script, images=0)})
    assert list(json.loads((tmp_path / "peers.json").read_text())) == ["work", "other"]
    page = (tmp_path / "peers.md").read_text()
    assert "| work | peer |" in page and "| other | peer |" in page
    assert "* work; other: a machine, 2 threads, 2026-01-01, commit abc, load average 0.1 at the start. Ours: " in page


def test_every_work_has_sizes_and_peers(script):
    for work in script.WORKS.values():
        assert list(work.sides) == ["green_vae", *work.marks]
        assert work.sizes(True).keys() == work.sizes(False).keys()
