"""A simulated BMS whose settings are written: what it stores, and what can go wrong with it."""

from math import inf

import pytest

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.bms.settings import Block, SettingKey
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.write_fault import Fault, WriteFault
from tests.simulated import Clock, ask, still_firmware

K = SettingKey
# 0x0244 is 2.900 V, 0x0258 is 3.000 V.
ECHO = b"58-041!\r"


def test_the_relays_follow_at_once(firmware: Firmware) -> None:
    """V min 3.840 V is above every cell: the load relay falls with the byte, not a step later."""
    before = firmware.relays
    assert before.load
    assert ask(firmware, b"03-040!\r") == b"03-040!\rOK\r"
    assert firmware.counts[K.V_MIN] == 0x344
    assert not firmware.relays.load
    assert not firmware.battery.load_allowed


@pytest.mark.parametrize(
    ("fault", "answer", "count"),
    [
        (Fault.LOST_BYTE, b"", 0x244),
        (Fault.LOST_ACKNOWLEDGEMENT, b"", 0x258),
        (Fault.WRONG_BYTE, b"OK\r", 0x259),
        (Fault.KO, b"KO\r", 0x244),
        (Fault.NA, b"NA\r", 0x244),
        (Fault.LINK_LOST_BEFORE, b"", 0x244),
        (Fault.LINK_LOST_AFTER, b"", 0x258),
    ],
)
def test_what_can_go_wrong(firmware: Firmware, fault: Fault, answer: bytes, count: int) -> None:
    """Once, and then no more."""
    firmware.write_fault = WriteFault(fault=fault)
    assert ask(firmware, ECHO) == ECHO + answer
    assert firmware.counts[K.V_MIN] == count
    assert ask(firmware, b"55-041!\r") == b"55-041!\rOK\r"
    assert firmware.counts[K.V_MIN] == 0x255


@pytest.mark.parametrize(
    ("fault", "count"), [(Fault.POWER_LOST_BEFORE, 0x244), (Fault.POWER_LOST_AFTER, 0x258)]
)
def test_the_power_fails(firmware: Firmware, clock: Clock, fault: Fault, count: int) -> None:
    """It comes back after ten seconds; what was stored stays stored."""
    firmware.write_fault = WriteFault(fault=fault)
    assert ask(firmware, ECHO) == b""
    assert not firmware.is_on
    clock.now += 9
    assert ask(firmware, b"\r") == b""
    clock.now += 1
    assert ask(firmware, b"\r") == b"\r"
    assert firmware.counts[K.V_MIN] == count


def test_from_the_third_write_on(firmware: Firmware) -> None:
    """A fault begins where it is set to, and lasts as long."""
    firmware.write_fault = WriteFault(fault=Fault.KO, at=2, times=inf)
    assert [ask(firmware, ECHO)[8:] for _ in range(5)] == [b"OK\r", b"OK\r", b"KO\r", b"KO\r", b"KO\r"]


@pytest.mark.parametrize(
    ("fault", "ends"), [(Fault.LINK_LOST_BEFORE, 1), (Fault.LINK_LOST_AFTER, 1), (Fault.KO, 0)]
)
def test_hanging_up(firmware: Firmware, fault: Fault, ends: int) -> None:
    """Only a loss of the link ends the connection."""
    ended: list[bool] = []
    firmware.write_fault = WriteFault(fault=fault, hang_up=lambda: ended.append(True))
    ask(firmware, ECHO)
    assert len(ended) == ends


def test_firmware_that_lacks_fields(firmware: Firmware) -> None:
    """Early firmware sends the first fields of a block, or does not know the block."""
    firmware.lack(Block.THRESHOLDS, 6)
    assert ask(firmware, b"S2@\r") == b"S2@\r244_2E4_111_155_5F_05_" + ask(firmware, b"S2@\r")[-3:]
    assert ask(firmware, b"58-045!\r") == b"58-045!\rKO\r"
    firmware.lack(Block.CHARGE_RELAY)
    assert ask(firmware, b"SRY0@\r") == b"SRY0@\r\a"
    assert ask(firmware, b"01-340!\r") == b"01-340!\rKO\r"


def test_addresses_that_nobody_has_confirmed(firmware: Firmware) -> None:
    """They are refused unless one is given: as a setting's, or as a byte that shows nowhere."""
    before = dict(firmware.counts)
    assert ask(firmware, b"5A-080!\r") == b"5A-080!\rKO\r"
    firmware.also_at = {0x080: K.CHARGE_RESTART, 0x081: None}
    assert ask(firmware, b"5A-080!\r") == b"5A-080!\rOK\r"
    assert ask(firmware, b"0A-081!\r") == b"0A-081!\rOK\r"
    assert firmware.counts == {**before, K.CHARGE_RESTART: 90}


def test_a_setting_that_generation_2_lacks(clock: Clock) -> None:
    """Its address is refused."""
    firmware = still_firmware(clock, DeviceType.GEN2)
    firmware.connected()
    assert ask(firmware, b"01-017!\r") == b"01-017!\rKO\r"
