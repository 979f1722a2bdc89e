"""Changes of settings, before they are written: whether they may be, in which order, by which bytes.

Which thresholds must keep their distance is protocol.md 6 and the manuals' relay rules (11.6); how
far is our choice. A rule speaks where all of its values are known and were ever set. What the BMS
holds already may break a rule by itself: that blocks no change that leaves it no worse.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, floor, isfinite
from typing import Final

from .device import Generation, TemperatureScale
from .errors import SettingFault, SettingRefusedError
from .settings import SETTINGS, Looser, Range, Setting, SettingKey, Unit, is_writable

type Settings = Mapping[SettingKey, float]


@dataclass(frozen=True, slots=True)
class Change:
    """A setting and the value wanted, in the unit of its row; temperatures as raw counts."""

    key: SettingKey
    value: float


@dataclass(frozen=True, slots=True)
class Step:
    """One byte to write, and where."""

    address: int
    byte: int


@dataclass(frozen=True, slots=True)
class _Rule:
    """The sum of `lower` must be at least a gap below the first of `upper` less the others of it."""

    fault: SettingFault
    lower: tuple[str, ...]
    upper: tuple[str, ...]
    gap: float

    @property
    def signs(self) -> dict[str, int]:
        """Whether each value widens the distance as it rises, or narrows it."""
        return {name: 1 if name == self.upper[0] else -1 for name in (*self.lower, *self.upper)}

    def distance(self, known: Mapping[str, float]) -> float | None:
        """Return how far lower and upper are apart; `None` where one of them is not known."""
        signs = self.signs
        if not signs.keys() <= known.keys():
            return None
        return round(sum(sign * known[name] for name, sign in signs.items()), _DECIMALS)

    def least(self, known: Mapping[str, float]) -> float:
        """Return the distance to keep: the gap, or what there is where that is less already."""
        distance = self.distance(known)
        return self.gap if distance is None else min(self.gap, distance)


# Set by switches on a board, so it can be no setting (protocol.md 6).
BALANCE_VOLTAGE: Final = "balance_voltage"
# Two thresholds that are closer than the accuracy of a cell voltage cannot be told apart
# (protocol.md 11.2); the manuals' own recommendations are 0.05 V apart at least.
VOLTAGE_GAP: Final = 0.02
# In raw counts, 4.3 degrees on the app's scale; the manuals' accuracy is up to 4 degrees.
TEMPERATURE_GAP: Final = 5
# One step of a percentage.
RESTART_GAP: Final = 1
# Finer than any setting, coarser than what floating point leaves.
_DECIMALS: Final = 6

_K = SettingKey
_VOLTAGES: Final = (_K.V_MIN, _K.V_LOW, _K.V_NOMINAL, BALANCE_VOLTAGE, _K.V_MAX)
_RULES: Final = (
    *(
        _Rule(SettingFault.VOLTAGE_ORDER, (lower,), (upper,), VOLTAGE_GAP)
        for lower, upper in combinations(_VOLTAGES, 2)
    ),
    # A relay that went off must be able to come back: the load before the cells are full, the
    # charger while the load may still be on.
    *(
        _Rule(SettingFault.HYSTERESIS, lower, upper, VOLTAGE_GAP)
        for lower, upper in (
            ((_K.V_MIN, _K.V_MIN_HYSTERESIS), (BALANCE_VOLTAGE,)),
            ((_K.V_MIN, _K.V_MIN_HYSTERESIS), (_K.V_MAX,)),
            ((_K.V_MIN,), (_K.V_MAX, _K.V_MAX_HYSTERESIS)),
            ((_K.V_MIN, _K.V_MIN_HYSTERESIS), (_K.V_MAX, _K.V_MAX_HYSTERESIS)),
        )
    ),
    _Rule(SettingFault.TEMPERATURE_ORDER, (_K.T_MIN_CHARGE,), (_K.T_MAX,), TEMPERATURE_GAP),
    _Rule(SettingFault.TEMPERATURE_ORDER, (_K.T_MIN_DISCHARGE,), (_K.T_MAX,), TEMPERATURE_GAP),
    _Rule(SettingFault.RESTART_ORDER, (_K.DISCHARGE_RESTART,), (_K.CHARGE_RESTART,), RESTART_GAP),
)


def check(
    changes: Sequence[Change],
    settings: Settings,
    balance_voltage: float | None,
    generation: Generation,
    *,
    unconfirmed: bool = False,
    scale: TemperatureScale = TemperatureScale.APP,
) -> None:
    """Raise `SettingRefusedError` if the changes, all together, must not be written.

    `settings` is what the BMS holds, `balance_voltage` in V is 0 where balancing is off. Values are
    taken as the BMS can hold them; one that it holds already is no change and always passes.
    `unconfirmed` lets addresses count that nobody has tried; `scale` is for the message.
    """
    wanted: dict[SettingKey, float] = {}
    for change in changes:
        setting = SETTINGS[change.key]
        if change.key in wanted:
            raise SettingRefusedError(SettingFault.NAMED_TWICE, {"setting": _named(setting.key)})
        wanted[change.key] = _accepted(
            setting, change.value, settings, generation, unconfirmed=unconfirmed, scale=scale
        )
    before = _known(settings, balance_voltage)
    after = _known({**settings, **wanted}, balance_voltage)
    for rule in _RULES:
        distance = rule.distance(after)
        if distance is not None and distance < rule.least(before):
            raise SettingRefusedError(rule.fault, _placeholders(rule, after, scale))


def bounds(
    key: SettingKey, settings: Settings, balance_voltage: float | None, generation: Generation
) -> Range:
    """Return the lowest and highest value that `check` lets one setting have, the others staying.

    Where nothing is left between them it is the sane range, and `check` says what is in the way.
    """
    setting = SETTINGS[key]
    low, high = setting.sane_range(generation)
    known = _known(settings, balance_voltage)
    for rule in _RULES:
        sign = rule.signs.get(key)
        rest = None if sign is None else rule.distance({**known, key: 0})
        if sign is None or rest is None:
            continue
        limit = sign * (rule.least(known) - rest)
        low, high = (max(low, limit), high) if sign > 0 else (low, min(high, limit))
    lowest = ceil(round(low * setting.per / setting.times, _DECIMALS))
    highest = floor(round(high * setting.per / setting.times, _DECIMALS))
    if lowest > highest:
        return setting.sane_range(generation)
    return setting.value(lowest), setting.value(highest)


def order(changes: Sequence[Change], settings: Settings) -> list[Change]:
    """Return changes that `check` lets pass in an order in which every state in between passes too.

    First what gives the others room, then what lies between others, the way it moves in front, then
    what takes room. What was never set comes last: until it is, no rule speaks of it.
    """
    return sorted(changes, key=lambda change: _turn(change, settings))


def plan(setting: Setting, old_count: int, new_count: int) -> tuple[Step, ...]:
    """Return the bytes to write, in order; only those that differ.

    A word is written in two steps, and what it is in between is never looser than both its old and
    its new value: the low byte goes first when the setting gets looser, else the high byte. So one of
    the two orders is always safe, and none needs a value in between. Where the high byte changes, the
    value in between can be much stricter, and a relay may go off for a moment.

    Raises `SettingRefusedError` for a setting without addresses and for counts that do not fit them.
    """
    addresses = setting.write_addresses
    if not 0 <= min(old_count, new_count) <= max(old_count, new_count) < 256 ** len(addresses):
        raise _out_of(SettingFault.NOT_ENCODABLE, setting, setting.value(new_count), setting.encodable)
    steps = [
        Step(address, new_count >> shift & 0xFF)
        for address, shift in zip(addresses, range(8 * len(addresses) - 8, -1, -8), strict=True)
        if (old_count ^ new_count) >> shift & 0xFF
    ]
    gets_looser = setting.looser is (Looser.HIGHER if new_count > old_count else Looser.LOWER)
    return tuple(reversed(steps) if gets_looser else steps)


def passed(setting: Setting, old_count: int, new_count: int) -> Iterator[int]:
    """Yield the count that a setting has after each step of its plan; the last is the new one."""
    addresses, count = setting.write_addresses, old_count
    for step in plan(setting, old_count, new_count):
        shift = 8 * (len(addresses) - 1 - addresses.index(step.address))
        count = count & ~(0xFF << shift) | step.byte << shift
        yield count


def _accepted(
    setting: Setting,
    value: float,
    settings: Settings,
    generation: Generation,
    *,
    unconfirmed: bool,
    scale: TemperatureScale,
) -> float:
    """Return a value as the BMS can hold it; raise where that alone must not be."""
    if setting.key not in settings:
        raise SettingRefusedError(SettingFault.MISSING, {"setting": _named(setting.key)})
    lowest, highest = setting.encodable
    if not lowest <= value <= highest:
        raise _out_of(SettingFault.NOT_ENCODABLE, setting, value, setting.encodable, scale)
    count = setting.count(value)
    if count == setting.count(settings[setting.key]):
        return settings[setting.key]
    if not is_writable(setting, unconfirmed=unconfirmed):
        raise SettingRefusedError(SettingFault.UNCONFIRMED, {"setting": _named(setting.key)})
    if setting.codes and count not in setting.codes:
        codes = ", ".join(map(str, setting.codes))
        placeholders = {"setting": _named(setting.key), "value": f"{value:g}", "codes": codes}
        raise SettingRefusedError(SettingFault.NOT_A_CODE, placeholders)
    lowest, highest = setting.sane_range(generation)
    if not lowest <= setting.value(count) <= highest:
        raise _out_of(SettingFault.NOT_SANE, setting, value, (lowest, highest), scale)
    return setting.value(count)


def _known(settings: Settings, balance_voltage: float | None) -> dict[str, float]:
    """Return what the rules may speak of: what is known and was ever set."""
    known: dict[str, float] = {key: value for key, value in settings.items() if SETTINGS[key].is_set(value)}
    return {**known, BALANCE_VOLTAGE: balance_voltage} if balance_voltage else known


def _outward() -> dict[str, int]:
    """Return the way each setting moves when it gives room to all others; 0 where none is that."""
    ways: dict[str, set[int]] = {}
    for rule in _RULES:
        for name, sign in rule.signs.items():
            ways.setdefault(name, set()).add(sign)
    return {name: sum(signs) for name, signs in ways.items()}


_OUTWARD: Final = _outward()


def _turn(change: Change, settings: Settings) -> tuple[int, bool, int]:
    """Return what to sort by: the phase; among those between others, upward from the top first."""
    key, held = change.key, settings[change.key]
    if not SETTINGS[key].is_set(held):
        return 3, False, 0
    if key not in _OUTWARD:
        return 0, False, 0
    if way := _OUTWARD[key]:
        return 0 if way * (change.value - held) >= 0 else 2, False, 0
    rises = change.value > held
    place = _VOLTAGES.index(key)
    return 1, not rises, -place if rises else place


def _out_of(
    fault: SettingFault,
    setting: Setting,
    value: float,
    allowed: Range,
    scale: TemperatureScale = TemperatureScale.APP,
) -> SettingRefusedError:
    low, high = (_shown(setting.unit, limit, scale) for limit in allowed)
    return SettingRefusedError(
        fault,
        {
            "setting": _named(setting.key),
            "value": _shown(setting.unit, value, scale),
            "low": low,
            "high": high,
            "unit": _unit(setting.unit),
        },
    )


def _placeholders(rule: _Rule, known: Mapping[str, float], scale: TemperatureScale) -> dict[str, str]:
    """Return what a rule holds against each other, with its values."""
    first = rule.lower[0]
    unit = Unit.VOLT if first == BALANCE_VOLTAGE else SETTINGS[SettingKey(first)].unit
    lower = sum(known[name] for name in rule.lower)
    upper = 2 * known[rule.upper[0]] - sum(known[name] for name in rule.upper)
    return {
        "lower": " + ".join(map(_named, rule.lower)),
        "lower_value": _shown(unit, lower, scale),
        "upper": " - ".join(map(_named, rule.upper)),
        "upper_value": _shown(unit, upper, scale),
        "gap": _shown(unit, rule.gap, scale, is_difference=True),
        "unit": _unit(unit),
    }


def _named(key: str) -> str:
    """Return where the name of a setting stands in a text."""
    return f"{{{key}}}"


def _shown(unit: Unit, value: float, scale: TemperatureScale, *, is_difference: bool = False) -> str:
    """Return a value as a person reads it; a temperature in degrees."""
    if unit is Unit.RAW_TEMPERATURE and isfinite(value):
        zero = scale.celsius(0) if is_difference else 0
        value = scale.celsius(round(value)) - zero
    return f"{round(value, 3):.10g}"


def _unit(unit: Unit) -> str:
    return "°C" if unit is Unit.RAW_TEMPERATURE else unit.value
