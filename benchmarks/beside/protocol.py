"""Workers that do one piece of work when they are asked to, and wait in between: one JSON line in, one out.

    {"prepare": "training", "options": {...}}  ->  {"facts": {...}}
    {"run": true}                              ->  {"wall_s": 2.1, "cpu_s": 4.0, "kinds": {...}, ...}
    {"matmul": {"size": 2048, "dtype": ...}}   ->  {"gflops": 150.0}
    whatever fails                             ->  {"error": a traceback}

Only the standard library is imported, so that both interpreters can. What libraries print on stdout goes to a file:
else it would stand between the answers. oneDNN, which convolves for TensorFlow and PyTorch alike on a CPU, lists there
what it does and how long it takes when ONEDNN_VERBOSE is 1, some 10 microseconds a line.
"""

import collections
import contextlib
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback


def serve(works, matmul):
    """Answer the lines of stdin until it ends.

    Args:
        works: functions of options -> (facts, run, told): a dict, a function that is timed, and a function of its value
            -> a dict that is added to the answer. Each is asked for by its name, with spaces.
        matmul: a function of options ("size", "dtype") -> GFLOP/s of the best of some products of two matrices.
    """
    works = {work.__name__.replace("_", " "): work for work in works}
    answers = os.fdopen(os.dup(1), "w")
    with tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 1)
        prepared = None
        for line in sys.stdin:
            asked = json.loads(line)
            try:
                if "prepare" in asked:
                    prepared = None  # frees memory
                    facts, *prepared = works[asked["prepare"]](asked["options"])
                    answer = {"facts": facts}
                elif "matmul" in asked:
                    answer = {"gflops": matmul(asked["matmul"])}
                else:
                    answer = timed(*prepared)
            except Exception:
                answer = {"error": traceback.format_exc()}
            print(json.dumps(answer), file=answers, flush=True)


def timed(run, told):
    """Run once -> wall and processor seconds, seconds by kind of oneDNN's operations, and what `told` says."""
    flush_c = ctypes.CDLL(None).fflush
    flush_c(None)
    before, wall, processor = os.fstat(1).st_size, time.perf_counter(), time.process_time()
    value = run()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    flush_c(None)
    said = os.pread(1, os.fstat(1).st_size - before, before).decode(errors="replace")
    return {"wall_s": wall, "cpu_s": processor, "kinds": kinds(said), **told(value)}


def kinds(said):
    """Seconds by kind of operation in what oneDNN lists, convolutions by direction."""
    seconds = collections.Counter()
    for line in said.splitlines():
        fields = line.split(",")
        if line.startswith("onednn_verbose") and "exec" in fields:
            kind, _, direction = fields[fields.index("exec") + 2 :][:3]
            if "convolution" in kind:
                kind = f"{kind} {direction.split('_')[0]}"
            seconds[kind] += float(fields[-1]) / 1e3
    return dict(seconds)


class Worker:
    """A process that serves, as its parent sees it; a context manager that ends it.

    Args:
        command: list, its program and arguments.
        environment: dict, added to that of this process.
    """

    def __init__(self, command, environment):
        self.name, self.errors = " ".join(command), tempfile.TemporaryFile()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.errors}
        self.process = subprocess.Popen(command, env={**os.environ, **environment}, text=True, **pipes)

    def ask(self, **request):
        """Send a request and wait for its answer, a dict.

        Raises:
            RuntimeError: the work failed, or the process ended; with the end of what it said.
        """
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise RuntimeError(f"exit code {self.process.wait()} of {self.name}:\n{self._said()}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{request} failed in {self.name}:\n{answer['error']}{self._said()}")
        return answer

    def _said(self):
        self.errors.seek(0)
        return self.errors.read()[-2000:].decode(errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrokenPipeError):  # it has ended by itself
            self.process.stdin.close()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()
