"""A recording stands for the BMS it was made of."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from custom_components.smartbms.bms.device import DeviceType, Generation
from custom_components.smartbms.bms.errors import EmptyRecordingError
from custom_components.smartbms.bms.recording import Header, Recorder, parse
from custom_components.smartbms.bms.state import Connection, Snapshot
from custom_components.smartbms.link.session import Session
from custom_components.smartbms.simulator.gatt import Peripheral
from custom_components.smartbms.simulator.in_process import InProcessClient
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from custom_components.smartbms.simulator.replay import Replay
from tests.simulated import ADDRESS, SERIAL_NUMBER, Clock, peripheral

TEXT = (
    "smartbms-recording 1 integration=0.4.0 generation=3 device_type=6 began=2026-05-01T09:30:00+00:00\n"
    "0.000 > V@\n0.100 < V@\n0.100 < 33B_10_10_03_2A8_78\n"
    "0.200 > S1@\n0.300 < 012C_00FA_00A0_00000000_0E\n"
    "0.400 > S1@\n0.500 < 012C_00FA_00C8_00000000_18\n"
    "0.600 > TS@\n0.700 < \\a\n"
    "2.000 < U_0528_+0000_+0000_+0000\n"
    "3.000 < U_0529_+0000_+0000_+0000\n3.000 < C_01_02_294_125_03_30\n"
)
FIRST, SECOND = b"U_0528_+0000_+0000_+0000\r", b"U_0529_+0000_+0000_+0000\rC_01_02_294_125_03_30\r"


class Talk:
    """A client that sends and hears, on a clock of its own."""

    def __init__(self, text: str = TEXT, speed: float = 1.0) -> None:
        """Connect and start the stream where that is wanted."""
        self.clock = Clock()
        self.replay = Replay(parse(text), self.clock, speed=speed)
        self.replay.connected()

    def say(self, command: bytes) -> bytes:
        """Send a command; return what comes back."""
        self.replay.receive(command + b"\r$")
        return self.replay.take()

    def hear(self, until: float) -> bytes:
        """Ping until some time after the beginning; return what comes."""
        heard = b""
        while self.clock.now < 1000 + until:
            self.clock.now += 0.25
            self.replay.receive(b"$")
            heard += self.replay.take()
        return heard


def test_answers() -> None:
    """What was answered is answered, and the last word counts; the rest is unknown, as it was."""
    talk = Talk()
    assert talk.say(b"V@") == b"V@\r33B_10_10_03_2A8_78\r"
    assert talk.say(b"S1@") == b"S1@\r012C_00FA_00C8_00000000_18\r"
    assert talk.say(b"TS@") == b"TS@\r\a\r"
    assert talk.say(b"S2@") == b"S2@\r\a\r"
    assert talk.say(b"") == b"\r"


@pytest.mark.parametrize("pin", [b"1234", b"8642"])
def test_every_pin_is_right(pin: bytes) -> None:
    """The one that was is not in the recording."""
    assert Talk().say(b"PW" + pin + b"!") == b"PW" + pin + b"!\rOK\r"


def test_nothing_can_be_changed() -> None:
    """A write is refused."""
    assert Talk().say(b"02-040!") == b"02-040!\rKO\r"


def test_the_stream() -> None:
    """Lines come when they came then, and begin again a second after the last."""
    talk = Talk()
    assert talk.hear(1) == b""
    assert talk.say(b"E!") == b"E!\rOK\r"
    assert talk.hear(2.5) == FIRST
    assert talk.hear(3.75) == SECOND
    assert talk.hear(5.75) == b""
    assert talk.hear(7.25) == FIRST + SECOND
    assert talk.hear(11) == FIRST + SECOND
    assert talk.say(b"D!") == b"D!\rOK\r"
    assert talk.hear(20) == b""


def test_faster() -> None:
    """At twice the speed two seconds are one."""
    talk = Talk(speed=2.0)
    talk.say(b"E!")
    assert talk.hear(1) == FIRST
    assert talk.hear(1.5) == SECOND


def test_silence_of_the_client() -> None:
    """After five seconds without a ping the stream has stopped."""
    talk = Talk()
    talk.say(b"E!")
    talk.clock.now += 5.5
    talk.replay.receive(b"$")
    assert talk.replay.take() == b""
    assert not talk.replay.streaming


def test_an_absence() -> None:
    """A night without a client is no night of lines, and a new client has to start the stream."""
    talk = Talk()
    talk.say(b"E!")
    talk.clock.now += 100_000
    talk.replay.connected()
    assert talk.hear(100_008) == b""
    talk.say(b"E!")
    assert talk.hear(100_016) == (FIRST + SECOND) * 2


def test_an_input_that_never_ends() -> None:
    """What is no command is forgotten."""
    talk = Talk()
    talk.replay.receive(b"x" * 1000)
    assert len(talk.replay._input) == 64


@pytest.mark.parametrize(
    ("header", "device_type"),
    [
        ("generation=2", DeviceType.GEN2),
        ("generation=3", DeviceType.GEN3_RAYTAC),
        ("generation=3 device_type=4", DeviceType.GEN3_BLUERADIOS),
    ],
)
def test_the_radio_module(header: str, device_type: DeviceType) -> None:
    """It has the recorded one; where nobody knew it, the usual one of its generation."""
    talk = Talk(TEXT.replace("generation=3 device_type=6", header))
    assert talk.replay.device_type is device_type


@pytest.mark.parametrize("lines", [1, 4, 10])
def test_too_little(lines: int) -> None:
    """Without version or stream nobody could connect to it."""
    text = "".join(TEXT.splitlines(keepends=True)[:lines])
    with pytest.raises(EmptyRecordingError):
        Talk(text)
    with pytest.raises(EmptyRecordingError):
        Talk(TEXT.replace("V@", "W@"))


@pytest.mark.usefixtures("virtual_time")
async def test_recorded_and_replayed() -> None:
    """Whoever listens to the replay learns what was learned from the BMS."""
    loop = asyncio.get_running_loop()
    bms = peripheral(loop.time, cells=4, requires_pin=True)
    header = Header(
        integration="0.4.0",
        generation=Generation.GEN3,
        device_type=DeviceType.GEN3_RAYTAC,
        began=datetime(2026, 5, 1, tzinfo=UTC),
    )
    recorder = Recorder(header, loop.time)
    live = await _listen(bms, recorder)
    replay = Replay(parse(recorder.text), loop.time)
    again = await _listen(BmsPeripheral(replay, ADDRESS, SERIAL_NUMBER), Recorder(header, loop.time))
    assert again == live
    assert [cell.voltage for cell in again.cells] == [3.3] * 4
    assert again.settings_verified


async def _listen(bms: Peripheral, recorder: Recorder) -> Snapshot:
    """Listen to a BMS for half a minute."""

    async def connect(lost: Callable[[], None]) -> InProcessClient:
        return await InProcessClient(bms, lost).connect()

    session = Session(
        connect,
        pin="1234",
        generation=None,
        spawn=lambda work, name: asyncio.Task(work, name=name),
        on_records=lambda: None,
        on_state=lambda: None,
    )
    session.record(recorder.tap)
    session.start()
    await asyncio.sleep(30)
    assert session.state is Connection.CONNECTED
    await session.stop()
    return session.fold.snapshot()
