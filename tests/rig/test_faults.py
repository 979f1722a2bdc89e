"""What `scripts/soak --faults` lets happen, and that each of its checks finds what it is for."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from math import inf
from time import time

import pytest

from custom_components.smartbms.bms.device import DeviceType, Generation
from custom_components.smartbms.bms.fold import Fold
from custom_components.smartbms.model.ledger import Flow, Ledger
from scripts.rig.api import State
from scripts.rig.components.leftovers import files as open_files, objects, tasks, timers
from scripts.rig.fault_acts import ACTS, ACTS_BETWEEN
from scripts.rig.fault_checks import (
    Energy,
    by_fault,
    connected_again,
    energies,
    files,
    leftovers,
    line,
    log_lines,
    p95,
    table,
    tracebacks,
    true_values,
)
from scripts.rig.fault_kinds import KINDS, Kind, Lane, Planned, schedule
from scripts.rig.fault_truth import History, had_now
from scripts.rig.fault_watch import Device, Recovery, Silence, Watch
from scripts.rig.faulty_bms import Damage, FaultyBms, faulty_bms
from scripts.rig.measuring import Line

NAME = "123\\SmartBMS 05001"


def bms(device_type: DeviceType = DeviceType.GEN3_RAYTAC, *, has_both: bool = True) -> FaultyBms:
    """Return a BMS of three cells at noon."""
    return faulty_bms(5001, device_type, 3, hour=12.0, has_both=has_both)


def lane_of(planned: Planned) -> Lane:
    """Return what a fault happens to."""
    return KINDS[planned.kind].lane


# The schedule


def test_the_same_seed_brings_the_same_faults() -> None:
    """Kinds, order, lengths, all of it; another seed brings others."""
    assert schedule(7, 200, 8) == schedule(7, 200, 8)
    assert schedule(7, 200, 8) != schedule(8, 200, 8)
    assert [(each.kind, each.bms) for each in schedule(7, 200, 8)[:3]] == [
        (each.kind, each.bms) for each in schedule(7, 200, 8)
    ][:3]


@pytest.mark.parametrize("count", [23, 40, 250, 1000])
def test_every_kind_occurs_as_soon_as_there_is_room(count: int) -> None:
    """And there are as many faults as were asked for."""
    planned = schedule(1, count, 8)
    assert len(planned) == count
    assert {each.kind for each in planned} == set(Kind)


def test_a_thousand_faults() -> None:
    """Twenty starts of Home Assistant, sixty faults of proxies, the rest shared out evenly among the BMS."""
    planned = schedule(1, 1000, 8)
    assert Counter(map(lane_of, planned)) == {Lane.BMS: 920, Lane.PROXIES: 60, Lane.HOME_ASSISTANT: 20}
    starts = [index for index, each in enumerate(planned) if lane_of(each) is Lane.HOME_ASSISTANT]
    assert starts[-1] == 850
    assert all(30 < after - before < 60 for before, after in pairwise(starts))
    seconds = Counter[int]()
    for each in planned:
        if each.bms is not None:
            seconds[each.bms] += round(each.seconds + each.pause)
    assert sorted(seconds) == list(range(8))
    assert max(seconds.values()) < 1.5 * min(seconds.values())


def test_how_long_faults_last() -> None:
    """Each as its kind wants it, and only those of a BMS leave it no time to come back."""
    for each in schedule(3, 1000, 8):
        row = KINDS[each.kind]
        assert row.seconds[0] - 0.01 <= each.seconds <= row.seconds[1] + 0.01
        assert each.detail in row.details
        assert (each.bms is None) is (row.lane is not Lane.BMS)
        assert not (each.is_early and each.bms is None)


def test_every_kind_can_be_done() -> None:
    """Those of a BMS and the others."""
    assert ACTS.keys() | ACTS_BETWEEN.keys() == set(Kind)
    assert {KINDS[kind].lane for kind in ACTS} == {Lane.BMS}


# The BMS


class Central:
    """Whoever is connected to a BMS."""

    def __init__(self) -> None:
        """Have heard nothing."""
        self.heard: list[bytes] = []
        self.was_dropped = False

    def notified(self, handle: int, data: bytes) -> None:
        """Hear something."""
        self.heard.append(data)

    def dropped(self) -> None:
        """Lose the BMS."""
        self.was_dropped = True


def listening(device: FaultyBms, central: Central) -> FaultyBms:
    """Have a central subscribe to all that a BMS says."""
    device.connect(central)
    table = [each for service in device.services for each in service.characteristics]
    for each in table:
        device.subscribe(each.handle, enabled=True)
    return device


def say(device: FaultyBms, *texts: str) -> None:
    """Send a BMS some commands, which it echoes one by one."""
    (receive,) = [
        each.handle
        for service in device.services
        for each in service.characteristics
        if each.uuid == device.module.receive
    ]
    for text in texts:
        device.write(receive, text.encode() + b"\r")


@pytest.mark.parametrize(
    ("damage", "heard"),
    [
        (None, [b"A\rNA\r", b"BB\rNA\r", b"CC\rNA\r"]),
        (Damage.LOST, []),
        (Damage.DOUBLED, [b"A\rNA\r", b"A\rNA\r", b"BB\rNA\r", b"BB\rNA\r", b"CC\rNA\r", b"CC\rNA\r"]),
        (Damage.REORDERED, [b"BB\rNA\r", b"A\rNA\r"]),
        (Damage.CUT, [b"A\r", b"BB\r", b"CC\r"]),
    ],
)
async def test_what_becomes_of_notifications(damage: Damage | None, heard: list[bytes]) -> None:
    """Lost, twice, the second before the first, and half of each; it is counted."""
    central, device = Central(), bms()
    device.damage = damage
    say(listening(device, central), "A", "BB", "CC")
    assert central.heard == heard
    assert device.damaged == (0 if damage is None else 3)


async def test_not_every_notification_is_damaged() -> None:
    """One in so many."""
    central, device = Central(), bms()
    device.damage, device.one_in = Damage.LOST, 5
    say(listening(device, central), *["A"] * 200)
    assert len(central.heard) == 200 - device.damaged
    assert 20 < device.damaged < 60


async def test_replies_that_are_withheld_come_late() -> None:
    """All of them, in order; unless the link is lost meanwhile."""
    device = listening(bms(), central := Central())
    device.withhold(True)
    say(device, "A", "B")
    assert central.heard == []
    device.withhold(False)
    assert central.heard == [b"A\rNA\r", b"B\rNA\r"]
    device.withhold(True)
    say(device, "C")
    device.drop()
    device.withhold(False)
    assert central.heard == [b"A\rNA\r", b"B\rNA\r"]
    assert central.was_dropped


async def test_the_phone_takes_the_connection() -> None:
    """It hangs up on whoever has it, and leaves it free."""
    central, device = Central(), bms()
    listening(device, central).take_phone()
    assert central.was_dropped
    assert device.connected
    device.leave_phone()
    assert not device.connected


async def test_writes_can_fail() -> None:
    """Every one of them."""
    device = listening(bms(), Central())
    device.refuses = True
    with pytest.raises(OSError, match="failed"):
        say(device, "A")


async def test_another_battery_goes_on_counting() -> None:
    """It has another number of cells, and what has flowed has flowed."""
    device = bms()
    device.firmware.pass_time(3600)
    before = device.firmware.total.collected
    device.change_cells(4)
    assert len(device.firmware.battery.cells) == 4
    assert device.firmware.total.collected == before > 1000
    assert device.firmware.time_of_day == pytest.approx(13 * 3600, abs=3)


# What it has had


async def test_what_a_bms_has_had() -> None:
    """Values of the moment, bits as they are told, settings as a person reads them; no totals."""
    values = had_now(bms().firmware)
    assert values["charge_allowed"] is True
    assert values["voltage_high"] is False
    assert values["chemistry"] == "lifepo4"
    assert values["charge_relay_invert"] is False
    assert values["t_max"] == pytest.approx(60, abs=0.5)
    assert isinstance(values["voltage"], float)
    assert "collected_total" not in values


def test_a_value_was_had_at_its_time() -> None:
    """Not before, not long after, and not a little beside it."""
    history = History()
    for now, volts in ((10.0, 51.2), (11.0, 51.2), (12.0, 51.3), (20.0, 51.4)):
        history.note(now, {"voltage": volts, "calibrated": True, "chemistry": "lto"})
    assert history.knows("voltage")
    assert not history.knows("power")
    assert history.had("voltage", "51.2", 11, 12)
    assert not history.had("voltage", "51.2", 11.5, 20)
    assert not history.had("voltage", "51.4", 10, 19)
    assert not history.had("voltage", "51.25", 0, 30)
    assert not history.had("voltage", "much", 0, 30)
    assert history.had("calibrated", "on", 0, 30)
    assert not history.had("calibrated", "off", 0, 30)
    # Settings are read now and then.
    assert history.had("chemistry", "lto", 100, 200)
    assert not history.had("chemistry", "nmc", 0, 30)
    history.note(700.0, {"voltage": 51.5})
    assert history.values("voltage") == [51.5]


def test_what_follows_from_all_cells_lies_between_them() -> None:
    """They are told one by one: the average of several moments, and how many are balancing."""
    history = History()
    history.note(1.0, {"cell_1_voltage": 3.2, "cell_2_voltage": 3.4, "average_cell_voltage": 3.3})
    history.note(2.0, {"cell_1_voltage": 3.3, "cell_2_voltage": 3.5, "average_cell_voltage": 3.4})
    history.note(1.0, {"cell_1_balancing": True, "cell_2_balancing": False, "balancing_cells": 1})
    history.note(2.0, {"cell_1_balancing": True, "cell_2_balancing": True, "balancing_cells": 2})
    assert history.had("average_cell_voltage", "3.35", 0, 3)
    assert history.had("average_cell_voltage", "3.3", 0, 3)
    assert not history.had("average_cell_voltage", "3.51", 0, 3)
    assert not history.had("average_cell_voltage", "3.35", 5, 6)
    assert not history.had("average_cell_voltage", "high", 0, 3)
    assert history.had("balancing_cells", "1", 0, 3)
    assert history.had("balancing_cells", "2", 0, 3)
    assert not history.had("balancing_cells", "0", 0, 3)
    assert not history.had("balancing_cells", "3", 0, 3)


# What is watched


def state(text: str) -> State:
    """Return a state that was written just now."""
    return {
        "entity_id": "sensor.one",
        "state": text,
        "attributes": {},
        "last_changed": "",
        "last_updated": datetime.fromtimestamp(time(), UTC).isoformat(),
    }


def watched(key: str) -> tuple[Watch, Device]:
    """Return a watch of one entity of a BMS that has just been heard."""
    device = Device(bms(), NAME)
    device.hear(asyncio.get_running_loop().time() - 0.5)
    device.excused_until = -inf
    watch = Watch([device])
    watch._entities["sensor.one"] = device, key
    return watch, device


async def test_a_value_that_the_battery_did_not_have_is_seen() -> None:
    """One that it had is not, and one of a damaged notification is told apart."""
    watch, device = watched("voltage")
    now = asyncio.get_running_loop().time()
    device.history.note(now, {"voltage": 51.2})
    watch._see(state("51.2"), None)
    assert (watch.seen.compared, watch.seen.untrue) == (1, [])
    watch._see(state("51.3"), None)
    assert watch.seen.untrue == [f"{NAME}: voltage showed 51.3, the BMS had [51.2] (nothing)"]
    device.bms.damaged_at = now
    watch._see(state("51.4"), None)
    assert (len(watch.seen.untrue), len(watch.seen.damaged)) == (1, 1)


async def test_a_value_of_before_an_outage_is_not_true_after_it() -> None:
    """What was heard before a silence of more than the grace time must be forgotten."""
    watch, device = watched("voltage")
    now = asyncio.get_running_loop().time()
    device.history.note(now - 60, {"voltage": 51.2})
    device.silences = [Silence(now - 59, now - 2)]
    watch._see(state("51.2"), None)
    assert len(watch.seen.untrue) == 1
    device.silences = [Silence(now - 29, now - 2)]
    watch._see(state("51.2"), None)
    assert len(watch.seen.untrue) == 1


@pytest.mark.parametrize("gone", ["unavailable", "unknown"])
async def test_an_entity_that_flaps_within_the_grace_time_is_seen(gone: str) -> None:
    """Not when the BMS has been silent for long, nor when its owner loads the entry anew."""
    watch, device = watched("voltage")
    now = asyncio.get_running_loop().time()
    watch._see(state(gone), state("51.2"))
    assert len(watch.seen.flaps) == 1
    assert f"voltage was 51.2 and became {gone} after 0.5 s of silence (nothing)" in watch.seen.flaps[0]

    device.told = now - 31
    watch._see(state(gone), state("51.2"))
    device.told = now - 20
    device.excused_until = inf
    watch._see(state(gone), state("51.2"))
    device.excused_until = -inf
    watch.stopping = True
    watch._see(state(gone), state("51.2"))
    watch.stopping = False
    watch._see(state(gone), None)
    watch._see(state("unknown"), state("unavailable"))
    assert len(watch.seen.flaps) == 1
    watch._see(state(gone), state("51.2"))
    assert len(watch.seen.flaps) == 2


async def test_what_is_sometimes_unknown_may_be() -> None:
    """Nobody knows when a pack is full while nothing flows."""
    watch, _ = watched("time_to_full")
    watch._see(state("unknown"), state("3"))
    assert watch.seen.flaps == []


async def test_a_total_that_falls_is_seen() -> None:
    """Also when it was gone in between."""
    watch, device = watched("collected_total")
    for text in ("321.5", "321.502", "unavailable", "321.502"):
        watch._see(state(text), None)
    assert watch.seen.falls == []
    watch._see(state("321.501"), None)
    assert watch.seen.falls == [f"{NAME}: collected_total fell from 321.502 to 321.501 kWh (nothing)"]
    assert device.totals == {"collected_total": 321.501}


async def test_entities_that_nothing_is_known_of_are_not_compared() -> None:
    """What the model says is for other tests, and other integrations are not ours."""
    watch, _ = watched("findings")
    watch._see(state("1"), None)
    watch._entities["sensor.one"] = None
    watch._see(state("1"), None)
    assert (watch.seen.compared, watch.seen.untrue) == (0, [])


async def test_how_long_it_takes_to_be_connected_again() -> None:
    """From when the cause was gone, or the link was lost where that came later."""
    watch, device = watched("connection")
    device.last_fault = "link dropped"
    for at, text in ((1.0, "connected"), (10.0, "disconnected"), (11.0, "connecting"), (13.0, "connected")):
        watch.connection(device, text, at)
    device.cause_gone_at = 30.0
    for at, text in ((20.0, "disconnected"), (32.5, "connected"), (33.0, "connected")):
        watch.connection(device, text, at)
    assert watch.seen.recoveries == [Recovery(3.0, NAME, "link dropped"), Recovery(2.5, NAME, "link dropped")]


async def test_when_a_bms_was_silent() -> None:
    """A silence is one of more than a moment, and is excused when Home Assistant was started in it."""
    device = Device(bms(), NAME)
    device.excused_until = -inf
    for now in (100.0, 101.0, 141.0):
        device.hear(now)
    device.is_new = True
    device.hear(150.0)
    assert device.silences == [
        Silence(-inf, 100.0, is_excused=True),
        Silence(101.0, 141.0, is_excused=False),
        Silence(141.0, 150.0, is_excused=True),
    ]
    assert device.silent_for(131.5) == 30.5
    assert device.silent_for(141.0) == 40.0
    assert device.silent_for(150.0) == 9.0
    assert device.silent_for(155.0) == 5.0
    assert device.silent_for(100.5) == 0.0
    # Since the long silence, and no longer ago.
    assert device.oldest(155.0) == 140.0


# The checks


def verdicts(*lines: Line) -> list[bool]:
    """Return which lines pass."""
    return [each.passes for each in lines]


def test_connected_again_in_time() -> None:
    """95 % within 15 s, and everybody at some time."""
    good = [Recovery(3.0, NAME, "link dropped")] * 19
    slow = Recovery(60.0, NAME, "phone app connected")
    assert verdicts(*connected_again([*good, slow], [])) == [True, True]
    assert verdicts(*connected_again([*good, slow, slow], [])) == [False, True]
    assert verdicts(*connected_again(good, [NAME])) == [True, False]
    assert verdicts(*connected_again([], [])) == [True, True]
    assert [" ".join(text.split()) for text in by_fault([*good, slow])] == [
        "link dropped 19 times, p95 3.0 s, longest 3.0 s",
        "phone app connected 1 times, p95 60.0 s, longest 60.0 s",
    ]


def test_percentile() -> None:
    """What 95 of 100 do not exceed."""
    assert p95([*map(float, range(1, 101))]) == 95.0
    assert p95([]) == 0.0


def test_energies_are_right() -> None:
    """Within 0.1 %, or two steps of Wh where that is more."""
    assert energies([]).passes
    assert energies([Energy(NAME, 100.0999, 100.0), Energy(NAME, 0.1019, 0.1)]).passes
    assert not energies([Energy(NAME, 100.11, 100.0)]).passes
    assert not energies([Energy(NAME, 99.89, 100.0)]).passes
    assert not energies([Energy(NAME, 0.1021, 0.1)]).passes


def test_values_are_true() -> None:
    """All but what damage makes of records, and that is rare."""
    assert verdicts(*true_values([], [], 0)) == [True, True]
    assert verdicts(*true_values(["voltage"], [], 1000)) == [False, True]
    assert verdicts(*true_values([], ["power"] * 20, 1000)) == [True, True]
    assert verdicts(*true_values([], ["power"] * 21, 1000)) == [True, False]


def record(level: str, text: str, logger: str = "custom_components.smartbms.coordinator") -> str:
    """Return the first line of a record in Home Assistant's log."""
    return f"2026-11-20 21:36:22.925 {level} (MainThread) [{logger}] {text}"


AWAY = record("WARNING", f"{NAME} is unavailable (not_in_reach)")
BACK = record("INFO", f"{NAME} is available")
TRACEBACK = "Traceback (most recent call last):\n  File ..."


@pytest.mark.parametrize(
    ("log", "seconds", "failing"),
    [
        ([BACK, AWAY, BACK], [60.0], set()),
        ([BACK], [20.0], set()),
        ([BACK, AWAY, AWAY, BACK], [60.0, 60.0], {"outages told twice in the log"}),
        ([BACK, AWAY, BACK], [20.0], {"outages told in the log that were none"}),
        ([BACK], [60.0], {"outages not told in the log"}),
        ([record("WARNING", "Something else")], [], {"other complaints of ours in the log"}),
        ([record("ERROR", "Something bad")], [], {"other complaints of ours in the log"}),
        ([record("ERROR", "Bad", "homeassistant"), TRACEBACK], [], {"tracebacks in the log"}),
        ([record("ERROR", "No video", "haffmpeg.core"), TRACEBACK], [], set()),
    ],
)
def test_the_log(log: list[str], seconds: list[float], failing: set[str]) -> None:
    """One line for each outage, no other complaint of ours, no traceback."""
    silences = [Silence(0.0, each) for each in seconds]
    lines = log_lines("\n".join(log), {NAME: silences})
    assert {each.name for each in lines if not each.passes} == failing


def test_an_outage_in_which_home_assistant_started_may_be_told_or_not() -> None:
    """It has not lived through all of it."""
    silences = {NAME: [Silence(0.0, 60.0, is_excused=True)]}
    assert all(each.passes for each in log_lines(BACK, silences))
    assert all(each.passes for each in log_lines(f"{AWAY}\n{BACK}", silences))


def test_which_tracebacks_are_counted() -> None:
    """Those that name the integration anywhere, and those that name nobody."""
    ours = record("ERROR", "Error while setting up", "homeassistant.helpers.entity")
    assert list(tracebacks(f"{ours}\n{TRACEBACK} custom_components/smartbms/sensor.py"))
    assert list(tracebacks(f"{record('ERROR', 'Task exception', 'asyncio')}\n{TRACEBACK}"))
    assert list(tracebacks(TRACEBACK))
    assert not list(tracebacks(f"{ours}\n{TRACEBACK} components/camera/img_util.py"))


def test_what_is_left_over() -> None:
    """Each task, timer, object, callback and connection."""
    nothing: dict[str, list[str]] = {"tasks": [], "timers": [], "objects": [], "callbacks": []}
    assert all(verdicts(*leftovers(nothing, 0)))
    assert verdicts(*leftovers(nothing, 1)) == [True, True, True, True, False]
    for index, what in enumerate(nothing):
        left = verdicts(*leftovers({**nothing, what: ["smartbms session"]}, 0))
        assert [each for each, is_ok in enumerate(left) if not is_ok] == [index]


def test_files_that_are_left_open() -> None:
    """More of a kind than before; fewer are no matter."""
    assert files({"socket:[N]": 8, "log": 1}, {"socket:[N]": 7, "log": 1}).passes
    assert not files({"socket:[N]": 8, "log": 2}, {"socket:[N]": 9, "log": 1}).passes
    assert not files({}, {"new": 1}).passes


def test_the_table() -> None:
    """A line each, with number, limit and verdict."""
    good, bad = table([line("connected again, p95", 2.5, 15.0, "s"), line("flapped", 3)])
    assert good.split() == ["connected", "again,", "p95", "2.50", "s", "(limit", "15)", "ok"]
    assert bad.split() == ["flapped", "3.00", "(limit", "0)", "FAILS"]


async def test_what_is_counted_within_home_assistant() -> None:
    """Tasks and timers by the name of the integration, files by what they are."""
    assert tasks() == []
    loop = asyncio.get_running_loop()
    task = loop.create_task(asyncio.sleep(9), name="smartbms session")
    others = [loop.call_later(9, print), loop.call_later(9, partial(Ledger))]
    timer = loop.call_later(9, Ledger().total, Flow.COLLECTED)
    assert [each.partition(" <")[0] for each in tasks()] == ["smartbms session"]
    assert len(timers(loop)) == 2
    session = Fold(Generation.GEN3)
    assert objects() == ["custom_components.smartbms.bms.fold.Fold"]
    del session
    task.cancel()
    for each in (timer, *others):
        each.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert (tasks(), timers(loop), objects()) == ([], [], [])
    assert sum(open_files().values()) > 2
