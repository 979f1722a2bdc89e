"""What is understood of one BMS: its rules, its evidence, and where it must be by now.

An insight survives the link and the restart: it keeps the last snapshot that the rules can speak
about, with the time it was heard, so that everything it answers is answered out of reach as well.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from math import inf
from typing import Final, Self

from ..bms import stored
from ..bms.device import Generation
from ..bms.settings import SettingKey
from ..bms.state import Snapshot, Status, StatusBit
from . import samples
from .diagnosis import Circumstances, Evidence, Finding, findings, observe
from .profiles import PROFILES, Profile, ProfileKey, choose
from .relays import Decision, OffFor
from .samples import Samples
from .soc import Prediction, Trend, follow, predict, time_to_empty, time_to_full
from .stored_numbers import number
from .twin import expected, reading_of

_ALLOWED: Final = (StatusBit.CHARGE_ALLOWED, StatusBit.DISCHARGE_ALLOWED)
# Evidence is gathered at most this often; what opens a relay is soon gone, so that counts at once.
_SHORTEST_STEP: Final = 1.0
# No calendar goes beyond the year 9999, in s since 1970.
_END_OF_TIME: Final = 2.5e11


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """What is understood of a BMS; times are seconds since 1970.

    `manual` is the profile that the owner chose, `None` to choose by what the BMS reports. `at` is
    when `snapshot` was heard, `observed` when evidence was gathered last, `off_since` when each relay
    was seen to go off, minus infinity where nobody saw it.
    """

    manual: ProfileKey | None = None
    generation: Generation = Generation.GEN3
    snapshot: Snapshot | None = None
    at: float | None = None
    observed: float | None = None
    off_since: tuple[float, float] = (-inf, -inf)
    decision: Decision | None = None
    evidence: Evidence = Evidence()
    trend: Trend | None = None
    samples: Samples = ()

    @property
    def profile(self) -> Profile:
        """The manual whose rules count."""
        if self.manual is not None:
            return PROFILES[self.manual]
        return choose(self.generation, {} if self.snapshot is None else self.snapshot.settings)

    def seeing(self, snapshot: Snapshot, generation: Generation, now: float) -> Self:
        """Return what is understood once a snapshot has been heard; one that is not complete adds nothing."""
        is_broken = snapshot.status.has(StatusBit.COMMUNICATION_ERROR)
        if is_broken is None or not (is_broken or reading_of(snapshot)):
            return self
        seen = replace(
            self, snapshot=snapshot, generation=generation, at=now, off_since=self._off_since(snapshot, now)
        )
        decision = expected(seen.profile, snapshot, seen.off_for)
        seen = replace(seen, decision=decision, samples=samples.add(self.samples, snapshot, now))
        elapsed = None if self.observed is None else now - self.observed
        is_news = self.snapshot is None or snapshot.status != self.snapshot.status
        if elapsed is not None and 0 <= elapsed < _SHORTEST_STEP and not is_news:
            return seen
        power, trend = snapshot.power(snapshot.pack and snapshot.pack.battery_current), self.trend
        if power is not None:
            trend = follow(trend, power, elapsed or 0.0)
        evidence = observe(self.evidence, seen.profile, snapshot, decision, now)
        return replace(seen, observed=now, trend=trend, evidence=evidence)

    def _off_since(self, snapshot: Snapshot, now: float) -> tuple[float, float]:
        """Return when each relay went off; what was off from the beginning nobody knows."""
        before = Status() if self.snapshot is None else self.snapshot.status
        charge, load = (
            now if before.has(bit) and not snapshot.status.has(bit) else since
            for bit, since in zip(_ALLOWED, self.off_since, strict=True)
        )
        return charge, load

    @property
    def off_for(self) -> OffFor:
        """For how long each relay had been off when the BMS was heard last."""
        at = self.at or 0.0
        return OffFor(*(max(at - since, 0.0) for since in self.off_since))

    def age(self, now: float) -> float | None:
        """Return how many seconds ago the snapshot was heard; a clock that was set back makes it new."""
        return None if self.at is None else max(now - self.at, 0.0)

    def findings(self, now: float, circumstances: Circumstances) -> tuple[Finding, ...]:
        """Return what is wrong, most severe first."""
        if self.snapshot is None:
            return ()
        return findings(self.evidence, self.profile, self.snapshot, now, circumstances)

    def prediction(self, now: float) -> Prediction | None:
        """Return where the state of charge must be by now; `None` when nobody can tell."""
        age, charge = self.age(now), self._charge
        if age is None or charge is None:
            return None
        return predict(*charge, self.trend, age, is_calibrated=self._is_calibrated)

    def time_to_full(self) -> float | None:
        """Return the seconds until the pack is full if it goes on like this; `None` if unknown."""
        charge = self._charge
        return charge and time_to_full(*charge, self.trend, is_calibrated=self._is_calibrated)

    def time_to_empty(self) -> float | None:
        """Return the seconds until the pack is empty if it goes on like this; `None` if unknown."""
        charge = self._charge
        return charge and time_to_empty(*charge, self.trend, is_calibrated=self._is_calibrated)

    @property
    def _is_calibrated(self) -> bool:
        return self.snapshot is not None and self.snapshot.status.has(StatusBit.NOT_CALIBRATED) is False

    @property
    def _charge(self) -> tuple[float, float] | None:
        """Return state of charge in % and capacity in Wh."""
        if self.snapshot is None or (energy := self.snapshot.energy) is None:
            return None
        capacity = self.snapshot.settings.get(SettingKey.CAPACITY)
        if not capacity or energy.state_of_charge is None:
            return None
        return energy.state_of_charge, capacity

    def as_json(self) -> dict[str, object]:
        """Return what a later run has to know."""
        return {
            "generation": self.generation.value,
            "snapshot": None if self.snapshot is None else stored.as_json(self.snapshot),
            "at": self.at,
            "trend": None if self.trend is None else asdict(self.trend),
            "evidence": self.evidence.as_json(),
            "samples": samples.as_json(self.samples),
        }

    @classmethod
    def from_json(cls, data: object, manual: ProfileKey | None) -> Self:
        """Return what an earlier run knew; nothing where it cannot be read."""
        if not isinstance(data, Mapping):
            return cls(manual=manual)
        at, generation = data.get("at"), data.get("generation")
        snapshot = stored.from_json(data.get("snapshot"))
        insight = cls(
            manual=manual,
            generation=Generation.GEN2 if generation == Generation.GEN2 else Generation.GEN3,
            evidence=Evidence.from_json(data.get("evidence")),
            trend=_trend(data.get("trend")),
            samples=samples.from_json(data.get("samples")),
        )
        # A comparison with what is not a number is false.
        if snapshot is None or not isinstance(at, int | float) or not 0 <= at < _END_OF_TIME:
            return insight
        insight = replace(insight, snapshot=snapshot, at=float(at))
        return replace(insight, decision=expected(insight.profile, snapshot))


def _trend(data: object) -> Trend | None:
    """Return a stored trend; it needs all its numbers, and only power may be negative."""
    if not isinstance(data, Mapping):
        return None
    power, deviation, seconds = (number(data.get(field.name)) for field in fields(Trend))
    if power is None or deviation is None or seconds is None or min(deviation, seconds) < 0:
        return None
    return Trend(power, deviation, seconds)
