"""What `scripts/bench` makes of what is measured, and how it measures a Home Assistant."""

import asyncio
from collections.abc import Callable, Sequence
import json
from pathlib import Path
import sys

import pytest

from homeassistant.const import __version__ as HOME_ASSISTANT_VERSION
from scripts.rig.bench import Group, Measurement, Measurements, main
from scripts.rig.bench_house import Pace, Pack, own_pace
from scripts.rig.bench_live import LONG, SHORT, against_own_pace, lags, measurements
from scripts.rig.components.event_loop import Watch
from scripts.rig.hostile_soak import Cost
from scripts.rig.measuring import Line, percentile, summary


def line(value: float, limit: float | None = 5.0, name: str = "a thing") -> Line:
    """Return a line with a spread of 0.5 ms."""
    return Line(name=name, unit="ms", value=value, spread=0.5, limit=limit)


def always(*lines: Line) -> Measurements:
    """Return a group of one measurement that gives these lines whenever it is asked."""
    return lambda short: [lambda: lines]


def in_turn(*answers: Sequence[Line]) -> Measurement:
    """Return a measurement that gives something else every time."""
    answer: Callable[[], Sequence[Line]] = iter(answers).__next__
    return answer


def words(text: str) -> list[list[str]]:
    """Return the words of each line of the table."""
    return [row.split() for row in text.splitlines()]


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    """A row for each line: value, unit, spread, limit, verdict; what has no limit has no verdict."""
    groups = {Group.MODEL: always(line(4.0)), Group.ROWS: always(line(9.0, None, "another"))}
    assert main([], groups) == 0
    assert words(capsys.readouterr().out) == [
        ["median", "spread", "limit"],
        ["a", "thing", "4.00", "ms", "0.50", "5", "ok"],
        ["another", "9.00", "ms", "0.50", "-"],
    ]


def test_a_limit_is_held_by_what_just_reaches_it(capsys: pytest.CaptureFixture[str]) -> None:
    """At most 5 ms are 5 ms."""
    assert main([], {Group.MODEL: always(line(5.0))}) == 0
    assert main([], {Group.MODEL: always(line(5.01))}) == 1
    assert "MISSED" in capsys.readouterr().out


def test_what_was_missed_is_measured_once_more(capsys: pytest.CaptureFixture[str]) -> None:
    """Another job was to blame: the second time counts, the first is shown."""
    measurement = in_turn([line(7.0)], [line(3.0)])
    assert main([], {Group.LIVE: lambda short: [measurement]}) == 0
    assert words(capsys.readouterr().out)[1][2:] == [
        *["3.00", "ms", "0.50", "5", "ok"],
        *["(the", "other", "time", "7.00)"],
    ]


def test_the_better_of_two_that_miss(capsys: pytest.CaptureFixture[str]) -> None:
    """It was worse the second time: the first counts, and there is no third."""
    measurement = in_turn([line(7.0)], [line(8.0)])
    assert main([], {Group.LIVE: lambda short: [measurement]}) == 1
    assert "7.00 ms" in (out := capsys.readouterr().out)
    assert "(the other time 8.00)" in out


def test_what_passed_beside_what_was_missed_keeps_its_value(capsys: pytest.CaptureFixture[str]) -> None:
    """Only the line that missed takes what the second time gave."""
    measurement = in_turn([line(7.0), line(1.0, name="good")], [line(3.0), line(2.0, name="good")])
    assert main([], {Group.LIVE: lambda short: [measurement]}) == 0
    assert words(capsys.readouterr().out)[2] == ["good", "1.00", "ms", "0.50", "5", "ok"]


def test_only_some_groups(capsys: pytest.CaptureFixture[str]) -> None:
    """Those that are named, in the order in which they are named."""
    groups = {group: always(line(1.0, name=group)) for group in Group}
    assert main(["--only", "rows", "--only", "model"], groups) == 0
    assert [row[0] for row in words(capsys.readouterr().out)[1:]] == ["rows", "model"]


@pytest.mark.parametrize(("arguments", "shown"), [([], "long"), (["--short"], "short")])
def test_the_short_form(arguments: list[str], shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every group is told which form is wanted."""

    def group(short: bool) -> Sequence[Measurement]:
        return [lambda: [line(1.0, name="short" if short else "long")]]

    assert main(arguments, {Group.MODEL: group}) == 0
    assert words(capsys.readouterr().out)[1][0] == shown


def test_the_file(tmp_path: Path) -> None:
    """Value, limit and pass for each line, and what they depend on."""
    path = tmp_path / "bench.json"
    measurement = in_turn([line(7.0), line(9.0, None, "another")], [line(6.0), line(8.0, None, "another")])
    assert main(["--json", str(path)], {Group.MODEL: lambda short: [measurement]}) == 1
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written["home_assistant"] == HOME_ASSISTANT_VERSION
    assert written["python"] == sys.version.split()[0]
    assert written["cores"] >= 1
    assert len(written["date"]) == len("2026-11-20")
    assert written["lines"] == [
        {
            "name": "a thing",
            "unit": "ms",
            "value": 6.0,
            "spread": 0.5,
            "limit": 5.0,
            "pass": False,
            "other": 7.0,
        },
        {
            "name": "another",
            "unit": "ms",
            "value": 9.0,
            "spread": 0.5,
            "limit": None,
            "pass": True,
            "other": None,
        },
    ]


def test_median_spread_and_percentiles() -> None:
    """Of five repeats the third and highest less lowest; of a hundred toggles the 99th."""
    assert summary("a thing", "ms", None, [5.0, 1.0, 2.0, 9.0, 3.0]) == Line(
        name="a thing", unit="ms", value=3.0, spread=8.0, limit=None
    )
    hundred = [float(number) for number in range(100, 0, -1)]
    assert percentile(hundred, 0.99) == 99.0
    assert percentile(hundred, 0.5) == 50.0
    assert percentile([7.0], 0.99) == 7.0


@pytest.mark.parametrize(("cells", "all_cells"), [(16, 15.84), (255, 254.76)])
def test_the_pace_of_the_bms_itself(cells: int, all_cells: float) -> None:
    """With the first ping after 0.6 s comes the first cell, and one each second from then on."""
    own = own_pace(cells)
    assert own.first == pytest.approx(0.66)
    assert own.all == pytest.approx(all_cells)


def test_how_often_its_own_time() -> None:
    """Twice the 0.66 s of the first values, and the 15.84 s of all cells once."""
    first, all_cells = against_own_pace([Pace(1.32, 15.84)], 16)
    assert (first.value, all_cells.value) == pytest.approx((2.0, 1.0))
    assert (first.passes, all_cells.passes) == (False, True)
    assert against_own_pace([], 255) == lags("nothing", []) == []


def test_the_longest_block_is_the_longest_of_all() -> None:
    """Two hours of peace do not make up for a block of 60 ms."""
    costs = [
        Cost(p99=1.0, longest=longest, longest_but_one=0.0, collection=200.0, growth=0.0)
        for longest in (2.0, 60.0, 3.0)
    ]
    lag, block, garbage = lags("12 packs", costs)
    assert (lag.value, lag.limit) == (1.0, 5.0)
    assert (block.value, block.spread, block.passes) == (60.0, 58.0, False)
    assert (garbage.value, garbage.limit) == (200.0, None)


async def test_when_a_bit_is_settled() -> None:
    """A chain of cells that breaks: the second record that says so settles it, the first does not."""
    pack = Pack(1, 16)
    firmware = pack.firmware
    firmware.connected()
    firmware.receive(b"PW1234!\rE!\r$")
    firmware.chain_broken = True
    firmware.pace = 100.0
    for _ in range(3):
        await asyncio.sleep(0.03)
        firmware.receive(b"$")
    broken = [at for at, status in firmware.statuses if status & 4]
    assert firmware.connected_at <= broken[0] <= broken[1] == firmware.debounced(is_broken=True)
    assert pack.title == "123\\SmartBMS 00001"
    assert pack.sensor("voltage") == "sensor.123_smartbms_00001_voltage"
    assert pack.owns(f"{pack.address}_voltage")
    assert not pack.owns("C0:FF:EE:01:00:02_voltage")


async def test_the_loop_is_left_alone_for_a_while() -> None:
    """Whoever measures work measures no lag meanwhile; then it goes on, and says so only once."""
    watch = Watch()
    watch.rest()
    watch.rest()
    await asyncio.sleep(0.05)
    assert watch.lags == []
    watch.go_on()
    watch.go_on()
    await asyncio.sleep(0.05)
    watch.stop()
    assert 1 <= len(watch.lags) <= 5


def test_the_long_form_is_longer() -> None:
    """At least a hundred toggles, three repeats, and one measurement for each house."""
    assert LONG.toggles >= 100
    assert min(LONG.windows, LONG.reloads, LONG.losses) >= 3
    assert SHORT.toggles < LONG.toggles
    assert (len(measurements(short=False)), len(measurements(short=True))) == (3, 1)
