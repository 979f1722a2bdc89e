"""A simulated BMS that loses its power."""

import pytest

from custom_components.smartbms.bms.state import StatusBit
from custom_components.smartbms.simulator.firmware import Firmware
from tests.simulated import Clock, ask, still_firmware


def test_without_power(firmware: Firmware, clock: Clock) -> None:
    """It hears nothing and says nothing, and no time passes for it."""
    firmware.speed = 1.0
    ask(firmware, b"E!\r")
    firmware.power_off()
    assert not firmware.is_on
    clock.now += 100
    firmware.advance()
    assert ask(firmware, b"V@\r") == b""
    assert (firmware.memory.clock, firmware.streaming) == (0, False)
    assert not firmware.battery.charge_allowed and not firmware.battery.load_allowed


def test_what_a_loss_of_power_leaves(firmware: Firmware, clock: Clock) -> None:
    """Back it decides anew, knows its counts, and is not calibrated; its counter begins at 0."""
    firmware.total.collected = 5000
    firmware.power_off()
    assert firmware.status() == StatusBit.NOT_CALIBRATED
    clock.now += 100
    firmware.power_on()
    firmware.connected()
    assert ask(firmware, b"V@\r").startswith(b"V@\r33B_10_10_83_")
    assert ask(firmware, b"TS@\r") == b"TS@\r0_30\r"
    assert (firmware.charge.stored, firmware.total.collected) == (300, 5000)


def test_power_comes_back_by_itself(firmware: Firmware, clock: Clock) -> None:
    """After as many seconds as it was switched off for; only from then on it lives."""
    firmware.speed = 1.0
    firmware.power_off(10)
    seen = []
    for seconds in (9.9, 5.1):
        clock.now += seconds
        seen.append(firmware.is_on)
    assert seen == [False, True]
    firmware.receive(b"$")
    assert firmware.memory.clock == pytest.approx(5)


def test_power_that_was_not_lost(firmware: Firmware) -> None:
    """Switching on what is on changes nothing."""
    firmware.power_on()
    assert firmware.is_on
    assert ask(firmware, b"SRY0@\r") == b"SRY0@\r00_01_00_21\r"


def test_a_loss_of_power_ends_the_login(clock: Clock) -> None:
    """Whoever was logged in has to do it again, and nothing that was to be said is said."""
    locked = still_firmware(clock, requires_pin=True)
    locked.connected()
    ask(locked, b"PW1234!\r")
    locked.receive(b"V@\r")
    locked.power_off()
    locked.power_on()
    assert ask(locked, b"SRY0@\r") == b"SRY0@\rNA\r"
