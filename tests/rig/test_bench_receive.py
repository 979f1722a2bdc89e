"""What the bench of the way in compares: both sides really decode the same values from the same bytes."""

import asyncio
from collections.abc import Mapping
from itertools import islice
from typing import cast

import pytest

from custom_components.smartbms.bms.device import Generation
from custom_components.smartbms.bms.records import decode
from custom_components.smartbms.bms.state import CellRecord, PackRecord, Snapshot
from scripts.rig.bench_receive import BATTERIES, SIZES, Clock, Ours, Theirs, charging, hear, lines, seconds

TWO_CYCLES = 510


def said(battery: str, cells: int, size: int, length: int) -> list[str]:
    """Return the lines of some seconds of stream."""
    stream = islice(seconds(battery, cells, size), length)
    return b"".join(data for second in stream for data in second).decode().split()


@pytest.mark.parametrize("size", SIZES)
def test_notifications_are_full_but_for_the_last_of_a_second(size: int) -> None:
    """A BMS says eight records a second, and lets go of them at once."""
    for second in islice(seconds("quiet", 16, size), 16):
        *full, last = map(len, second)
        assert set(full) <= {size}
        assert 0 < last <= size
        assert b"".join(second).count(b"\r") == 8


def test_a_quiet_battery_repeats_itself() -> None:
    """Nothing changes but whose turn it is."""
    assert len(set(said("quiet", 16, 20, 160))) == 7 + 16


@pytest.mark.parametrize("cells", [16, 255])
def test_no_line_was_ever_said_before(cells: int) -> None:
    """Over everything that is measured of one pack, each a record."""
    heard = said("all new", cells, 244, 16 * TWO_CYCLES)
    assert len(set(heard)) == len(heard)
    assert all(isinstance(decode(line, Generation.GEN3), tuple) for line in heard[:4000])


async def both(battery: str, cells: int, size: int) -> tuple[Snapshot, int, Mapping[str, object]]:
    """Return what both sides know after two cycles of 255 cells, and how many records ours was."""
    clock = asyncio.get_running_loop()
    assert isinstance(clock, Clock)
    stream = list(islice(seconds(battery, cells, size), TWO_CYCLES))
    async with Ours(cells) as ours, Theirs(cells) as theirs:
        before = ours.accepted
        snapshot, peer = hear(ours, clock, stream), hear(theirs, clock, stream)
        return cast(Snapshot, snapshot), ours.accepted - before, cast(Mapping[str, object], peer)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cells", [16, 255])
def test_both_decode_the_same(cells: int, size: int) -> None:
    """Ours every field of every record; the peer the pack, and of the cells those whose number it can read."""
    with asyncio.Runner(loop_factory=Clock) as runner:
        snapshot, records, peer = runner.run(both("all new", cells, size))
    *_, last = ([*charging(cells, second)] for second in range(TWO_CYCLES))
    pack, voltages, temperatures, _, energy, totals, health, battery_energy = last
    assert snapshot.pack == pytest.approx(pack)
    assert snapshot.voltages == pytest.approx(voltages)
    assert snapshot.health == pytest.approx(health)
    assert (snapshot.temperatures, snapshot.energy) == (temperatures, energy)
    assert (snapshot.totals, snapshot.battery_energy) == (totals, battery_energy)
    assert records == 8 * TWO_CYCLES
    heard = {
        record.number: record
        for second in range(TWO_CYCLES)
        for record in charging(cells, second)
        if isinstance(record, CellRecord)
    }
    assert [cell.voltage for cell in snapshot.cells] == pytest.approx(
        [heard[number].voltage for number in range(1, cells + 1)]
    )
    assert [cell.temperature_raw for cell in snapshot.cells] == [
        heard[number].temperature_raw for number in range(1, cells + 1)
    ]
    assert snapshot.pack is not None
    assert peer["voltage"] == pytest.approx(snapshot.pack.voltage)
    assert peer["current"] == pytest.approx(snapshot.pack.battery_current)
    assert (peer["battery_level"], peer["battery_health"]) == (62, 97)
    known = [*range(1, 10), 16] if cells == 16 else []
    assert peer["cell_count"] == len(known)
    assert peer["cell_voltages"] == pytest.approx([heard[number].voltage for number in known])


def test_on_a_sunny_day_the_battery_is_charged() -> None:
    """What the simulated BMS says is not the same from one second to the next, and makes sense."""
    first, *_, last = [*islice(BATTERIES["sunny day"](16), 100)]
    before, after = [next(r for r in records if isinstance(r, PackRecord)) for records in (first, last)]
    assert (before.battery_current or 0) > 10
    assert after != before


def test_every_pack_is_measured_in_both_sizes_with_every_battery() -> None:
    """A ratio each, and what a second costs either side; one that is like none has no limit."""
    measured = list(lines(pairs=1, packs=[2]))
    ratios = measured[::3]
    assert [line.name for line in ratios] == [
        f"receiving 2 cells in {size} bytes, {battery}" for size in (20, 244) for battery in BATTERIES
    ]
    assert [line.limit for line in ratios] == 2 * [1.0, 1.75, None]
    for ratio, ours, theirs in zip(ratios, measured[1::3], measured[2::3], strict=True):
        assert (ratio.unit, ours.unit, theirs.unit) == ("x", "us", "us")
        assert (ours.limit, theirs.limit) == (None, None)
        assert ratio.value == pytest.approx(ours.value / theirs.value)
        assert 0.05 < ratio.value < 20
