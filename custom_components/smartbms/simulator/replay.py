"""A recording that stands for the BMS it was made of.

It answers what the recorded BMS answered and says what it said, at the same pace, and begins again at
the end. Nothing can be changed in it: every write is refused.
"""

from collections.abc import Callable
import re
from typing import Final

from ..bms import blocks
from ..bms.device import DeviceType, Generation
from ..bms.errors import EmptyRecordingError
from ..bms.lines import BELL
from ..bms.recording import Recording
from .serial_line import SerialLine

# Between the last line and the first one again there is as long a pause as between two cycles.
_PAUSE: Final = 1.0
_WRITE: Final = re.compile(r"[0-9A-F]{2}-[0-9A-F]{3}!")


class Replay(SerialLine):
    """A recorded BMS; satisfies `peripheral.Device`.

    `clock` gives seconds, `speed` is how much faster than it was recorded. Every PIN is right, because a
    recording does not hold the one that was. Raises `EmptyRecordingError` when there is too little in it.
    """

    def __init__(self, recording: Recording, clock: Callable[[], float], *, speed: float = 1.0) -> None:
        """Begin at the beginning."""
        super().__init__(clock)
        header = recording.header
        default = DeviceType.GEN2 if header.generation is Generation.GEN2 else DeviceType.GEN3_RAYTAC
        self.device_type = header.device_type or default
        self.speed = speed
        told = list(recording.told())
        self._answers = {each.query: each.line for each in told if each.query is not None}
        self._stream = [(each.seconds, each.line) for each in told if each.query is None]
        if blocks.VERSION_QUERY not in self._answers or not self._stream:
            raise EmptyRecordingError
        self._period = self._stream[-1][0] + _PAUSE
        self._lived = clock()
        self._at = 0.0
        self._next = 0

    def advance(self) -> None:
        """Go on to where the recording was after as much time; a lap at most is made good."""
        now = self._clock()
        self._at += min((now - self._lived) * self.speed, self._period)
        self._lived = now
        while self._stream[self._next][0] <= self._at:
            if self.streaming:
                self._say(self._stream[self._next][1])
            self._next += 1
            if self._next == len(self._stream):
                self._next = 0
                self._at -= self._period

    def _answer(self, command: str) -> None:
        if command in ("E!", "D!"):
            self.streaming = command == "E!"
            self._say("OK")
        elif command.startswith("PW") and command.endswith("!"):
            self._say("OK")
        elif _WRITE.fullmatch(command):
            self._say("KO")
        else:
            self._say(self._answers.get(command, BELL))
