"""Joules from counters that only grow, wrap around, or show a power instead."""

import threading
import time


class Unavailable(Exception):
    """A source of energy figures that is not there, or stopped answering; the message is the reason."""


class Counter:
    """Joules since `start`, summed from cumulative counters that start again at 0.

    Args:
        read: () -> dict of (part, name) -> joules on the counter. One that it once leaves out is left out for good.
        ranges: dict of (part, name) -> joules at which the counter wraps around; a counter without a range that
            goes back was reset, and counts from 0.
        every: seconds between readings in a background thread, short enough to see every wrap; None for no thread.
        detail: how it is measured.
        close: called at the end.
        use: () -> (percent of the last moments in which the device computed, processes on it), by whomever; None in
            the place of what it does not tell, and instead of the function where nobody can be asked.
    """

    def __init__(self, read, ranges=None, every=None, detail="", close=lambda: None, use=None):
        self.use = use
        self.read, self.ranges, self.every, self.detail, self.close = read, ranges or {}, every, detail, close
        self.lock, self.done, self.failure, self.thread = threading.Lock(), threading.Event(), None, None

    def start(self):
        self.last = self.read()
        self.totals = dict.fromkeys(self.last, 0.0)
        if self.every:
            self.thread = threading.Thread(target=self._poll, name="energy counter", daemon=True)
            self.thread.start()

    def update(self):
        """Add what was used since the last reading."""
        with self.lock:
            now = {key: value for key, value in self.read().items() if key in self.last}
            for key, value in now.items():
                back = value < self.last[key]
                self.totals[key] += value - self.last[key] + (self.ranges.get(key, self.last[key]) if back else 0.0)
            self.last = now

    def stop(self):
        """Joules by part; raises `Unavailable` if a reading failed since `start`."""
        self.done.set()
        if self.thread:
            self.thread.join()
        try:
            self._guarded_update()
        finally:
            self.close()
        if self.failure:
            raise Unavailable(f"{self.detail}: {self.failure}")
        joules = {}
        for (part, name), value in self.totals.items():
            if (part, name) in self.last:
                joules[part] = joules.get(part, 0.0) + value
            else:  # a sum with a hole in it is no measurement
                self.detail += f"; without {name} ({part}), which stopped answering"
        return joules

    def _poll(self):
        while not self.failure and not self.done.wait(self.every):
            self._guarded_update()

    def _guarded_update(self):
        try:
            self.update()
        except Exception as error:  # a driver's own errors; a figure with a hole in it is no measurement
            self.failure = self.failure or f"a reading failed ({type(error).__name__}: {error})"


class Integral:
    """Makes a cumulative counter of a power: each call adds a trapezoid since the last one.

    Args:
        watts: () -> dict of key -> watts. clock: seconds.
    """

    def __init__(self, watts, clock=time.perf_counter):
        self.watts, self.clock, self.last = watts, clock, None

    def __call__(self):
        now, power = self.clock(), self.watts()
        if self.last is None:
            self.joules = dict.fromkeys(power, 0.0)
        else:
            then, before = self.last
            for key, value in power.items():
                self.joules[key] += (now - then) * (value + before[key]) / 2
        self.last = now, power
        return dict(self.joules)
