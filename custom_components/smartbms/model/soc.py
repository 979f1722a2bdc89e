"""State of charge as the BMS counts it, where it goes, and when it gets there (protocol.md 11.5).

The manuals call it Coulomb counting: the currents in and out are integrated, and the sum is set
right whenever the pack is full or empty. The BMS reports stored energy and capacity in Wh, so here
energy is counted and the state of charge is its share of the capacity; that is our choice, as is
every constant below that does not name its source.
"""

from dataclasses import dataclass
from math import exp
from typing import Final

from .profiles import Profile
from .relays import Limits, Reading, is_full

# "For a longer time" is all that the manuals say of the empty cell (protocol.md 11.7 point 4).
EMPTY_AFTER: Final = 60.0
# No manual names one; a healthy LiFePO4 pack returns nearly all (protocol.md 4, record H).
CHARGE_EFFICIENCY: Final = 0.99

# Long enough for a refrigerator to come and go, short enough for the sun to set.
_TIME_CONSTANT: Final = 300.0
_YOUNG: Final = 60.0
# The BMS reports whole percent; whether it rounds them or cuts them off no manual says.
_RESOLUTION: Final = 1.0
_NOT_CALIBRATED: Final = 10.0
# What sun and house do that they did not do before, in % of the capacity each hour: with less than this the
# truth of simulated days was further away than it may be one time in twenty.
_UNFORESEEN_PER_HOUR: Final = 5.0
_USELESS: Final = 25.0
# Power that would take longer than this for the whole capacity is as good as none.
_LONGEST_HOURS: Final = 99.0


@dataclass(frozen=True, slots=True)
class Charge:
    """What the BMS has counted: stored energy in Wh, and whether the pack was ever seen full.

    `empty_for` is how many seconds a cell has been below V min while discharging is not allowed.
    """

    stored: float
    is_calibrated: bool = False
    empty_for: float = 0.0

    def state_of_charge(self, capacity: float) -> float:
        """Return the stored energy in % of a capacity in Wh, 0 to 100; 0 without a capacity."""
        return min(max(self.stored / capacity, 0.0), 1.0) * 100 if capacity > 0 else 0.0


def count(
    profile: Profile,
    limits: Limits,
    charge: Charge,
    reading: Reading,
    *,
    load_allowed: bool,
    seconds: float,
    deadband_power: float = 0.0,
    efficiency: float = CHARGE_EFFICIENCY,
) -> Charge:
    """Return what is counted after some seconds of a reading.

    Power within `deadband_power` (the deadband of the current sensor in W) counts as none, and of
    what flows in only the `efficiency` (0 to 1) is stored. A full pack is 100 % and calibrates. A
    cell below V min for `EMPTY_AFTER` while discharging is not allowed is 0 %, where the manual has
    that. There is nothing above 100 % or below 0 %. A clock that goes back counts nothing.
    """
    seconds = max(seconds, 0.0)
    power = 0.0 if abs(reading.power) <= deadband_power else reading.power
    energy = power * (efficiency if power > 0 else 1.0) * seconds / 3600
    stored = min(max(charge.stored + energy, 0.0), max(limits.capacity, 0.0))
    is_calibrated = charge.is_calibrated
    if is_full(profile, limits, reading):
        stored, is_calibrated = max(limits.capacity, 0.0), True
    is_empty = profile.syncs_empty and not load_allowed and reading.lowest_voltage.value < limits.v_min
    empty_for = charge.empty_for + seconds if is_empty else 0.0
    return Charge(0.0 if empty_for >= EMPTY_AFTER else stored, is_calibrated, empty_for)


@dataclass(frozen=True, slots=True)
class Trend:
    """Filtered battery power in W, positive when charging, its mean deviation in W, seconds observed."""

    power: float
    deviation: float = 0.0
    seconds: float = 0.0


def follow(trend: Trend | None, power: float, seconds: float) -> Trend:
    """Return the trend after a further power in W, `seconds` after the last one.

    A plain mean while it is young, then an exponential filter of 300 s. A longer gap begins anew:
    what was then is no longer so. A clock that goes back changes nothing.
    """
    if trend is None or seconds > _TIME_CONSTANT:
        return Trend(power)
    if seconds <= 0:
        return trend
    observed = trend.seconds + seconds
    weight = max(1 - exp(-seconds / _TIME_CONSTANT), seconds / observed)
    return Trend(
        trend.power + weight * (power - trend.power),
        trend.deviation + weight * (abs(power - trend.power) - trend.deviation),
        observed,
    )


@dataclass(frozen=True, slots=True)
class Prediction:
    """Where the state of charge should be, and by how much that may be wrong, both in %."""

    state_of_charge: float
    uncertainty: float


def predict(
    state_of_charge: float, capacity: float, trend: Trend | None, seconds: float, *, is_calibrated: bool
) -> Prediction | None:
    """Return the state of charge some seconds after it was last heard, in % of a capacity in Wh.

    It is wrong by no more than the uncertainty 19 times out of 20. That begins with the resolution of
    the BMS, or with what a BMS that was never full may be wrong by, and grows with time and with how
    unsteady the power was; power that was not watched for a minute may end at once. `None` once it is
    more than 25 %, without a trend or without a capacity: knowing nothing is said as nothing.
    """
    if trend is None or capacity <= 0:
        return None
    hours = max(seconds, 0.0) / 3600
    percent_per_hour = 100 / capacity
    beginning = _RESOLUTION if is_calibrated else _NOT_CALIBRATED
    deviation = trend.deviation if trend.seconds >= _YOUNG else max(trend.deviation, abs(trend.power))
    uncertainty = beginning + (deviation * percent_per_hour + _UNFORESEEN_PER_HOUR) * hours
    if uncertainty > _USELESS:
        return None
    expected = state_of_charge + trend.power * percent_per_hour * hours
    return Prediction(min(max(expected, 0.0), 100.0), uncertainty)


def time_to_full(
    state_of_charge: float, capacity: float, trend: Trend | None, *, is_calibrated: bool
) -> float | None:
    """Return the seconds until 100 %, if power stays as it is; `None` when that cannot be known.

    It cannot while the power has been watched for less than a minute, nearly none flows in (99 h
    and more for the whole capacity), or the state of charge was never calibrated: how far it is
    from somewhere unknown is not known either.
    """
    return _time_to(100 - state_of_charge, capacity, trend, 1.0, is_calibrated=is_calibrated)


def time_to_empty(
    state_of_charge: float, capacity: float, trend: Trend | None, *, is_calibrated: bool
) -> float | None:
    """Return the seconds until 0 %, if power stays as it is; `None` as for `time_to_full`."""
    return _time_to(state_of_charge, capacity, trend, -1.0, is_calibrated=is_calibrated)


def _time_to(
    percent: float, capacity: float, trend: Trend | None, sign: float, *, is_calibrated: bool
) -> float | None:
    """Return the seconds for some percent of the capacity with power in one direction."""
    if trend is None or trend.seconds < _YOUNG or capacity <= 0 or not is_calibrated:
        return None
    power = sign * trend.power
    if power * _LONGEST_HOURS < capacity:
        return None
    return max(percent, 0.0) / 100 * capacity / power * 3600
