"""Ways of reaching a simulated BMS, good and bad."""

import asyncio
from collections.abc import Callable

from custom_components.smartbms.simulator.in_process import InProcessClient
from custom_components.smartbms.simulator.peripheral import BmsPeripheral


class Recorder(InProcessClient):
    """A connection that remembers what was written: when, where, what and whether acknowledged."""

    def __init__(self, peripheral: BmsPeripheral, on_disconnect: Callable[[], None] = lambda: None) -> None:
        """Have written nothing yet."""
        super().__init__(peripheral, on_disconnect)
        self.written: list[tuple[float, int, bytes, bool | None]] = []

    async def write_gatt_char(self, char: int, data: bytes, /, response: bool | None = None) -> None:
        """Write and remember."""
        self.written.append((self._loop.time(), char, data, response))
        await super().write_gatt_char(char, data, response)

    @property
    def sent(self) -> list[bytes]:
        """What was written, without lone pings."""
        return [data for _, _, data, _ in self.written if data != b"$"]


class HangingDisconnect(Recorder):
    """A backend whose disconnect never returns."""

    async def disconnect(self) -> None:
        """Disconnect and hang."""
        await super().disconnect()
        await asyncio.Event().wait()


class FailingDisconnect(Recorder):
    """A backend whose disconnect raises."""

    async def disconnect(self) -> None:
        """Disconnect and fail."""
        await super().disconnect()
        raise EOFError


class HangingWrite(Recorder):
    """A backend that hangs on the write of something."""

    hangs_on = b"V@"

    async def write_gatt_char(self, char: int, data: bytes, /, response: bool | None = None) -> None:
        """Write, or never return."""
        if data.startswith(self.hangs_on):
            await asyncio.Event().wait()
        await super().write_gatt_char(char, data, response)


class HangingSubscription(Recorder):
    """A backend that hangs on the subscription."""

    async def start_notify(self, char: int, callback: Callable[[object, bytearray], None], /) -> None:
        """Never return."""
        await asyncio.Event().wait()
