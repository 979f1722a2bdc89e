"""What the contacts of the relays do, beside what is allowed."""

import pytest

from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.model.contacts import is_closed, is_kept_off
from custom_components.smartbms.model.relays import Relay, Relays

K = SettingKey
ON, OFF = Relays(True, True), Relays(False, False)
CHARGE_ONLY, LOAD_ONLY = Relays(True, False), Relays(False, True)


@pytest.mark.parametrize(
    ("settings", "allowed", "charge", "load"),
    [
        ({}, ON, True, True),
        ({}, CHARGE_ONLY, True, False),
        ({}, LOAD_ONLY, False, True),
        ({K.CHARGE_RELAY_OFF: 1}, ON, False, True),
        ({K.LOAD_RELAY_OFF: 1}, ON, True, False),
        ({K.CHARGE_RELAY_FORCE: 1}, ON, False, True),
        ({K.LOAD_RELAY_FORCE: 2}, OFF, False, True),
        ({K.CHARGE_RELAY_INVERT: 1}, ON, False, True),
        ({K.CHARGE_RELAY_INVERT: 1}, OFF, True, False),
        # Forced comes after inverted.
        ({K.CHARGE_RELAY_INVERT: 1, K.CHARGE_RELAY_FORCE: 2}, ON, True, True),
        ({K.CHARGE_RELAY_FUNCTION: 2, K.LOAD_RELAY_FUNCTION: 1}, CHARGE_ONLY, False, True),
        ({K.CHARGE_RELAY_FUNCTION: 3}, ON, True, True),
        ({K.CHARGE_RELAY_FUNCTION: 3}, CHARGE_ONLY, False, False),
        ({K.LOAD_RELAY_FUNCTION: 4}, ON, True, False),
        # A function that nobody knows is taken for the relay's own.
        ({K.LOAD_RELAY_FUNCTION: 9}, LOAD_ONLY, False, True),
    ],
)
def test_contacts(settings: dict[SettingKey, float], allowed: Relays, charge: bool, load: bool) -> None:
    """By function, inversion and force (protocol.md 5.4 and 5.5)."""
    assert is_closed(settings, Relay.CHARGE, allowed) is charge
    assert is_closed(settings, Relay.LOAD, allowed) is load


def test_a_pre_alarm() -> None:
    """It is closed by the early warning, whatever is allowed."""
    settings: dict[SettingKey, float] = {K.LOAD_RELAY_FUNCTION: 4}
    assert is_closed(settings, Relay.LOAD, OFF, is_early=True)
    assert not is_closed(settings, Relay.LOAD, ON)


def test_kept_off_by_name() -> None:
    """By the older flag or by the newer position."""
    assert is_kept_off({K.CHARGE_RELAY_OFF: 1}, Relay.CHARGE)
    assert is_kept_off({K.LOAD_RELAY_FORCE: 1}, Relay.LOAD)
    assert not is_kept_off({K.LOAD_RELAY_FORCE: 2}, Relay.LOAD)
