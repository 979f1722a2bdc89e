"""What other settings would do at once: which relays they would switch off, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from ..bms.settings import SettingKey
from ..bms.state import StatusBit
from .insight import Insight
from .relays import Cause, Decision, Relay, Relays
from .twin import expected

_K: Final = SettingKey
# Relay | the bit that allows it | force position | function | inversion.
_RELAYS: Final = (
    (
        Relay.CHARGE,
        StatusBit.CHARGE_ALLOWED,
        (_K.CHARGE_RELAY_FORCE, _K.CHARGE_RELAY_FUNCTION, _K.CHARGE_RELAY_INVERT),
    ),
    (
        Relay.LOAD,
        StatusBit.DISCHARGE_ALLOWED,
        (_K.LOAD_RELAY_FORCE, _K.LOAD_RELAY_FUNCTION, _K.LOAD_RELAY_INVERT),
    ),
)
# Force positions and functions (protocol.md 5.5).
_KEEP_OFF: Final = 1
_KEEP_ON: Final = 2
_ALLOWED_TO_CHARGE: Final = 1
_ALLOWED_TO_DISCHARGE: Final = 2

type Settings = Mapping[SettingKey, float]


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """A relay that would go off; without causes its own function or inversion would do it."""

    relay: Relay
    causes: tuple[Cause, ...] = ()


def switched_off(insight: Insight, before: Settings, after: Settings) -> tuple[SwitchedOff, ...]:
    """Return what is on with the settings `before` and would go off at once with those `after`.

    Temperatures are raw. A relay that is forced off is switched off by name, which is no surprise;
    what the manual's rules cannot tell is not foreseen.
    """
    now, then = _decision(insight, before), _decision(insight, after)
    if insight.snapshot is None or now is None or then is None:
        return ()
    status = insight.snapshot.status
    allowed = Relays(*(bool(status.has(bit)) for _, bit, _ in _RELAYS))
    found: list[SwitchedOff] = []
    for relay, bit, keys in _RELAYS:
        if status.has(bit) and _allows(now, relay) and not _allows(then, relay):
            causes = then.charge_causes if relay is Relay.CHARGE else then.load_causes
            found.append(SwitchedOff(relay, causes))
        elif _is_closed(before, keys, allowed) and _is_closed(after, keys, allowed) is False:
            found.append(SwitchedOff(relay))
    return tuple(found)


def _decision(insight: Insight, settings: Settings) -> Decision | None:
    if insight.snapshot is None:
        return None
    return expected(insight.profile, replace(insight.snapshot, settings=MappingProxyType(dict(settings))))


def _allows(decision: Decision, relay: Relay) -> bool:
    return decision.relays.charge if relay is Relay.CHARGE else decision.relays.load


def _is_closed(settings: Settings, keys: tuple[SettingKey, ...], allowed: Relays) -> bool | None:
    """Return whether a relay's contact is closed; `None` where nobody knows or it is kept off by name.

    That a forced position comes after the inversion is our choice.
    """
    force, function, invert = (settings.get(key) for key in keys)
    if force in (None, _KEEP_OFF):
        return None
    if force == _KEEP_ON:
        return True
    if function not in (_ALLOWED_TO_CHARGE, _ALLOWED_TO_DISCHARGE) or invert is None:
        return None
    return (allowed.charge if function == _ALLOWED_TO_CHARGE else allowed.load) != bool(invert)
