"""What is remembered of single cells: one that is weak under current, and one that drifts at rest.

Every constant is our choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from .fit import Fit, Slope
from .watches import Look, Run

# A cell shows its resistance on the flat part of its curve, in % and in V below the balance voltage.
_FLAT: Final = (10, 90)
_BELOW_BALANCE: Final = 0.03
# Currents of at least C/20 show who suffers, and those that are C/50 apart by how much; the extra drop
# is stated at C/5.
_TELLING: Final = 1 / 20
_DIFFERENT: Final = 1 / 50
STATED: Final = 1 / 5
_KEEP_SAMPLE: Final = 0.95
_MOST: Final = 20
_ENOUGH: Final = 8
# Extra drop in V to begin with, and below which it is over; standard errors that make it sure.
_WEAK: Final = 0.025
_NO_LONGER_WEAK: Final = 0.015
_SURE: Final = 5.0


class Weak(NamedTuple):
    """The cell that suffers most: highest while charging, lowest under load.

    `score` rises by one when it is that cell and falls by two when it is another. Of a cell that was
    found, being at the other end says nothing: an aged one also has a charge of its own. Its deviation
    from the mean of the others over the current is fitted beside this; `sampled` is the current in A
    that was added last. The same current again adds nothing, or a quiet night would be all that is
    remembered.
    """

    cell: int | None = None
    score: int = 0
    is_found: bool = False
    sampled: float | None = None

    def after(self, fit: Fit, look: Look) -> tuple[Weak, Fit]:
        """Return what is known after one more look; lowest, highest and current are of one moment."""
        seen = _extremes(look)
        if seen is None:
            return self, fit
        current, low, high = seen
        weak, is_extreme = self, self.cell in (low.cell, high.cell)
        if is_extreme and self._is_new(current, look):
            deviation = (low if self.cell == low.cell else high).deviation
            fit = fit.add(1.0, current, deviation, keep=_KEEP_SAMPLE)
            weak = self._replace(sampled=current)
        if look.capacity is None or abs(current) < look.capacity * _TELLING:
            return weak.judged(fit, look), fit
        sufferer = high if current > 0 else low
        if sufferer.cell == self.cell:
            weak = weak._replace(score=min(self.score + 1, _MOST))
        elif self.is_found and is_extreme:
            pass
        elif self.score > 2:
            weak = weak._replace(score=self.score - 2)
        else:
            weak = Weak(sufferer.cell, 1, sampled=current)
            fit = Fit().add(1.0, current, sufferer.deviation, keep=_KEEP_SAMPLE)
        return weak.judged(fit, look), fit

    def _is_new(self, current: float, look: Look) -> bool:
        """Whether a current tells something beside the last one."""
        return self.sampled is None or abs(current - self.sampled) >= (look.capacity or 0.0) * _DIFFERENT

    def judged(self, fit: Fit, look: Look) -> Weak:
        """Return whether it is weak by now; what lies between the two bounds changes nothing."""
        slope = fit.second
        drop = extra_drop(slope, look.capacity)
        if slope is None or drop is None:
            return self
        if self.score >= _ENOUGH and drop > _WEAK and slope.t >= _SURE:
            return self._replace(is_found=True)
        if drop < _NO_LONGER_WEAK:
            return self._replace(is_found=False)
        return self


def extra_drop(slope: Slope | None, capacity: float | None) -> float | None:
    """Return what a cell drops more than the others at C/5, in V; the slope is in ohm, capacity in Ah."""
    return None if slope is None or capacity is None else slope.value * capacity * STATED


class _Extreme(NamedTuple):
    """A lowest or highest cell, and how far it is from the mean of the others in V."""

    cell: int
    deviation: float


def _extremes(look: Look) -> tuple[float, _Extreme, _Extreme] | None:
    """Return the battery current in A and both extremes, where cells can be compared at all."""
    voltages, balance, cells = look.snapshot.voltages, look.snapshot.balance_voltage, look.cells
    if (
        look.voltage is None
        or look.battery is None
        or not balance
        or cells < 2
        or voltages is None
        or voltages.lowest is None
        or voltages.highest is None
        or voltages.lowest_cell is None
        or voltages.highest_cell is None
    ):
        return None
    if look.voltage / cells > balance - _BELOW_BALANCE or not is_flat(look):
        return None

    def extreme(cell: int, voltage: float, pack: float) -> _Extreme:
        return _Extreme(cell, voltage - (pack - voltage) / (cells - 1))

    return (
        look.battery,
        extreme(voltages.lowest_cell, voltages.lowest, look.voltage),
        extreme(voltages.highest_cell, voltages.highest, look.voltage),
    )


def is_flat(look: Look) -> bool:
    """Whether the pack is neither nearly empty nor nearly full, where small differences become large."""
    energy = look.snapshot.energy
    low, high = _FLAT
    return energy is not None and energy.state_of_charge is not None and low <= energy.state_of_charge <= high


# The rest of cells is looked at once an hour, for they change slowly.
_HOUR: Final = 3600.0
_DAY: Final = 86400.0
_RESTING: Final = 1 / 50
# Hourly looks that the recent mean spans, and the long-term one.
_RECENT: Final = 12
_LONG_TERM: Final = 500
_DAYS: Final = 7.0
_LEAST_HOURS: Final = 24
# How far a cell has moved to begin with, and below which it is over, in V.
_DRIFTED: Final = 0.02
_NO_LONGER_DRIFTED: Final = 0.012


class Resting(NamedTuple):
    """How long the pack rests, and what was made of it.

    `looks` and `seconds` in a row at rest, `waited` the seconds since the last hourly look, `days`
    the time that was watched, `hours` how many hourly looks there were; `drifting` is the cell that
    has moved.
    """

    looks: int = 0
    seconds: float = 0.0
    waited: float = _HOUR
    days: float = 0.0
    hours: int = 0
    drifting: int | None = None


@dataclass(frozen=True, slots=True)
class Rest:
    """How far each cell is from the mean while the pack rests, in V, recently and in the long term."""

    state: Resting = Resting()
    recent: tuple[float, ...] = ()
    long_term: tuple[float, ...] = ()

    def after(self, look: Look, passed: float) -> Rest:
        """Return what is known after one more look, `passed` seconds after the one before."""
        state, passed = self.state, min(max(passed, 0.0), _DAY)
        is_resting = _is_resting(look)
        run = Run(state.looks, state.seconds).after(is_resting, look.elapsed)
        state = state._replace(
            looks=run.looks,
            seconds=run.seconds,
            waited=min(state.waited + passed, _HOUR),
            days=state.days + passed / _DAY,
        )
        rest = Rest(state, self.recent, self.long_term)
        if not is_resting or not run.is_long or state.waited < _HOUR:
            return rest
        if (average := look.snapshot.average_cell_voltage) is None:
            return rest
        return rest._with([voltage - average for voltage in look.snapshot.cell_voltages])

    def _with(self, deviations: Sequence[float]) -> Rest:
        """Return what is known after an hourly look; another number of cells begins anew."""
        state = self.state._replace(waited=0.0)
        if len(deviations) != len(self.long_term):
            first = tuple(deviations)
            return Rest(state._replace(days=0.0, hours=1, drifting=None), first, first)
        hours = max(state.hours, 0) + 1
        rest = Rest(
            state._replace(hours=hours),
            _mean(self.recent, deviations, min(hours, _RECENT)),
            _mean(self.long_term, deviations, min(hours, _LONG_TERM)),
        )
        return Rest(rest.state._replace(drifting=rest._drifting()), rest.recent, rest.long_term)

    def _drifting(self) -> int | None:
        """Return the cell that has moved most, if it has moved far."""
        state = self.state
        if state.days < _DAYS or state.hours < _LEAST_HOURS:
            return None
        cell = max(range(1, len(self.recent) + 1), key=lambda cell: abs(self.drift(cell)))
        bound = _DRIFTED if state.drifting is None else _NO_LONGER_DRIFTED
        return cell if abs(self.drift(cell)) > bound else None

    def drift(self, cell: int) -> float:
        """Return how far a cell (1-based) has moved against its own long-term mean, in V."""
        return self.recent[cell - 1] - self.long_term[cell - 1]


def _mean(means: Sequence[float], values: Sequence[float], span: int) -> tuple[float, ...]:
    return tuple(mean + (value - mean) / span for mean, value in zip(means, values, strict=True))


def _is_resting(look: Look) -> bool | None:
    """Whether hardly any current flows, so that a cell shows its own voltage."""
    balance, voltages = look.snapshot.balance_voltage, look.snapshot.voltages
    if look.battery is None or look.capacity is None:
        return None
    if not balance or voltages is None or voltages.highest is None or voltages.highest > balance:
        return False
    return is_flat(look) and abs(look.battery) <= max(look.capacity * _RESTING, look.deadband)
