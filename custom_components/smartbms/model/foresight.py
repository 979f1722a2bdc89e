"""What other settings would do at once: which relays they would switch off, and why."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from ..bms.settings import SETTINGS, SettingKey
from ..bms.state import StatusBit
from ..bms.writes import Change, passed
from .contacts import is_closed, is_kept_off
from .insight import Insight
from .relays import Cause, Decision, Relay, Relays
from .twin import expected

# Each relay and the bit that allows it.
_RELAYS: Final = (
    (Relay.CHARGE, StatusBit.CHARGE_ALLOWED),
    (Relay.LOAD, StatusBit.DISCHARGE_ALLOWED),
)

type Settings = Mapping[SettingKey, float]


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """A relay that would go off; without causes its own function or inversion would do it.

    One that goes off `in_between` does so for a moment, while a setting holds half of its new value.
    """

    relay: Relay
    causes: tuple[Cause, ...] = ()
    in_between: bool = False


def foreseen(insight: Insight, settings: Settings, changes: Iterable[Change]) -> tuple[SwitchedOff, ...]:
    """Return what changes of some settings, written in this order, would switch off at once.

    A word is written in two bytes, and what a setting is between them can be far stricter than both
    its old and its new value (`bms.writes.plan`).
    """
    *passing, last = _states(settings, changes)
    found = {each.relay: each for each in switched_off(insight, settings, last)}
    for state in passing:
        for each in switched_off(insight, settings, state):
            found.setdefault(each.relay, replace(each, in_between=True))
    return tuple(found.values())


def _states(settings: Settings, changes: Iterable[Change]) -> Iterator[Settings]:
    """Yield the settings as they are now and after each byte."""
    yield settings
    for change in changes:
        setting = SETTINGS[change.key]
        old, new = setting.count(settings[change.key]), setting.count(change.value)
        for count in passed(setting, old, new):
            settings = {**settings, change.key: setting.value(count)}
            yield settings


def switched_off(insight: Insight, before: Settings, after: Settings) -> tuple[SwitchedOff, ...]:
    """Return what is on with the settings `before` and would go off at once with those `after`.

    Temperatures are raw. A relay that is forced off is switched off by name, which is no surprise;
    what the manual's rules cannot tell is not foreseen.
    """
    now, then = _decision(insight, before), _decision(insight, after)
    if insight.snapshot is None or now is None or then is None:
        return ()
    status = insight.snapshot.status
    allowed = Relays(*(bool(status.has(bit)) for _, bit in _RELAYS))
    found: list[SwitchedOff] = []
    for relay, bit in _RELAYS:
        if status.has(bit) and _allows(now, relay) and not _allows(then, relay):
            causes = then.charge_causes if relay is Relay.CHARGE else then.load_causes
            found.append(SwitchedOff(relay, causes))
        elif (
            not is_kept_off(after, relay)
            and is_closed(before, relay, allowed)
            and not is_closed(after, relay, allowed)
        ):
            found.append(SwitchedOff(relay))
    return tuple(found)


def _decision(insight: Insight, settings: Settings) -> Decision | None:
    if insight.snapshot is None:
        return None
    return expected(insight.profile, replace(insight.snapshot, settings=MappingProxyType(dict(settings))))


def _allows(decision: Decision, relay: Relay) -> bool:
    return decision.relays.charge if relay is Relay.CHARGE else decision.relays.load
