"""Files that were written by us and have been through somebody's hands, made of the bytes of an input.

Such a file is either any JSON that the bytes spell, or a good one in which they change some places: bytes
alone would hardly ever spell one that gets far.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cache
import json
import struct
from typing import Final

from custom_components.smartbms.archive import Remembered
from custom_components.smartbms.bms.device import DeviceType, Generation
from custom_components.smartbms.bms.fold import Fold
from custom_components.smartbms.bms.records import encode
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import (
    BatteryEnergyRecord,
    EnergyRecord,
    LogEntry,
    LogEvent,
    PackRecord,
    Snapshot,
    TotalsRecord,
)
from custom_components.smartbms.bms.stored import JSON
from custom_components.smartbms.link.transaction import PendingWrite
from custom_components.smartbms.model.cell_watches import Rest, Resting
from custom_components.smartbms.model.insight import Insight
from custom_components.smartbms.model.ledger import Ledger
from custom_components.smartbms.model.tally import Tally
from custom_components.smartbms.setting_sets import Backup
from custom_components.smartbms.simulator.battery import Battery
from custom_components.smartbms.simulator.firmware import Firmware

from .fuzz_checks import NOW, Take, ordinary_settings

# What a person, a full disk or another program may leave in the place of a value.
_ODD: Final[list[JSON]] = json.loads(
    "[null, true, false, 0, 1, -1, 2, 3, 100, 255, 256, 65535, 65536, 9223372036854775808,"
    f" 1{'0' * 400}, -1{'0' * 400}, 0.5, -0.5, 1e-308, 1e9, 1e12, 1e308, -1e308, Infinity, -Infinity, NaN,"
    ' "", "1", "not_known", "3.3.11", "document", [], {}, [[]], [{}], [null], [0.0, 0.0]]'
)
_MOST_CHANGES: Final = 8
# A list may grow by as many characters: more history than is kept, and no more work than a file is.
_MOST_COPIED: Final = 50_000


@cache
def good_snapshot() -> Snapshot:
    """Return what is known of a simulated BMS of four cells."""
    fold = Fold(Generation.GEN3)
    firmware = Firmware(Battery(4), DeviceType.GEN3_RAYTAC, lambda: 0.0, requires_pin=False)
    for _ in range(8):
        for record in firmware.cycle():
            fold.line(encode(record, Generation.GEN3))
    fold.settings(ordinary_settings(), verified=True)
    return fold.snapshot()


@cache
def _good_ledger() -> Ledger:
    ledger = Ledger()
    for step in range(80):
        ledger = ledger.seeing(
            PackRecord(52.0, 10.0, 8.0, 2.0),
            EnergyRecord(1000 + step, 8000, 500 + step, 50),
            TotalsRecord(320, 298, 9, step % 60),
            BatteryEnergyRecord(289, 274, 1000 + step, 2000 + step),
            now=NOW + step,
        )
    return ledger


@cache
def good_knowledge() -> str:
    """Return what is stored of it after a while."""
    snapshot, insight = good_snapshot(), Insight()
    for step in range(6):
        insight = insight.seeing(snapshot, Generation.GEN3, NOW - 2000 + 300 * step)
    evidence = replace(
        insight.evidence,
        rest=Rest(Resting(12, 60.0, 0.0, 9.0, 30, 2), (0.0, 0.03, 0.0, -0.03), (0.0, 0.0, 0.0, 0.0)),
    )
    remembered = Remembered(
        insight=replace(insight, evidence=evidence),
        log=(LogEntry(400, LogEvent.VOLTAGE_HIGH, 740, 3), LogEntry(500, LogEvent.TEMPERATURE_HIGH, 350, 1)),
        has_history=True,
        pending=(PendingWrite(SettingKey.V_MAX, 740, 730), PendingWrite(SettingKey.CHEMISTRY, 1, 1)),
    )
    return json.dumps(remembered.as_json())


@cache
def good_energy() -> str:
    """Return what is stored of its energies, and of those of a bank."""
    tally = Tally().adding({"one": 1000.0, "two": 2000.0})
    return json.dumps({"ledger": _good_ledger().as_json(), "tally": tally.as_json()})


@cache
def good_backup() -> str:
    """Return a backup of its settings."""
    return json.dumps(
        Backup(
            generation=Generation.GEN3,
            device_type=DeviceType.GEN3_RAYTAC,
            firmware="3.3.11",
            taken="2026-05-01T09:30:00+00:00",
            settings=ordinary_settings(),
        ).as_json()
    )


@cache
def good_download() -> str:
    """Return the diagnostics that its owner downloads."""
    insight = json.loads(good_knowledge())["insight"]
    return json.dumps(
        {
            "data": {
                "entry": {"has_pin": True},
                "snapshot": {"generation": 3, "at": NOW - 500, **insight["snapshot"]},
                "algorithm": {"profile": "gen3_rev13"},
                "evidence": insight["evidence"],
                "history": insight["samples"],
            }
        }
    )


class Unspelt(Exception):
    """The bytes of an input are no JSON."""


def document(good: Callable[[], str], take: Take) -> JSON:
    """Return any JSON that the bytes spell, or a good one with some places changed."""
    if not take.number() & 1:
        try:
            spelt: JSON = json.loads(take.rest())
        except (ValueError, RecursionError) as err:
            raise Unspelt from err
        return spelt
    root: JSON = {"": json.loads(good())}
    room = _MOST_COPIED
    for _ in range(_MOST_CHANGES):
        if take and _change(root, take, room):
            # Copies of copies would soon fill the memory.
            room = 0
    return root[""] if isinstance(root, dict) else root


def _change(root: JSON, take: Take, room: int) -> bool:
    """Change one place, which a few bytes lead to; return whether what is there was copied, into some room."""
    place = root
    for _ in range(take.number() % 8):
        if (further := _child(place, take)) is None or not further[1]:
            break
        place = further[1]
    if (found := _child(place, take)) is None:
        return False
    key, value = found
    kind = take.number() % 8
    if isinstance(place, dict) and isinstance(key, str):
        if kind == 0 and key:
            del place[key]
        else:
            place[key] = _other(value, kind, take)
    elif isinstance(place, list) and isinstance(key, int):
        if kind == 0:
            del place[key]
        elif kind == 1:
            place += [value] * min(take.number(2), room // len(json.dumps(value)))
            return True
        else:
            place[key] = _other(value, kind, take)
    return False


def _child(place: JSON, take: Take) -> tuple[str | int, JSON] | None:
    """Return what one more byte leads to, by its key; `None` where it leads nowhere."""
    if isinstance(place, dict) and place:
        key = list(place)[take.number() % len(place)]
        return key, place[key]
    if isinstance(place, list) and place:
        index = take.number(2) % len(place)
        return index, place[index]
    return None


def _other(value: JSON, kind: int, take: Take) -> JSON:
    """Return what may stand in the place of a value."""
    match kind:
        case 1 | 2 | 3:
            return deepcopy(_ODD[take.number() % len(_ODD)])
        case 4:
            number: float = struct.unpack(">d", take.some(8).ljust(8, b"\0"))[0]
            return number
        case 5:
            return take.number(2) - 0x8000
        case 6 if isinstance(value, int | float) and not isinstance(value, bool):
            return value + take.number() - 128
        case _:
            return [value]
