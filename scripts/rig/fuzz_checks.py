"""What the targets of the fuzzer are made of, and what has to hold wherever a value came from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
import json
from typing import Final

from custom_components.smartbms.bms import stored
from custom_components.smartbms.bms.device import Generation
from custom_components.smartbms.bms.lamps import LAMPS, cells_of
from custom_components.smartbms.bms.records import layout_of
from custom_components.smartbms.bms.settings import SETTINGS, SettingKey
from custom_components.smartbms.bms.state import Record, Snapshot
from custom_components.smartbms.model.bank import Member, combined
from custom_components.smartbms.model.finding import Circumstances
from custom_components.smartbms.model.insight import Insight
from custom_components.smartbms.model.report import as_text, report

# A time like any other, in s since 1970.
NOW: Final = 1.78e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A function of bytes, the longest input that tells something new, and words that are worth trying."""

    name: str
    run: Callable[[bytes], None]
    longest: int = 512
    words: tuple[bytes, ...] = ()


class Take:
    """Takes an input apart from its beginning; behind its end there are zeros."""

    def __init__(self, data: bytes) -> None:
        """Begin at the beginning."""
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        """Whether something is left."""
        return self._at < len(self._data)

    def some(self, length: int) -> bytes:
        """Return the next bytes, as many as there are."""
        self._at += length
        return self._data[self._at - length : self._at]

    def number(self, length: int = 1) -> int:
        """Return the next bytes as a number."""
        return int.from_bytes(self.some(length).ljust(length, b"\0"))

    def rest(self) -> bytes:
        """Return everything that is left."""
        return self.some(max(len(self._data) - self._at, 0))


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """Yield a stream in pieces of some bytes; with 0 in one piece."""
    size = size or max(len(data), 1)
    return (data[start : start + size] for start in range(0, len(data), size))


@cache
def ordinary_settings() -> dict[SettingKey, float]:
    """Return the settings of a pack of LiFePO4, with which every rule speaks."""
    settings = {key: setting.sane[0] for key, setting in SETTINGS.items()}
    return settings | {
        SettingKey.CAPACITY: 16000,
        SettingKey.V_MIN: 2.9,
        SettingKey.V_MAX: 3.7,
        SettingKey.V_LOW: 3.0,
        SettingKey.V_NOMINAL: 3.2,
        SettingKey.T_MIN_CHARGE: 273,
        SettingKey.T_MIN_DISCHARGE: 250,
        SettingKey.T_MAX: 340,
        SettingKey.CHARGE_RESTART: 95,
        SettingKey.DISCHARGE_RESTART: 5,
        SettingKey.CHEMISTRY: 1,
        SettingKey.SENSOR_TYPE: 2,
    }


# What has to hold, wherever it came from.


def is_in_range(record: Record) -> bool:
    """Whether every field of a record is not known, or a number that the wire can bring."""
    fields = zip(record, layout_of(type(record)).fields, strict=True)
    return all(v is None or f.low / f.per_unit <= v <= f.high / f.per_unit for v, f in fields)


def check_snapshot(snapshot: Snapshot) -> None:
    """Assert that a snapshot is in range and survives its own JSON."""
    parts = (
        snapshot.pack,
        snapshot.voltages,
        snapshot.temperatures,
        snapshot.energy,
        snapshot.totals,
        snapshot.health,
        snapshot.battery_energy,
    )
    assert all(part is None or is_in_range(part) for part in parts)
    assert len(snapshot.cells) <= 255
    for cell in snapshot.cells:
        assert cell.voltage is None or 0 <= cell.voltage <= 6
        assert cell.temperature_raw is None or 155 <= cell.temperature_raw <= 504
    assert stored.from_json(stored.as_json(snapshot)) == snapshot


def check_views(snapshot: Snapshot) -> None:
    """Assert that everything that is told of a snapshot is in range."""
    average, spread = snapshot.average_cell_voltage, snapshot.cell_voltage_spread
    assert average is None or 0 <= average <= 6
    assert spread is None or 0 <= spread <= 6
    balancing = snapshot.balancing_count
    assert balancing is None or 0 <= balancing <= len(snapshot.cells)
    for lamp in LAMPS:
        beyond = cells_of(lamp, snapshot).beyond
        assert beyond is None or all(1 <= cell <= 255 for cell in beyond)
    bank = combined([Member(name="one", snapshot=snapshot), Member(name="two", snapshot=snapshot)])
    assert bank.heard == 2
    assert (bank.current is None) is (snapshot.pack is None or snapshot.pack.battery_current is None)


def check_told(insight: Insight, now: float = NOW, circumstances: Circumstances = Circumstances()) -> None:
    """Assert that whatever is understood can be told, and is in range."""
    told = report(insight, now, circumstances)
    json.dumps(told, allow_nan=False)
    assert as_text(told, {})
    prediction = insight.prediction(now)
    if prediction is not None:
        assert 0 <= prediction.state_of_charge <= 100
        assert 0 <= prediction.uncertainty <= 100
    for seconds in (insight.time_to_full(), insight.time_to_empty()):
        assert seconds is None or seconds >= 0


def check_stored(insight: Insight) -> None:
    """Assert that whatever is understood can be stored and read again."""
    text = json.dumps(insight.as_json(), allow_nan=False)
    again = Insight.from_json(json.loads(text), insight.manual)
    assert json.dumps(again.as_json(), allow_nan=False) == text


def check_model(snapshot: Snapshot, generation: Generation) -> None:
    """Assert that the model takes a snapshot, twice."""
    insight = Insight(generation=generation)
    for now in (NOW - 400, NOW - 5):
        insight = insight.seeing(snapshot, generation, now)
    check_told(insight)
    check_stored(insight)
