"""Load shedding by the queue's delay: bursts pass, a standing queue does not; refusals cost little."""

from __future__ import annotations

from fakes.origin.nano import CpuBucket
from fakes.protections.load_shedding import LoadShedding
from fakes.settings import NanoSettings, StackSettings
from tests.support.manual_clock import ManualClock

SETTINGS = StackSettings.model_validate({"protections": {"load-shedding": {"target": 0.2, "interval": 0.5}}})


def test_a_burst_passes_and_a_standing_queue_does_not() -> None:
    clock = ManualClock()
    shedding = LoadShedding(SETTINGS, clock)
    assert shedding.admits(3.0)
    clock.now += 0.4
    assert shedding.admits(3.0)
    clock.now += 0.2
    assert not shedding.admits(0.21)
    assert shedding.admits(0.2)  # it is no standing one any more
    clock.now += 9.0
    assert shedding.admits(3.0)


def test_what_was_learnt_is_forgotten() -> None:
    clock = ManualClock()
    shedding = LoadShedding(SETTINGS, clock)
    shedding.admits(3.0)
    clock.now += 1.0
    shedding.forget()
    assert shedding.admits(3.0)


def test_under_four_times_the_load_the_queue_stays_near_the_target_and_the_cpu_is_used() -> None:
    clock = ManualClock()
    nano = NanoSettings(cpu_per_request=0.002)  # 50 requests a second
    cpu, shedding = CpuBucket(nano, clock), LoadShedding(SETTINGS, clock)
    served, waits = 0, []
    for _ in range(200 * 20):
        clock.now += 1 / 200
        if shedding.admits(cpu.queue_now()):
            waits.append(cpu.spend())
            served += 1
        else:
            cpu.spend(0.1)
    assert max(waits) < 4.0  # of the first half second
    assert max(waits[len(waits) // 2 :]) < 2.5
    assert served > 20 * 25
