"""The device's end of the serial line: bytes come in, lines go out (protocol.md 3.1 and 3.3)."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

# After as much silence the stream stops; how long it really is nobody knows.
_SILENCE: Final = 5.0
_LONGEST_COMMAND: Final = 64


class SerialLine(ABC):
    """What every simulated device does with bytes: it echoes each command and then answers it.

    Like the real one it lets go of what it has to say when a byte arrives. `clock` gives seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Have said nothing yet."""
        self.streaming = False
        self._clock = clock
        self._heard = clock()
        self._input = b""
        self._output = bytearray()

    @property
    def is_on(self) -> bool:
        """Whether it has power; without, it neither advertises nor answers."""
        return True

    def connected(self) -> None:
        """Begin with a new client."""
        self.streaming = False
        self._input = b""
        self._output.clear()
        self._heard = self._clock()

    def receive(self, data: bytes) -> None:
        """Take bytes from the client, whatever they are; without power they are lost."""
        if not self.is_on:
            return
        now = self._clock()
        if now - self._heard > _SILENCE:
            self.streaming = False
        self._heard = now
        self.advance()
        *commands, self._input = (self._input + data.replace(b"$", b"")).split(b"\r")
        self._input = self._input[-_LONGEST_COMMAND:]
        for command in commands:
            self._hear(command.decode("latin-1"))

    def take(self) -> bytes:
        """Return what is waiting to be sent."""
        waiting = bytes(self._output)
        self._output.clear()
        return waiting

    def _hear(self, command: str) -> None:
        """Echo a command, and answer it unless it is empty."""
        self._say(command)
        if command:
            self._answer(command)

    @abstractmethod
    def advance(self) -> None:
        """Live through the time since the last call, and say what became due."""

    @abstractmethod
    def _answer(self, command: str) -> None:
        """Answer a command, which has been echoed."""

    def _say(self, text: str) -> None:
        self._output += text.encode("latin-1") + b"\r"
