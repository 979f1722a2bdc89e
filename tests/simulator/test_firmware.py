"""The simulated firmware, byte for byte (protocol.md 3 to 7)."""

import pytest

from custom_components.smartbms.bms import blocks
from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import LogEntry, LogEvent
from custom_components.smartbms.simulator.battery import Battery
from custom_components.smartbms.simulator.firmware import Firmware
from tests.simulated import Clock, ask, still_firmware

GEN2 = DeviceType.GEN2
CYCLE = (
    b"U_0528_+0000_+0000_+0000\r"
    b"V_294_01_294_01_2A8\r"
    b"T_125_01_125_01\r"
    b"C_01_02_294_125_03_30\r"
    b"E_000000_00012C_000000_32\r"
    b"M_000141_00012A_09:1E\r"
    b"H_61_0246_024C_63_0005E9_0005DE\r"
    b"B_000121_000112_000000_000000\r"
)
GEN2_CYCLE = (
    b"U_0528_+0000_+0000_+0000\r"
    b"V_294_01_294_01_2A8\r"
    b"T_125_01_125_01\r"
    b"C_01_02_294_125_03\r"
    b"E_000000_00012C_000000_32\r"
    b"M_000141_00012A_09:1E\r"
)


@pytest.fixture
def gen2(clock: Clock) -> Firmware:
    """Return the same in generation 2."""
    firmware = still_firmware(clock, GEN2)
    firmware.connected()
    return firmware


@pytest.fixture
def locked(clock: Clock) -> Firmware:
    """Return a BMS that wants its PIN first."""
    firmware = still_firmware(clock, requires_pin=True)
    firmware.connected()
    return firmware


def test_a_return_is_echoed(firmware: Firmware) -> None:
    """A lone return is answered by a return, a ping by nothing."""
    assert ask(firmware, b"$") == b""
    assert ask(firmware, b"$\r") == b"\r"


def test_pings_are_ignored_anywhere(firmware: Firmware) -> None:
    """Pings before, in and after a command do not disturb it, nor do packet boundaries."""
    assert ask(firmware, b"$$V$") == b""
    assert ask(firmware, b"@") == b""
    assert ask(firmware, b"$\r$") == b"V@\r33B_10_10_03_2A8_78\r"


def test_two_commands_in_one_packet(firmware: Firmware) -> None:
    """Each is echoed and answered in its turn."""
    assert ask(firmware, b"D!\rSRY0@\r") == b"D!\rOK\rSRY0@\r00_01_00_21\r"


def test_what_is_taken_is_gone(firmware: Firmware) -> None:
    """Nothing is said twice."""
    assert ask(firmware, b"D!\r") == b"D!\rOK\r"
    assert firmware.take() == b""


def test_endless_input_does_not_grow(firmware: Firmware) -> None:
    """A client that never ends its line is not remembered for ever."""
    for _ in range(100):
        firmware.receive(b"A" * 100)
    assert ask(firmware, b"\r") == b"A" * 64 + b"\r\a"


def test_unknown_command(firmware: Firmware) -> None:
    """What nobody knows is echoed and answered by a bell."""
    assert ask(firmware, b"I@\r") == b"I@\r\a"
    assert ask(firmware, b"\xff\r") == b"\xff\r\a"
    assert ask(firmware, b"e!\r") == b"e!\r\a"


@pytest.mark.parametrize("command", [b"V@", b"S1@", b"E!", b"D!", b"02-040!", b"I@"])
def test_locked_until_the_pin(locked: Firmware, command: bytes) -> None:
    """Without the PIN everything but the login is answered `NA`."""
    assert ask(locked, command + b"\r") == command + b"\rNA\r"
    assert not locked.streaming


def test_login(locked: Firmware) -> None:
    """The wrong PIN is `NA`, the right one `OK`, and it counts for this connection only."""
    assert ask(locked, b"PW4321!\r$") == b"PW4321!\rNA\r"
    assert ask(locked, b"PW1234!\r$") == b"PW1234!\rOK\r"
    assert ask(locked, b"SRY0@\r") == b"SRY0@\r00_01_00_21\r"
    assert ask(locked, b"PW4321!\r") == b"PW4321!\rNA\r"
    assert ask(locked, b"SRY0@\r") == b"SRY0@\rNA\r"
    ask(locked, b"PW1234!\r")
    locked.connected()
    assert ask(locked, b"SRY0@\r") == b"SRY0@\rNA\r"


def test_login_without_need(firmware: Firmware) -> None:
    """A BMS that needs no PIN still knows its own, and answers in any case."""
    assert ask(firmware, b"PW0000!\r") == b"PW0000!\rNA\r"
    assert ask(firmware, b"PW1234!\r") == b"PW1234!\rOK\r"
    assert ask(firmware, b"SRY0@\r") == b"SRY0@\r00_01_00_21\r"


def test_another_pin(locked: Firmware) -> None:
    """The PIN is what it was set to, also in `S1@`, where it stands in the clear."""
    locked.pin = "0815"
    assert ask(locked, b"PW1234!\r") == b"PW1234!\rNA\r"
    assert ask(locked, b"PW0815!\rS1@\r") == b"PW0815!\rOK\rS1@\r012C_00FA_0006_30383135_1D\r"


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        (b"V@", b"33B_10_10_03_2A8_78"),
        (b"S1@", b"012C_00FA_0006_31323334_19"),
        (b"S2@", b"244_2E4_111_155_5F_05_103_258_294_0A_05_FB"),
        (b"S3@", b"02_00_00_00_00_000C_000C_05_05_00_01_0A_84"),
        (b"SRY0@", b"00_01_00_21"),
        (b"SRY1@", b"00_02_00_22"),
        (b"TS@", b"93A80_15"),
        (b"L0@", b"000000_00_000_00_70"),
        (b"L9@", b"000000_00_000_00_70"),
        (b"H0@", b"A7_373C41464A4E515252514E4A_9D"),
        (b"HD@", b"A7_46413C37322E2C2A2A2C2E32_AF"),
    ],
)
def test_queries_of_generation_3(firmware: Firmware, query: bytes, answer: bytes) -> None:
    """Every block, with the checksum of protocol.md 5."""
    assert ask(firmware, query + b"\r") == query + b"\r" + answer + b"\r"


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        (b"V@", b"0F_10_10_03_2A8_46\r"),
        (b"S1@", b"012C_00FA_0006_31323334_19\r"),
        (b"S2@", b"244_2E4_111_155_5F_05_53\r"),
        (b"S3@", b"\a"),
        (b"SRY0@", b"\a"),
        (b"SRY1@", b"\a"),
        (b"TS@", b"\a"),
        (b"L0@", b"\a"),
        (b"H0@", b"\a"),
    ],
)
def test_queries_of_generation_2(gen2: Firmware, query: bytes, answer: bytes) -> None:
    """Generation 2 answers three blocks, and of the thresholds the first six."""
    assert ask(gen2, query + b"\r") == query + b"\r" + answer


def test_log_and_history(firmware: Firmware) -> None:
    """Entries of the log and the hours of the history are sent as they are, with the newest slot."""
    firmware.memory.log[3] = LogEntry(0x190, LogEvent.VOLTAGE_LOW, 0x23F, 7)
    firmware.memory.history[12:24] = [80] * 7 + [79, 78, 77, 76, None]
    assert ask(firmware, b"L3@\r") == b"L3@\r000190_01_23F_07_9D\r"
    firmware.memory.newest_hour = 0
    assert ask(firmware, b"H1@\r") == b"H1@\r00_505050505050504F4E4D4CFF_91\r"


def test_the_newest_entry_is_told(firmware: Firmware, gen2: Firmware) -> None:
    """The T record of generation 3 names its slot once there is one; generation 2 has no log."""
    for bms in (firmware, gen2):
        bms.chain_broken = True
        ask(bms, b"E!\r")
    assert b"T_125_01_125_01_00\r" in ask(firmware, b"$")
    assert b"T_125_01_125_01\r" in ask(gen2, b"$")


def test_stream(firmware: Firmware, clock: Clock) -> None:
    """`E!` starts it, one cycle a second follows with the next cell, `D!` ends it."""
    assert ask(firmware, b"E!\r") == b"E!\rOK\r"
    assert ask(firmware, b"$") == CYCLE
    clock.now += 0.9
    assert ask(firmware, b"$") == b""
    clock.now += 0.1
    assert ask(firmware, b"$") == CYCLE.replace(b"C_01", b"C_02")
    clock.now += 1
    assert ask(firmware, b"D!\r") == CYCLE + b"D!\rOK\r"
    clock.now += 1
    assert ask(firmware, b"$") == b""


def test_stream_of_generation_2(gen2: Firmware) -> None:
    """Generation 2 has neither second status byte nor log entry, health or battery energy."""
    ask(gen2, b"E!\r")
    assert ask(gen2, b"$") == GEN2_CYCLE


def test_nothing_without_a_byte(firmware: Firmware, clock: Clock) -> None:
    """The device says nothing by itself, however long one waits; then it says three cycles at most."""
    ask(firmware, b"E!\r$")
    clock.now += 4.9
    assert firmware.take() == b""
    assert ask(firmware, b"$").count(b"U_") == 3


def test_silence_stops_the_stream(firmware: Firmware, clock: Clock) -> None:
    """Five seconds without a ping are borne, more end the stream for good."""
    ask(firmware, b"E!\r$")
    clock.now += 5
    assert ask(firmware, b"$") != b""
    clock.now += 5.1
    assert ask(firmware, b"$") == b""
    clock.now += 1
    assert ask(firmware, b"$") == b""
    assert not firmware.streaming


def test_pace(firmware: Firmware, clock: Clock) -> None:
    """A quick device says several cycles a second."""
    firmware.pace = 2.0
    ask(firmware, b"E!\r")
    assert ask(firmware, b"$") == CYCLE
    clock.now += 1
    assert ask(firmware, b"$").count(b"\rC_") == 2


def test_a_new_client_begins_anew(firmware: Firmware) -> None:
    """No stream, no half command and no bytes of the last client reach the next one."""
    firmware.receive(b"E!\rV@\rS")
    firmware.connected()
    assert ask(firmware, b"RY0@\r") == b"RY0@\r\a"
    assert not firmware.streaming


def test_writing_a_word(firmware: Firmware) -> None:
    """V min 2.950 V is 590, 0x024E: high byte, low byte, and the block reads it back."""
    assert ask(firmware, b"03-040!\r") == b"03-040!\rOK\r"
    assert ask(firmware, b"S2@\r").startswith(b"S2@\r344_2E4_")
    assert ask(firmware, b"02-040!\r4E-041!\r") == b"02-040!\rOK\r4E-041!\rOK\r"
    assert ask(firmware, b"S2@\r").startswith(b"S2@\r24E_2E4_111_155_5F_05_103_")
    assert firmware.setting(SettingKey.V_MIN) == pytest.approx(2.95)


@pytest.mark.parametrize(
    ("write", "query", "answer"),
    [
        (b"01-017!", b"S3@", b"02_01_00_00_00_"),
        (b"05-015!", b"S3@", b"02_00_00_00_00_000C_000C_05_05_00_05_0A_"),
        (b"02-342!", b"SRY0@", b"02_01_00_"),
        (b"03-360!", b"SRY1@", b"00_03_00_"),
        (b"28-031!", b"S1@", b"012C_00FA_0028_"),
    ],
)
def test_writing_a_byte(firmware: Firmware, write: bytes, query: bytes, answer: bytes) -> None:
    """What is written to an address is read in its field."""
    assert ask(firmware, write + b"\r") == write + b"\rOK\r"
    assert ask(firmware, query + b"\r").startswith(query + b"\r" + answer)


@pytest.mark.parametrize("write", [b"01-000!", b"5F-080!", b"01-FFF!"])
def test_writing_to_nowhere(firmware: Firmware, write: bytes) -> None:
    """An address that nobody knows is `KO`; the restart percentages have none."""
    assert ask(firmware, write + b"\r") == write + b"\rKO\r"


@pytest.mark.parametrize("write", [b"1-040!", b"02-40!", b"0g-040!", b"02-040", b"02-0400!"])
def test_malformed_write(firmware: Firmware, write: bytes) -> None:
    """What is no write is an unknown command."""
    assert ask(firmware, write + b"\r") == write + b"\r\a"


def test_generation_2_lacks_settings(gen2: Firmware) -> None:
    """Generation 2 refuses to write what it does not have."""
    assert ask(gen2, b"01-017!\r") == b"01-017!\rKO\r"
    assert ask(gen2, b"02-040!\r") == b"02-040!\rOK\r"
    assert gen2.setting(SettingKey.V_LOW) == 3.0
    assert gen2.setting(SettingKey.CRITICAL_MODE) == 0


def test_a_broken_cell_chain_is_streamed(firmware: Firmware) -> None:
    """With the chain broken bit 2 is set and both relays are open."""
    firmware.chain_broken = True
    ask(firmware, b"E!\r")
    assert b"C_01_02_294_125_04_00\r" in ask(firmware, b"$")


def test_the_status_is_told_in_two_places(firmware: Firmware) -> None:
    """In every cell's record and with the version."""
    firmware.battery.cells[1].voltage = 3.71
    firmware.receive(b"E!\r$")
    assert "_12_20\rE_" in ask(firmware, b"$").decode()
    assert ask(firmware, b"D!\rV@\r").startswith(b"D!\rOK\rV@\r33B_10_10_12_2A8_")


def test_a_changed_limit_acts(firmware: Firmware) -> None:
    """V max written to 3.25 V ends charging at once."""
    ask(firmware, b"02-050!\r8A-051!\r")
    firmware.receive(b"$")
    assert firmware.relays.charge is False
    assert firmware.status() == 0x12


def test_one_sensor(firmware: Firmware) -> None:
    """The second one is absent: its field is an X."""
    firmware.sensors.load = None
    ask(firmware, b"E!\r")
    assert b"U_0528_+0000_+0000_X000\r" in ask(firmware, b"$")


def test_every_cell_in_its_turn(clock: Clock) -> None:
    """The largest pack: one cell per cycle, numbered in hexadecimal, the last one is FF."""
    firmware = still_firmware(clock, cells=255)
    firmware.connected()
    firmware.receive(b"E!\r")
    numbers = []
    for _ in range(256):
        lines = ask(firmware, b"$").split(b"\r")
        numbers += [line[2:7] for line in lines if line.startswith(b"C_")]
        clock.now += 1
    assert numbers == [f"{number:02X}_FF".encode() for number in (*range(1, 256), 1)]


def test_the_battery_lives_between_the_bytes(clock: Clock) -> None:
    """Time passes for the battery when a byte arrives, as fast as it is told, an hour at most."""
    firmware = Firmware(Battery(4), DeviceType.GEN3_RAYTAC, clock, speed=2.0)
    around = firmware.battery.surroundings
    began = around.time_of_day
    clock.now += 60
    firmware.receive(b"$")
    assert around.time_of_day - began == pytest.approx(120)
    clock.now += 86400
    firmware.receive(b"$")
    assert around.time_of_day - began == pytest.approx(120 + 3600)


def test_a_clock_that_goes_back(firmware: Firmware, clock: Clock) -> None:
    """No time passes, and it goes on from there."""
    firmware.speed = 1.0
    clock.now -= 500
    firmware.receive(b"$")
    clock.now += 10
    firmware.receive(b"$")
    assert firmware.memory.clock == 604810


def test_every_answer_verifies(firmware: Firmware) -> None:
    """All answers of generation 3 carry a checksum that agrees."""
    queries = [
        *blocks.LOG_QUERIES,
        *blocks.HISTORY_QUERIES,
        "V@",
        "S1@",
        "S2@",
        "S3@",
        "SRY0@",
        "SRY1@",
        "TS@",
    ]
    for query in queries:
        echo, line, rest = ask(firmware, query.encode() + b"\r").decode().split("\r")
        answer = blocks.split(line)
        assert isinstance(answer, blocks.Answer)
        assert (echo, rest, answer.verified) == (query, "", True)
