"""One connection to a BMS: log in, ask, command, listen (protocol.md 3).

The BMS may hold a reply back until another byte arrives, so a ping runs for as long as the
connection is open. Nothing here is logged that was sent or received: the PIN is in both.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
import logging
from types import TracebackType
from typing import Final, Self

from ..bms import blocks
from ..bms.blocks import Answer, Version
from ..bms.device import Generation
from ..bms.errors import (
    CommandRejectedError,
    ConnectionLostError,
    FloodedError,
    NoAnswerError,
    NotABmsError,
    PinRejectedError,
    SmartBmsError,
)
from ..bms.lines import BELL, LineReader, Rejection
from ..bms.recording import Direction, Tap
from ..bms.settings import Block, SettingKey
from ..bms.writes import Step
from .transport import GattClient, Uart, select

_LOGGER = logging.getLogger(__name__)

PING_INTERVAL: Final = 0.33
_PING: Final = b"$"
_WARM_UP: Final = 0.6
_REPLY_TIMEOUT: Final = 2.0
# A backend that never returns must not keep us for ever; each is longer than the flow control holds.
_OPEN_TIMEOUT: Final = 20.0
_WRITE_TIMEOUT: Final = 5.0
_ATTEMPTS: Final = 3
_CLOSE_TIMEOUT: Final = 2.0
# A BMS says some 200 bytes a second, and what was held up on its way may come at once. Much more would
# take Home Assistant's event loop away from everybody else.
_MOST_BYTES_PER_SECOND: Final = 4000
_MOST_BYTES_AT_ONCE: Final = 8000
_ACCEPTED: Final = "OK"
_REFUSALS: Final[dict[str, type[SmartBmsError]]] = {
    "NA": PinRejectedError,
    "KO": CommandRejectedError,
    "WRONG": CommandRejectedError,
    BELL: CommandRejectedError,
}


class Client:
    """A logged-in conversation; use it as an async context manager around one connection.

    `on_lines` gets the lines of each notification that no command was waiting for, `tap` every line and
    every command, the PIN included. `reader` counts what was thrown away. `loss` says how the connection ended.
    """

    def __init__(self, gatt: GattClient, on_lines: Callable[[list[str]], None]) -> None:
        """Speak over a connection that is already there."""
        self.reader = LineReader()
        self.tap: Tap | None = None
        self._gatt = gatt
        self._on_lines = on_lines
        self._uart: Uart | None = None
        self._lost = asyncio.Event()
        self.loss: type[ConnectionLostError] = ConnectionLostError
        self._time = asyncio.get_running_loop().time
        self._received_at = self._time()
        self._surplus = 0.0
        self._command_lock = asyncio.Lock()
        self._write_lock = asyncio.Lock()
        self._reply: asyncio.Future[str] | None = None
        self._command = ""
        self._is_query = False
        self._echoes = False
        self._echoed = False
        self._listening = False
        self._ping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Open the serial line, keep it awake, and let it settle."""
        try:
            async with _lost_connection(_OPEN_TIMEOUT):
                self._uart = await self._select()
                await self._uart.open(self._received)
            self._ping = asyncio.get_running_loop().create_task(self._keep_awake(), name="smartbms ping")
            await self._write(_PING + b"\r")
            # What an earlier conversation left behind arrives now and is not for us.
            await asyncio.sleep(_WARM_UP)
            self.reader.clear()
            self._listening = True
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the connection."""
        await self.close()

    async def close(self) -> None:
        """End the connection, whatever state it is in."""
        self.lost()
        try:
            if self._ping is not None:
                self._ping.cancel()
                # Awaiting the ping itself would mistake our own cancellation for its.
                await asyncio.wait([self._ping])
        finally:
            await self._disconnect()

    def lost(self, loss: type[ConnectionLostError] = ConnectionLostError) -> None:
        """Learn that the connection is gone, and how: whoever waits for a reply is told at once."""
        if not self._lost.is_set():
            self.loss = loss
            self._lost.set()
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(self.loss())

    async def wait_lost(self, seconds: float) -> bool:
        """Wait for the end of the connection; return whether it came within some seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._lost.wait()
        return self._lost.is_set()

    async def login(self, pin: str) -> None:
        """Give the PIN.

        Raises `PinRejectedError` when it is wrong. A device that does not know the command needs no
        PIN (protocol.md 3.5).
        """
        try:
            await self.command(f"PW{pin}!")
        except CommandRejectedError:
            _LOGGER.debug("The BMS does not know the login command; going on without")

    async def command(self, text: str) -> None:
        """Send a command and wait for its `OK`.

        Raises `PinRejectedError` when it is not authorised, `CommandRejectedError` when it is
        refused, `NoAnswerError` or `ConnectionLostError` when nothing comes.
        """
        if (reply := await self._ask(text, is_query=False)) != _ACCEPTED:
            raise _REFUSALS[reply]

    async def query(self, text: str) -> Answer:
        """Send a query; return its answer, asked again while the checksum disagrees.

        Raises like `command`. An answer whose checksum never agrees is returned as unverified.
        """
        attempts = 0
        while True:
            reply = await self._ask(text, is_query=True)
            if reply in _REFUSALS:
                raise _REFUSALS[reply]
            answer = blocks.split(reply)
            assert isinstance(answer, Answer)  # nothing else is taken for the reply to a query
            attempts += 1
            if answer.verified:
                return answer
            self.reader.rejected[Rejection.CHECKSUM] += 1
            if attempts == _ATTEMPTS:
                return answer

    async def version(self) -> Version:
        """Ask for firmware, status and balance voltage; raises like `query`."""
        version = blocks.version(await self.query(blocks.VERSION_QUERY))
        if isinstance(version, Rejection):
            raise NoAnswerError
        return version

    async def blocks(self, generation: Generation) -> dict[Block, Answer]:
        """Ask for every block of settings.

        Blocks depend on the firmware: one that is refused, for whatever reason, or not answered is
        not there. The PIN was right, or not needed, when the version was asked.
        """
        answers: dict[Block, Answer] = {}
        for block in Block:
            if generation in block.generations:
                with suppress(PinRejectedError, CommandRejectedError, NoAnswerError):
                    answers[block] = await self.query(f"{block}@")
        return answers

    async def settings(self, generation: Generation) -> tuple[dict[SettingKey, float], bool]:
        """Read every block of settings; return them and whether all checksums agreed."""
        values: dict[SettingKey, float] = {}
        verified = True
        for block, answer in (await self.blocks(generation)).items():
            found = blocks.block_settings(block, answer)
            if isinstance(found, Rejection):
                self.reader.rejected[found] += 1
            else:
                values |= found
                verified = verified and answer.verified
        return values, verified

    async def write_byte(self, step: Step) -> None:
        """Write one byte of a setting and wait for its `OK`; raises like `command` (protocol.md 6)."""
        await self.command(f"{step.byte:02X}-{step.address:03X}!")

    async def start_stream(self) -> None:
        """Let the BMS tell its values; raises like `command`."""
        await self.command("E!")
        # What there is to tell comes with the next byte; it shall not wait for the next ping.
        await self._write(_PING, acknowledged=False)

    async def stop_stream(self) -> None:
        """Let the BMS be silent; raises like `command`, but one that refuses had nothing to stop."""
        with suppress(CommandRejectedError):
            await self.command("D!")

    async def _ask(self, text: str, *, is_query: bool) -> str:
        async with self._command_lock:
            if self._lost.is_set():
                raise self.loss
            self._reply = asyncio.get_running_loop().create_future()
            self._command, self._is_query, self._echoed = text, is_query, False
            if self.tap is not None:
                self.tap(Direction.SENT, text)
            try:
                await self._write(text.encode("ascii") + b"\r" + _PING)
                async with asyncio.timeout(_REPLY_TIMEOUT):
                    return await self._reply
            except TimeoutError as err:
                raise NoAnswerError from err
            finally:
                self._reply.cancel()
                self._reply = None

    async def _select(self) -> Uart:
        try:
            return select(self._gatt)
        except NotABmsError:
            # Proxies remember a table of services, also one that was cut short on its way.
            await self._gatt.clear_cache()
            raise

    async def _write(self, data: bytes, *, acknowledged: bool = True) -> None:
        assert self._uart is not None
        async with self._write_lock, _lost_connection(_WRITE_TIMEOUT):
            await self._uart.write(data, acknowledged=acknowledged)

    async def _disconnect(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                try:
                    await self._gatt.disconnect()
                except Exception as err:  # noqa: BLE001 - backends raise what they like; it ends anyway
                    _LOGGER.debug("Disconnecting failed: %s", type(err).__name__)

    async def _keep_awake(self) -> None:
        """Ping until the connection is closed; a ping that cannot be sent ends it."""
        try:
            while not self._lost.is_set():
                await self._write(_PING, acknowledged=False)
                await asyncio.sleep(PING_INTERVAL)
        except ConnectionLostError:
            self.lost()

    def _received(self, data: bytearray) -> None:
        if self._lost.is_set() or self._is_flood(len(data)):
            return
        lines = self.reader.feed(data)
        if not lines or not self._listening:
            return
        if self.tap is not None:
            for line in lines:
                self.tap(Direction.RECEIVED, line)
        if self._reply is not None:
            lines = [line for line in lines if not self._is_for_command(line)]
        self._on_lines(lines)

    def _is_flood(self, size: int) -> bool:
        """Return whether so many more bytes are too many, and then give up the connection."""
        now = self._time()
        left = self._surplus - (now - self._received_at) * _MOST_BYTES_PER_SECOND
        self._surplus = size if left < 0 else left + size
        self._received_at = now
        if self._surplus <= _MOST_BYTES_AT_ONCE:
            return False
        self.reader.rejected[Rejection.TOO_MUCH] += 1
        self.lost(FloodedError)
        return True

    def _is_for_command(self, line: str) -> bool:
        """Take the echo of the command under way and its reply; anything else is the stream's.

        Stale bytes may stand before an echo. Once a device is known to echo, only what follows the
        echo can be the reply: an earlier reply that comes late is not mistaken for it.
        """
        reply = self._reply
        if reply is None or reply.done():
            return False
        if line.endswith(self._command):
            self._echoes = self._echoed = True
            return True
        if self._echoes and not self._echoed:
            return False
        is_reply = line in _REFUSALS or (blocks.is_answer(line) if self._is_query else line == _ACCEPTED)
        if is_reply:
            reply.set_result(line)
        return is_reply


@asynccontextmanager
async def _lost_connection(seconds: float) -> AsyncIterator[None]:
    """Turn whatever a Bluetooth backend raises, and that it never returns, into one error."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except SmartBmsError:
        raise
    except Exception as err:  # backends raise BleakError, OSError, EOFError and errors of their own
        raise ConnectionLostError from err
