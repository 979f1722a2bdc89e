"""One connection: logging in, asking, commanding, listening (protocol.md 3)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import gc
from itertools import pairwise
from typing import Any

from bleak.exc import BleakError
import pytest

from custom_components.smartbms.bms.blocks import Answer
from custom_components.smartbms.bms.device import DeviceType, Generation
from custom_components.smartbms.bms.errors import (
    CommandRejectedError,
    ConnectionLostError,
    NoAnswerError,
    NotABmsError,
    PinRejectedError,
)
from custom_components.smartbms.bms.lines import Rejection
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.link.client import Client
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from tests.simulated import peripheral

from .bench import FailingDisconnect, HangingDisconnect, HangingSubscription, HangingWrite, Recorder

pytestmark = pytest.mark.usefixtures("virtual_time")

GEN2, GEN3 = DeviceType.GEN2, DeviceType.GEN3_RAYTAC


class Mute(Firmware):
    """A device that takes everything and says nothing."""

    def take(self) -> bytes:
        """Say nothing."""
        super().take()
        return b""


class NoEcho(Firmware):
    """A device that answers without echo."""

    def _hear(self, command: str) -> None:
        begin = len(self._output)
        super()._hear(command)
        del self._output[begin : begin + len(command) + 1]


class Withholding(Firmware):
    """A device that lets go of an answer only when the next byte arrives."""

    _held = b""

    def take(self) -> bytes:
        """Say what was due before."""
        said, self._held = self._held, super().take()
        return said


class NoLogin(Firmware):
    """A device that does not know the login."""

    def _hear(self, command: str) -> None:
        super()._hear("unknown" if command.startswith("PW") else command)


class Scripted(Firmware):
    """A device whose answers to some commands are given, one after the other."""

    answers: dict[str, list[bytes]]

    def _hear(self, command: str) -> None:
        if self.answers.get(command):
            self._output += self.answers[command].pop(0)
        else:
            super()._hear(command)


def scripted(answers: dict[str, list[bytes]]) -> type[Scripted]:
    """Return a kind of device with some answers of its own."""
    return type("Own", (Scripted,), {"answers": answers})


def device(
    kind: type[Firmware] = Firmware, device_type: DeviceType = GEN3, *, requires_pin: bool = False
) -> BmsPeripheral:
    """Return a BMS that lives in the time of the loop."""
    clock = asyncio.get_running_loop().time
    return peripheral(clock, device_type, kind=kind, requires_pin=requires_pin)


@asynccontextmanager
async def talking(
    bms: BmsPeripheral, via: type[Recorder] = Recorder, heard: list[str] | None = None
) -> AsyncIterator[tuple[Client, Recorder]]:
    """Connect and be ready to talk."""

    def lost() -> None:
        client.lost()

    gatt = await via(bms, lost).connect()
    client = Client(gatt, ([] if heard is None else heard).extend)
    async with client:
        yield client, gatt
    assert not bms.connected
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("device_type", list(DeviceType))
async def test_login(device_type: DeviceType) -> None:
    """The right PIN opens the device, over either radio module."""
    async with talking(device(device_type=device_type, requires_pin=True)) as (client, _):
        with pytest.raises(PinRejectedError):
            await client.query("S1@")
        await client.login("1234")
        assert await client.query("S1@") == Answer(("012C", "00FA", "0006", "31323334"), True)


async def test_wrong_pin() -> None:
    """The wrong PIN is told apart from everything else."""
    async with talking(device(requires_pin=True)) as (client, _):
        with pytest.raises(PinRejectedError):
            await client.login("4321")
        with pytest.raises(PinRejectedError):
            await client.start_stream()


async def test_login_unknown() -> None:
    """A device that does not know the login needs none."""
    async with talking(device(NoLogin)) as (client, _):
        await client.login("1234")
        await client.start_stream()


async def test_what_is_sent() -> None:
    """A ping and a return to begin with, then each command with its return and a ping."""
    async with talking(device()) as (client, gatt):
        await client.login("1234")
        await client.start_stream()
        await client.stop_stream()
        await client.query("SRY0@")
    assert gatt.sent == [b"$\r", b"PW1234!\r$", b"E!\r$", b"D!\r$", b"SRY0@\r$"]
    assert {response for _, _, data, response in gatt.written if data != b"$"} == {True}
    assert {response for _, _, data, response in gatt.written if data == b"$"} == {False}


@pytest.mark.parametrize("kind", [Firmware, NoEcho, Withholding])
async def test_every_kind_of_answering(kind: type[Firmware]) -> None:
    """With echo, without, or held back until the next byte: it is the same conversation."""
    async with talking(device(kind)) as (client, _):
        await client.login("1234")
        await client.command("02-040!")
        with pytest.raises(CommandRejectedError):
            await client.command("02-000!")
        with pytest.raises(CommandRejectedError):
            await client.query("I@")
        assert (await client.version()).firmware == "3.3.11"
        values, verified = await client.settings(Generation.GEN3)
        assert len(values) == 32
        assert verified
        assert not client.reader.rejected


async def test_a_held_answer_needs_the_next_ping() -> None:
    """An answer that is held back comes with the ping, a third of a second later at most."""
    loop = asyncio.get_running_loop()
    async with talking(device(Withholding)) as (client, _):
        began = loop.time()
        await client.query("SRY1@")
        assert 0 < loop.time() - began < 0.34


async def test_ping() -> None:
    """A ping every 0.33 s for as long as the connection is open: 1000 in 330 s."""
    loop = asyncio.get_running_loop()
    async with talking(device()) as (_, gatt):
        gatt.written.clear()
        await asyncio.sleep(330)
        times = [at for at, _, data, _ in gatt.written if data == b"$"]
        assert len(times) == pytest.approx(1000, abs=1)
        assert all(0.32 < later - earlier < 0.34 for earlier, later in pairwise(times))
        assert loop.time() - times[-1] < 0.34
        gatt.written.clear()
    await asyncio.sleep(10)
    assert gatt.written == []


async def test_the_stream() -> None:
    """What no command was waiting for is handed on; nothing of it before the stream is started."""
    heard: list[str] = []
    async with talking(device(), heard=heard) as (client, _):
        await client.start_stream()
        await asyncio.sleep(0.5)
        assert heard == [
            "U_0528_+0000_+0000_+0000",
            "V_294_01_294_01_2A8",
            "T_125_01_125_01",
            "C_01_02_294_125_03_30",
            "E_000000_00012C_000000_32",
            "M_000141_00012A_09:1E",
            "H_61_0246_024C_63_0005E9_0005DE",
            "B_000121_000112_000000_000000",
        ]
        await asyncio.sleep(9.5)
        assert len(heard) == pytest.approx(80, abs=8)
        await client.stop_stream()
        heard.clear()
        await asyncio.sleep(10)
        assert heard == []


async def test_asking_while_the_stream_runs() -> None:
    """Records between a question and its answer are neither lost nor mistaken for the answer."""
    heard: list[str] = []
    streaming: bytes = (
        b"C_01_02_294_125_03_30\rV@\rU_0528_+0000_+0000_+0000\rC_02_02_294_125_03_30\r33B_10_10_03_2A8_78\r"
    )
    async with talking(device(scripted({"V@": [streaming]})), heard=heard) as (client, _):
        assert (await client.version()).balance_voltage == 3.4
        assert heard == ["C_01_02_294_125_03_30", "U_0528_+0000_+0000_+0000", "C_02_02_294_125_03_30"]


async def test_what_an_earlier_conversation_left() -> None:
    """Lines that arrive while the connection settles, and the half line after, are for nobody."""
    heard: list[str] = []
    bms = device()
    loop = asyncio.get_running_loop()
    gatt = await Recorder(bms).connect()
    loop.call_later(0.2, gatt.notified, 10, b"OK\rU_0528_+0000_+0000_+0000\rV_294")
    async with Client(gatt, heard.extend) as client:
        gatt.notified(10, b"_01\r")
        await asyncio.sleep(0)
        await client.command("D!")
    assert heard == ["_01"]


@pytest.mark.parametrize("before", [b"$$", b"_2A8 ", b"garbage"])
async def test_stale_bytes_before_the_echo(before: bytes) -> None:
    """Pings and the rest of an old line may stand before an echo."""
    kind = scripted({"V@": [before + b"V@\r33B_10_10_03_2A8_78\r"]})
    async with talking(device(kind)) as (client, _):
        assert (await client.query("V@")).verified


async def test_a_late_reply_is_not_the_next_one() -> None:
    """A device that echoes: the `OK` that came too late is not taken for the next command's."""
    heard: list[str] = []
    kind = scripted({"E!": [b"E!\r"], "01-000!": [b"OK\r01-000!\rKO\r"]})
    async with talking(device(kind), heard=heard) as (client, _):
        with pytest.raises(NoAnswerError):
            await client.start_stream()
        with pytest.raises(CommandRejectedError):
            await client.command("01-000!")
    assert heard == ["OK"]


async def test_a_reply_after_the_reply() -> None:
    """A second reply to one command belongs to nobody."""
    heard: list[str] = []
    async with talking(device(scripted({"D!": [b"D!\rOK\rOK\r"]})), heard=heard) as (client, _):
        await client.stop_stream()
        await asyncio.sleep(0)
    assert heard == ["OK"]


async def test_a_block_is_no_reply_to_a_command() -> None:
    """A command waits for a word, whatever else is said meanwhile."""
    heard: list[str] = []
    kind = scripted({"D!": [b"D!\r00_01_00_21\rOK\r"]})
    async with talking(device(kind), heard=heard) as (client, _):
        await client.stop_stream()
    assert heard == ["00_01_00_21"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"NA\r", PinRejectedError),
        (b"KO\r", CommandRejectedError),
        (b"WRONG\r", CommandRejectedError),
        (b"\a", CommandRejectedError),
        (b"", NoAnswerError),
        (b"OK", NoAnswerError),
    ],
)
async def test_refusals(reply: bytes, error: type[Exception]) -> None:
    """Each of the refusals that the sources know, for commands and for queries."""
    kind = scripted({"E!": [b"E!\r" + reply], "V@": [b"\rV@\r" + reply]})
    async with talking(device(kind)) as (client, _):
        with pytest.raises(error):
            await client.start_stream()
        with pytest.raises(error):
            await client.query("V@")


async def test_silence() -> None:
    """A device that says nothing is given two seconds."""
    loop = asyncio.get_running_loop()
    async with talking(device(Mute)) as (client, _):
        began = loop.time()
        with pytest.raises(NoAnswerError):
            await client.login("1234")
        assert loop.time() - began == pytest.approx(2)


async def test_checksum_asked_again() -> None:
    """An answer with a wrong checksum is asked for again."""
    kind = scripted({"V@": [b"V@\r33B_10_10_03_2A8_79\r", b"V@\r33B_10_10_03_2A9_78\r"]})
    async with talking(device(kind)) as (client, gatt):
        assert await client.query("V@") == Answer(("33B", "10", "10", "03", "2A8"), True)
        assert gatt.sent.count(b"V@\r$") == 3
        assert client.reader.rejected == {Rejection.CHECKSUM: 2}


async def test_checksum_never_agrees() -> None:
    """After three times the answer is taken as what it is: not verified."""
    kind = scripted({"V@": [b"V@\r333_03_05_03_DBB_EF\r"] * 4})
    async with talking(device(kind)) as (client, gatt):
        assert await client.query("V@") == Answer(("333", "03", "05", "03", "DBB"), False)
        assert gatt.sent.count(b"V@\r$") == 3
        assert client.reader.rejected == {Rejection.CHECKSUM: 3}
        assert (await client.version()).firmware == "3.3.11"


@pytest.mark.parametrize("answer", [b"3ZZ_10_10_03_2A8_", b"33B_10_A1"])
async def test_a_version_that_is_none(answer: bytes) -> None:
    """An answer that cannot be read is no answer."""
    async with talking(device(scripted({"V@": [b"V@\r" + answer + b"\r"] * 3}))) as (client, _):
        with pytest.raises(NoAnswerError):
            await client.version()


async def test_settings_of_generation_2() -> None:
    """Two blocks, nine settings, and nothing that generation 2 does not have is asked for."""
    async with talking(device(device_type=GEN2)) as (client, gatt):
        values, verified = await client.settings(Generation.GEN2)
        assert gatt.sent[2:] == [b"S1@\r$", b"S2@\r$"]
    assert verified
    assert values == {
        SettingKey.SOLAR_PEAK_POWER: 3000,
        SettingKey.INVERTER_PEAK_POWER: 2500,
        SettingKey.CAPACITY: 600,
        SettingKey.V_MIN: 2.9,
        SettingKey.V_MAX: 3.7,
        SettingKey.T_MIN_CHARGE: 273,
        SettingKey.T_MAX: 341,
        SettingKey.CHARGE_RESTART: 95,
        SettingKey.DISCHARGE_RESTART: 5,
    }


async def test_settings_of_an_older_firmware() -> None:
    """A block that is refused, not answered or too short is not there; the others are."""
    kind = scripted({"S3@": [b"S3@\r\a"], "SRY0@": [b"SRY0@\r"], "SRY1@": [b"SRY1@\r00_02_C2\r"]})
    async with talking(device(kind)) as (client, _):
        values, verified = await client.settings(Generation.GEN3)
        assert verified
        assert SettingKey.V_MAX_HYSTERESIS in values
        assert not {SettingKey.SENSOR_TYPE, SettingKey.CHARGE_RELAY_FORCE, SettingKey.LOAD_RELAY_FORCE} & {
            *values
        }
        assert client.reader.rejected == {Rejection.FIELD_COUNT: 1}


async def test_settings_not_verified() -> None:
    """One checksum that never agrees marks them all, and they are there."""
    kind = scripted({"SRY0@": [b"SRY0@\r00_01_00_22\r"] * 3})
    async with talking(device(kind)) as (client, _):
        values, verified = await client.settings(Generation.GEN3)
        assert (values[SettingKey.CHARGE_RELAY_FUNCTION], verified) == (1, False)


async def test_settings_need_the_pin() -> None:
    """Settings that are only refused are not there; whether the PIN is right the version tells."""
    async with talking(device(requires_pin=True)) as (client, _):
        assert await client.settings(Generation.GEN3) == ({}, True)


async def test_one_command_at_a_time() -> None:
    """Two who ask at once are answered one after the other, each by its own answer."""
    async with talking(device(Withholding)) as (client, _):
        first, second = await asyncio.gather(client.query("SRY0@"), client.query("SRY1@"))
        assert (first.fields, second.fields) == (("00", "01", "00"), ("00", "02", "00"))


async def test_lost_while_waiting() -> None:
    """Whoever waits for a reply is told at once, and so is everybody who asks later."""
    loop = asyncio.get_running_loop()
    bms = device(Mute)
    async with talking(bms) as (client, _):
        began = loop.time()
        loop.call_later(0.5, bms.drop)
        answers = await asyncio.gather(
            client.command("E!"), client.query("V@"), client.wait_lost(60), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [ConnectionLostError, ConnectionLostError, bool]
        assert loop.time() - began == pytest.approx(0.5)
        with pytest.raises(ConnectionLostError):
            await client.query("V@")


async def test_waiting_for_the_end() -> None:
    """`wait_lost` says whether the connection has ended."""
    bms = device()
    loop = asyncio.get_running_loop()
    async with talking(bms) as (client, _):
        began = loop.time()
        assert not await client.wait_lost(60)
        assert loop.time() - began == pytest.approx(60)
        bms.drop()
        assert await client.wait_lost(60)
        assert loop.time() - began == pytest.approx(60)


@pytest.mark.parametrize("error", [BleakError("gone"), OSError(), EOFError(), RuntimeError()])
async def test_a_ping_that_fails(error: Exception) -> None:
    """Backends raise what they like; a ping that cannot be sent ends the connection."""

    class Failing(Recorder):
        fails = False

        async def write_gatt_char(self, char: int, data: bytes, /, response: bool | None = None) -> None:
            if self.fails:
                raise error
            await super().write_gatt_char(char, data, response)

    async with talking(device(), Failing) as (client, gatt):
        assert isinstance(gatt, Failing)
        gatt.fails = True
        with pytest.raises(ConnectionLostError) as caught:
            await client.query("V@")
        assert caught.value.__cause__ is error
        assert await client.wait_lost(1)


async def test_lost_within_a_write() -> None:
    """When the link goes in the middle of a write nobody is left with an error that none picks up."""
    unseen: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: unseen.append(context))
    bms = device()

    class Falling(Recorder):
        async def write_gatt_char(self, char: int, data: bytes, /, response: bool | None = None) -> None:
            if data.startswith(b"V@"):
                bms.drop()
            await super().write_gatt_char(char, data, response)

    async with talking(bms, Falling) as (client, _):
        with pytest.raises(ConnectionLostError):
            await client.query("V@")
    gc.collect()
    assert unseen == []


async def test_a_write_that_hangs() -> None:
    """A backend that never returns from a write is given up after five seconds."""
    loop = asyncio.get_running_loop()
    async with talking(device(), HangingWrite) as (client, _):
        began = loop.time()
        with pytest.raises(ConnectionLostError):
            await client.query("V@")
        assert loop.time() - began == pytest.approx(5)


async def test_a_subscription_that_hangs() -> None:
    """Opening the serial line is given up after twenty seconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    bms = device()
    with pytest.raises(ConnectionLostError):
        async with talking(bms, HangingSubscription):
            pass
    assert loop.time() - began == pytest.approx(20)
    assert not bms.connected


async def test_not_a_bms() -> None:
    """A device without the serial service is left at once."""
    bms = device()
    bms.services = bms.services[:1]
    with pytest.raises(NotABmsError):
        async with talking(bms):
            pass
    assert not bms.connected


async def test_lost_while_settling() -> None:
    """A link that goes before the conversation has begun is lost like any other."""
    bms = device()
    asyncio.get_running_loop().call_later(0.3, bms.drop)
    with pytest.raises(ConnectionLostError):
        async with talking(bms) as (client, _):
            await client.login("1234")


@pytest.mark.parametrize(("via", "seconds"), [(HangingDisconnect, 2), (FailingDisconnect, 0)])
async def test_a_disconnect_that_fails(via: type[Recorder], seconds: float) -> None:
    """Closing is over within two seconds, whatever the backend does."""
    loop = asyncio.get_running_loop()
    async with talking(device(), via):
        began = loop.time()
    assert loop.time() - began == pytest.approx(seconds)


@pytest.mark.parametrize("turns", [1, 2])
async def test_cancelled_while_closing(turns: int) -> None:
    """Who is cancelled in the middle of closing ends as cancelled, and is disconnected."""
    bms = device()
    client = await Client(await HangingDisconnect(bms).connect(), lambda line: None).__aenter__()
    closing = asyncio.create_task(client.close())
    for _ in range(turns):
        await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait([closing])
    assert closing.cancelled()
    assert not bms.connected
    assert len(asyncio.all_tasks()) == 1
