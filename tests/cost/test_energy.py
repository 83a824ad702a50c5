"""The energy meter on a synthetic powercap tree, a pretended GPU library, and nothing at all."""

import json
import sys
import time
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from green_vae.cost import Energy, EnergyMeter, co2_kg, idle_baseline
from green_vae.cost.counters import Counter, Integral, Unavailable
from green_vae.cost.sources import open_rapl

RANGE = 262_143_328_850  # microjoules, of a real machine
NOTHING = {"estimate": False}


class Zone:
    """One folder of the powercap tree."""

    def __init__(self, root, zone, name, energy=0, limit=RANGE):
        self.path = root / zone
        self.path.mkdir(parents=True)
        for file, value in (("name", name), ("max_energy_range_uj", limit), ("energy_uj", energy)):
            (self.path / file).write_text(f"{value}\n")

    def set(self, energy):
        """At once, as the kernel does: a reader in between sees the old value or the new one."""
        (self.path / "aside").write_text(f"{energy}\n")
        (self.path / "aside").replace(self.path / "energy_uj")


@pytest.fixture(autouse=True)
def no_real_sources(monkeypatch):
    """This machine's GPUs and codecarbon would answer, too."""
    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


class FakeNVML:
    """Two GPUs with 1000 and 2000 mJ on their counters, at 30 and 50 W, on which nothing computes."""

    class NVMLError(Exception):
        pass

    def __init__(self, counts_energy=True, there=True):
        self.millijoules, self.milliwatts = [1000, 2000], [30_000, 50_000]
        self.counts_energy, self.there, self.opened = counts_energy, there, 0
        self.busy, self.processes = [0, 0], [1, 0]

    def nvmlInit(self):
        if not self.there:
            raise self.NVMLError("Driver Not Loaded")
        self.opened += 1

    def nvmlShutdown(self):
        self.opened -= 1

    def nvmlDeviceGetCount(self):
        return 2

    def nvmlDeviceGetHandleByIndex(self, index):
        return index

    def nvmlDeviceGetHandleByUUID(self, uuid):
        return int(uuid.removeprefix("GPU-"))

    def nvmlDeviceGetName(self, device):
        return f"Test GPU {device}"

    def nvmlDeviceGetTotalEnergyConsumption(self, device):
        if not self.counts_energy:
            raise self.NVMLError("Not Supported")
        return self.millijoules[device]

    def nvmlDeviceGetPowerUsage(self, device):
        return self.milliwatts[device]

    def nvmlDeviceGetUtilizationRates(self, device):
        assert self.opened > 0
        if self.busy is None:
            raise self.NVMLError("Not Supported")
        return SimpleNamespace(gpu=self.busy[device])

    def nvmlDeviceGetComputeRunningProcesses(self, device):
        assert self.opened > 0
        if self.processes is None:
            raise self.NVMLError("Not Supported")
        return [SimpleNamespace(pid=number) for number in range(self.processes[device])]


# RAPL


def test_packages_and_memory_count_and_their_parts_do_not(tmp_path):
    first, second = Zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000), Zone(tmp_path, "intel-rapl:1", "package-1")
    memory = Zone(tmp_path, "intel-rapl:0:2", "dram", 7_000_000)
    inside = [Zone(tmp_path, "intel-rapl:0:0", "core"), Zone(tmp_path, "intel-rapl:0:1", "uncore")]
    again = [Zone(tmp_path, "intel-rapl-mmio:0", "package-0"), Zone(tmp_path, "intel-rapl:2", "psys")]
    with EnergyMeter(rapl_root=tmp_path) as meter:
        first.set(15_000_000)
        second.set(3_000_000)
        memory.set(9_000_000)
        for zone in inside + again:
            zone.set(99_000_000)
    energy = meter.energy
    assert energy.source == "measured"
    assert energy.gross_joules == energy.joules == pytest.approx(10 + 3 + 2)
    assert energy.parts == pytest.approx({"cpu package": 13, "dram": 2})
    assert set(energy.scope.split(" + ")) == {"cpu package", "dram"}
    assert "intel-rapl:1" in energy.detail and "NVML" in energy.detail  # what was counted, and what is missing
    assert energy.kwh == pytest.approx(15 / 3.6e6)
    assert str(tmp_path) not in json.dumps(energy.as_json())


def test_a_counter_that_wraps_around(tmp_path):
    zone = Zone(tmp_path, "intel-rapl:0", "package-0", RANGE - 4_000_000)
    with EnergyMeter(rapl_root=tmp_path) as meter:
        zone.set(6_000_000)
    assert meter.energy.joules == pytest.approx(10)


def test_a_thread_sees_every_wrap(tmp_path):
    """A range of 100 J is polled within 50 ms, so that even two wraps in one block are seen."""
    zone = Zone(tmp_path, "intel-rapl:0", "package-0", 0, limit=100_000_000)
    with EnergyMeter(rapl_root=tmp_path) as meter:
        for energy in (60_000_000, 20_000_000, 80_000_000, 40_000_000):
            zone.set(energy)
            time.sleep(0.25)
    assert meter.energy.joules == pytest.approx(240)


@settings(max_examples=50, deadline=None)
@given(steps=st.lists(st.integers(0, 999), min_size=1, max_size=20), start=st.integers(0, 999))
def test_any_way_up_is_summed_if_no_step_is_a_whole_turn(steps, start):
    values = [start]
    for step in steps:
        values.append(values[-1] + step)
    readings = iter([{("cpu package", "x"): value % 1000} for value in [*values, values[-1]]])
    counter = Counter(lambda: next(readings), {("cpu package", "x"): 1000})
    counter.start()
    for _ in steps:
        counter.update()
    assert counter.stop() == {"cpu package": sum(steps)}


def test_a_counter_of_unknown_range_that_goes_back_was_reset():
    readings = iter([5.0, 7.0, 1.5, 2.0])
    counter = Counter(lambda: {("gpu", 0): next(readings)})
    counter.start()
    counter.update()
    counter.update()
    assert counter.stop() == {"gpu": 2.0 + 1.5 + 0.5}


def test_no_permission_is_told(tmp_path, monkeypatch):
    Zone(tmp_path, "intel-rapl:0", "package-0")
    read_text = type(tmp_path).read_text

    def refused(path, *args, **kwargs):
        if path.name == "energy_uj":
            raise PermissionError(13, "Permission denied", str(path))
        return read_text(path, *args, **kwargs)

    monkeypatch.setattr(type(tmp_path), "read_text", refused)  # chmod would not stop root
    with EnergyMeter(rapl_root=tmp_path, **NOTHING) as meter:
        pass
    assert meter.energy.source == "unavailable"
    assert "no permission to read intel-rapl:0/energy_uj" in meter.energy.detail


@pytest.mark.parametrize("shut", ["energy_uj", "max_energy_range_uj"])
def test_memory_that_cannot_be_read_is_left_out_and_told(tmp_path, shut):
    package, memory = Zone(tmp_path, "intel-rapl:0", "package-0"), Zone(tmp_path, "intel-rapl:0:0", "dram")
    (memory.path / shut).unlink()
    (memory.path / shut).mkdir()  # cannot be read even by root
    with EnergyMeter(rapl_root=tmp_path) as meter:
        package.set(5_000_000)
    assert meter.energy.source == "measured" and meter.energy.parts == pytest.approx({"cpu package": 5})
    assert meter.energy.scope == "cpu package" and "without intel-rapl:0:0 (dram)" in meter.energy.detail


def test_memory_that_stops_answering_is_left_out_and_told(tmp_path):
    package, memory = Zone(tmp_path, "intel-rapl:0", "package-0"), Zone(tmp_path, "intel-rapl:0:0", "dram")
    with EnergyMeter(rapl_root=tmp_path) as meter:
        package.set(5_000_000)
        memory.set(3_000_000)
        (memory.path / "energy_uj").unlink()
    assert meter.energy.source == "measured" and meter.energy.parts == pytest.approx({"cpu package": 5})
    assert "without intel-rapl:0:0 (dram), which stopped answering" in meter.energy.detail


@pytest.mark.parametrize("damage", ["energy_uj", "max_energy_range_uj"])
def test_a_damaged_tree_is_told(tmp_path, damage):
    zone = Zone(tmp_path, "intel-rapl:0", "package-0")
    (zone.path / damage).write_text("")
    with pytest.raises(Unavailable, match="cannot be read"):
        open_rapl(tmp_path)
    (zone.path / damage).unlink()
    with pytest.raises(Unavailable, match="cannot be read"):
        open_rapl(tmp_path)


def test_a_range_of_nothing_is_told(tmp_path):
    Zone(tmp_path, "intel-rapl:0", "package-0", limit=0)
    with pytest.raises(Unavailable, match="does not say where it wraps"):
        open_rapl(tmp_path)


# NVML


def test_gpus_by_their_energy_counters(tmp_path):
    nvml = FakeNVML()
    with EnergyMeter(nvml=nvml, rapl_root=tmp_path) as meter:
        nvml.millijoules = [3000, 7000]
    assert meter.energy.gross_joules == pytest.approx(7)
    assert (meter.energy.source, meter.energy.scope) == ("measured", "gpu")
    assert "Test GPU 0, Test GPU 1" in meter.energy.detail and "RAPL: no processor package" in meter.energy.detail
    assert nvml.opened == 0


def test_gpus_and_processors_together(tmp_path):
    nvml, zone = FakeNVML(), Zone(tmp_path, "intel-rapl:0", "package-0")
    with EnergyMeter(nvml=nvml, rapl_root=tmp_path) as meter:
        nvml.millijoules[0] += 4000
        zone.set(5_000_000)
    assert meter.energy.scope == "gpu + cpu package"
    assert meter.energy.parts == pytest.approx({"gpu": 4, "cpu package": 5})
    assert meter.energy.joules == pytest.approx(9)


@pytest.mark.parametrize("visible, joules", [("1", 20), ("0,1", 21), ("GPU-1", 20), ("0,nonsense,1", 1), ("1,7", 20)])
def test_only_visible_gpus_count(tmp_path, monkeypatch, visible, joules):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    nvml = FakeNVML()
    with EnergyMeter(nvml=nvml, rapl_root=tmp_path) as meter:
        nvml.millijoules = [2000, 22_000]
    assert meter.energy.joules == pytest.approx(joules)


@pytest.mark.parametrize("visible", ["", "-1"])
def test_no_visible_gpu(tmp_path, monkeypatch, visible):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    nvml = FakeNVML()
    with EnergyMeter(nvml=nvml, rapl_root=tmp_path, **NOTHING) as meter:
        pass
    assert "no GPU is visible" in meter.energy.detail
    assert nvml.opened == 0


def test_power_is_integrated_where_no_energy_is_counted(tmp_path):
    nvml = FakeNVML(counts_energy=False)
    with EnergyMeter(nvml=nvml, rapl_root=tmp_path) as meter:
        time.sleep(0.3)
    assert meter.energy.watts == pytest.approx(80, rel=0.2)  # two GPUs at a constant power, whatever the clock did
    assert "power every" in meter.energy.detail


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 10), st.floats(0, 500)), min_size=1, max_size=10))
def test_a_power_that_changes_linearly_is_integrated_exactly(samples):
    times, watts = [0.0], [100.0]
    for gap, power in samples:
        times.append(times[-1] + gap)
        watts.append(power)
    clock, power = iter(times), iter(watts)
    integral = Integral(lambda: {"gpu": next(power)}, lambda: next(clock))
    for _ in times:
        joules = integral()
    pairs = zip(zip(times, watts, strict=True), zip(times[1:], watts[1:], strict=True), strict=False)
    assert joules["gpu"] == pytest.approx(sum((b - a) * (p + q) / 2 for (a, p), (b, q) in pairs))


def test_no_driver(tmp_path):
    with EnergyMeter(nvml=FakeNVML(there=False), rapl_root=tmp_path, **NOTHING) as meter:
        pass
    assert "NVML: Driver Not Loaded" in meter.energy.detail


def test_a_gpu_that_is_lost_makes_the_figure_unavailable_and_stops_nothing(tmp_path):
    nvml, zone = FakeNVML(), Zone(tmp_path, "intel-rapl:0", "package-0")
    with EnergyMeter(nvml=nvml, rapl_root=tmp_path) as meter:
        zone.set(5_000_000)
        nvml.counts_energy = False
    assert meter.energy.source == "unavailable"
    assert "a reading failed" in meter.energy.detail and "Not Supported" in meter.energy.detail
    assert nvml.opened == 0


# the figure


def test_nothing_there_is_unavailable_with_every_reason_and_no_number(tmp_path):
    with EnergyMeter(rapl_root=tmp_path) as meter:
        time.sleep(0.01)
    energy = meter.energy
    assert (energy.source, energy.joules, energy.kwh, energy.watts) == ("unavailable", None, None, None)
    assert energy.seconds >= 0.01
    assert all(name in energy.detail for name in ("NVML", "RAPL", "codecarbon"))
    assert json.loads(json.dumps(energy.as_json()))["joules"] is None
    assert idle_baseline(0.01, rapl_root=tmp_path) == (None, "")


def test_a_counter_that_did_not_move_is_unavailable_and_not_zero(tmp_path):
    Zone(tmp_path, "intel-rapl:0", "package-0", 5)
    with EnergyMeter(rapl_root=tmp_path, nvml=FakeNVML()) as meter:
        pass
    assert (meter.energy.source, meter.energy.joules) == ("unavailable", None)
    assert "did not move" in meter.energy.detail


def test_the_idle_baseline_is_subtracted(tmp_path):
    zone = Zone(tmp_path, "intel-rapl:0", "package-0")
    with EnergyMeter(idle_watts=20.0, rapl_root=tmp_path) as meter:
        time.sleep(0.05)
        zone.set(30_000_000)
    energy = meter.energy
    assert (energy.gross_joules, energy.idle_watts) == (pytest.approx(30), 20)
    assert energy.joules == pytest.approx(30 - 20 * energy.seconds)
    assert energy.watts == pytest.approx(30 / energy.seconds - 20)


def test_the_baseline_is_the_power_of_a_sleeping_process(tmp_path):
    watts, reason = idle_baseline(0.3, nvml=FakeNVML(counts_energy=False), rapl_root=tmp_path)
    assert watts == pytest.approx(80, rel=0.2) and reason == ""


# a GPU that others use


def baseline_of(path, **state):
    nvml = FakeNVML(counts_energy=False)
    vars(nvml).update(state)
    found = idle_baseline(0.1, nvml=nvml, rapl_root=path)
    assert nvml.opened == 0
    return found


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"busy": [0, 97]}, "other processes used the GPU"),  # a container that lists no process of others
        ({"busy": [1, 0], "processes": None}, "other processes used the GPU"),
        ({"processes": [1, 4]}, "other processes used the GPU"),  # at rest just now
        ({"busy": None}, "NVML does not tell whether others used the GPU"),  # a part of a GPU
    ],
)
def test_what_others_draw_is_no_idle_power(state, reason, tmp_path):
    """Four trainings on one GPU: 393 W were subtracted from each, and net joules became negative."""
    watts, remark = baseline_of(tmp_path, **state)
    assert watts is None
    assert remark.startswith(f"no idle power is subtracted: {reason}")
    assert remark.endswith("so the joules are those of the whole GPU, an upper bound")
    nvml = FakeNVML()
    with EnergyMeter(watts, remark, nvml=nvml, rapl_root=tmp_path) as meter:
        nvml.millijoules = [3000, 7000]
    assert meter.energy.joules == meter.energy.gross_joules == pytest.approx(7) and meter.energy.idle_watts is None
    assert meter.energy.detail.endswith(remark)


@pytest.mark.parametrize("processes", [[1, 1], [0, 0], None])
def test_the_baseline_of_a_gpu_that_is_ours_alone_is_known(processes, tmp_path):
    watts, reason = baseline_of(tmp_path, processes=processes)
    assert watts == pytest.approx(80, rel=0.3) and reason == ""


@pytest.mark.parametrize(
    ("percent", "known"), [(lambda part: 100 * (part < 0.4), True), (lambda part: part > 0.7, False)]
)
def test_what_this_process_did_before_is_not_the_work_of_others(percent, known, tmp_path):
    """NVML's percentage is of up to a second that has passed. Others who work now and then are seen by one look."""

    class Now(FakeNVML):
        def nvmlDeviceGetUtilizationRates(self, device):
            return SimpleNamespace(gpu=percent((time.perf_counter() - begin) / 0.5))

    begin = time.perf_counter()
    watts, _ = idle_baseline(0.5, nvml=Now(counts_energy=False), rapl_root=tmp_path)
    assert (watts is not None) == known


def test_others_who_come_later_are_told_where_nvml_lists_them(tmp_path):
    nvml, details = FakeNVML(), []
    for before, after in ((1, 1), (1, 2), (2, 1)):
        nvml.processes = [before, 0]
        with EnergyMeter(3.0, nvml=nvml, rapl_root=tmp_path) as meter:
            nvml.millijoules[0] += 4000
            nvml.processes = [after, 0]
        assert meter.energy.idle_watts == 3.0  # it was measured while nobody else was there
        details.append(meter.energy.detail)
    said = "; other processes were on the GPU, so the joules are those of the whole GPU, an upper bound"
    assert not details[0].endswith(said) and details[1] == details[2] == details[0] + said


def test_an_error_inside_the_block_goes_on_and_the_figure_is_there(tmp_path):
    zone, meter = Zone(tmp_path, "intel-rapl:0", "package-0"), EnergyMeter(rapl_root=tmp_path)
    with pytest.raises(RuntimeError, match="of the block"), meter:
        zone.set(1_000_000)
        raise RuntimeError("of the block")
    assert meter.energy.joules == pytest.approx(1)


def test_a_meter_can_be_used_again(tmp_path):
    zone, meter = Zone(tmp_path, "intel-rapl:0", "package-0"), EnergyMeter(rapl_root=tmp_path)
    for joules in (1, 3):
        with meter:
            zone.set(joules * 1_000_000)
    assert meter.energy.joules == pytest.approx(2)


@pytest.mark.parametrize(
    "joules, source", [(0.0, "measured"), (None, "measured"), (1.0, "unavailable"), (1.0, "guess")]
)
def test_a_figure_without_a_source_or_a_bare_zero_is_refused(joules, source):
    with pytest.raises(ValueError, match="Received: "):
        Energy(joules, 1.0, source)


def test_a_baseline_takes_time():
    with pytest.raises(ValueError, match="Received: 0"):
        idle_baseline(0)


# codecarbon


class FakeTracker:
    def __init__(self, **options):
        assert options["output_methods"] == []  # no file
        assert options["tracking_mode"] == "process"  # and not what others do on the machine

    def start(self):
        pass

    def stop(self):
        self.final_emissions_data = SimpleNamespace(gpu_energy=0.0, cpu_energy=2e-6, ram_energy=1e-6)


def test_an_estimate_is_called_one(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "codecarbon", SimpleNamespace(OfflineEmissionsTracker=FakeTracker))
    monkeypatch.setattr("importlib.metadata.version", lambda name: "1.2.3")
    with EnergyMeter(rapl_root=tmp_path) as meter:
        pass
    assert (meter.energy.source, meter.energy.scope) == ("estimated", "cpu + ram")
    assert meter.energy.joules == pytest.approx(3e-6 * 3.6e6)
    assert "codecarbon 1.2.3" in meter.energy.detail and "RAPL" in meter.energy.detail


def test_nothing_is_estimated_beside_what_is_measured(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "codecarbon", SimpleNamespace(OfflineEmissionsTracker=FakeTracker))
    zone = Zone(tmp_path, "intel-rapl:0", "package-0")
    with EnergyMeter(rapl_root=tmp_path) as meter:
        zone.set(1_000_000)
    assert meter.energy.scope == "cpu package"


def test_an_estimator_that_breaks_stops_nothing(tmp_path, monkeypatch):
    def broken(**options):
        raise OSError("no disk")

    monkeypatch.setitem(sys.modules, "codecarbon", SimpleNamespace(OfflineEmissionsTracker=broken))
    with EnergyMeter(rapl_root=tmp_path) as meter:
        pass
    assert meter.energy.source == "unavailable" and "no disk" in meter.energy.detail


def test_an_estimator_that_measures_nothing_says_so(tmp_path, monkeypatch):
    """Without pandas codecarbon 3.3.2 logs an error, and has no numbers in the end."""
    silent = type("Silent", (FakeTracker,), {"stop": lambda self: None})
    monkeypatch.setitem(sys.modules, "codecarbon", SimpleNamespace(OfflineEmissionsTracker=silent))
    monkeypatch.setattr("importlib.metadata.version", lambda name: "1.2.3")
    with EnergyMeter(rapl_root=tmp_path) as meter:
        pass
    assert meter.energy.source == "unavailable" and "1.2.3" in meter.energy.detail
    assert "started no measurement" in meter.energy.detail


def test_the_real_codecarbon(tmp_path, monkeypatch):
    monkeypatch.undo()
    pytest.importorskip("codecarbon")
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with EnergyMeter(rapl_root=tmp_path) as meter:
        time.sleep(0.5)
    assert meter.energy.source == "estimated"
    assert 0.1 < meter.energy.watts < 1000
    assert co2_kg(meter.energy.kwh, "NOR") < co2_kg(meter.energy.kwh, "POL")  # water against coal
    assert co2_kg(None, "ITA") is None
    with pytest.raises(ValueError, match="Received: 'XXX'"):
        co2_kg(1.0, "XXX")
