"""The bench: what is claimed, measured against its limit; the exit code says whether all of it holds."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
import json
from pathlib import Path
import sys
from typing import Final

from custom_components.smartbms.bms.device import DeviceType, Generation
from custom_components.smartbms.bms.fold import Fold
from custom_components.smartbms.bms.records import encode
from custom_components.smartbms.bms.settings import SETTINGS
from custom_components.smartbms.bms.state import Snapshot
from custom_components.smartbms.model.insight import Insight
from custom_components.smartbms.simulator.battery import Battery
from custom_components.smartbms.simulator.firmware import Firmware

from .measuring import Line, measure, timed

_MOST_CELLS: Final = 255
_DAY: Final = 86400.0
_STEPS: Final = 200


def bms(cells: int) -> tuple[Firmware, list[float]]:
    """Return a simulated BMS of generation 3 and its clock, which is a list of one number."""
    clock = [0.0]
    firmware = Firmware(Battery(cells), DeviceType.GEN3_RAYTAC, lambda: clock[0], requires_pin=False)
    return firmware, clock


def simulated_day() -> float:
    """Return the seconds that a day of a streaming 16-cell pack takes, heard once a second."""
    firmware, clock = bms(16)
    firmware.receive(b"E!\r")

    def day() -> None:
        while clock[0] < _DAY:
            clock[0] += 1.0
            firmware.receive(b"$")
            firmware.take()

    return timed(day)


def simulated_step() -> float:
    """Return the microseconds in which the firmware of 255 cells lives through one step by its rules."""
    firmware, clock = bms(_MOST_CELLS)

    def step() -> None:
        clock[0] += 1.0
        firmware.advance()

    return timed(step, _STEPS) * 1e6


def snapshot_of(firmware: Firmware) -> Snapshot:
    """Return what a client knows once it has heard everything."""
    fold = Fold(Generation.GEN3)
    fold.settings({key: SETTINGS[key].value(count) for key, count in firmware.counts.items()}, verified=True)
    for _ in range(2 * _MOST_CELLS):
        for record in firmware.cycle():
            fold.line(encode(record, Generation.GEN3))
    return fold.snapshot()


def twin_step() -> float:
    """Return the microseconds in which the twin takes one snapshot of 255 cells."""
    firmware, _ = bms(_MOST_CELLS)
    snapshot, insight, now = snapshot_of(firmware), Insight(), 1e9

    def step() -> None:
        nonlocal insight, now
        now += 5.0
        insight = insight.seeing(snapshot, Generation.GEN3, now)

    return timed(step, _STEPS) * 1e6


def lines() -> Iterator[Line]:
    """Yield the lines as they are measured."""
    yield measure("a simulated day of 16 cells", "s", 10.0, simulated_day, repeats=3)
    yield measure("a step of the simulated BMS, 255 cells", "us", 2000.0, simulated_step)
    yield measure("a step of the model, 255 cells", "us", 300.0, twin_step)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the lines to a file as well")
    parser.add_argument(
        "--rows",
        nargs="*",
        type=int,
        metavar="SECONDS",
        help="count instead what a recorder writes in a day, and with each of these publish intervals",
    )
    arguments = parser.parse_args()
    if arguments.rows is not None:
        # Only this needs a Home Assistant.
        from .rows import check

        return 0 if check(arguments.rows) else 1
    measured = []
    for line in lines():
        measured.append(line)
        verdict = "ok" if line.passes else "TOO SLOW"
        print(
            f"{line.name:45} {line.value:10.2f} {line.unit:3} (spread {line.spread:.2f}, limit {line.limit:g})  {verdict}",
            flush=True,
        )
    if arguments.json is not None:
        rows = [{**asdict(line), "passes": line.passes} for line in measured]
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return 0 if all(line.passes for line in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
