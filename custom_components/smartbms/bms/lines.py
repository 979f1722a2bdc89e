"""Bytes as they arrive -> lines (protocol.md 3.1)."""

from collections import Counter
from enum import StrEnum
from typing import Final

MAX_LINE: Final = 256
BELL: Final = "\a"

_END: Final = "\r"
# A space separates records as well, and a line feed has never been seen but would be meant so.
_SEPARATORS: Final = bytes.maketrans(b" \n", b"\r\r")
_PING: Final = b"$"


class Rejection(StrEnum):
    """Why something that was received was thrown away."""

    TOO_LONG = "too_long"
    NOT_TEXT = "not_text"
    UNKNOWN = "unknown"
    FIELD_COUNT = "field_count"
    UNPARSABLE = "unparsable"
    IMPLAUSIBLE = "implausible"
    CHECKSUM = "checksum"
    TOO_MUCH = "too_much"


class LineReader:
    """Cuts a stream of bytes into lines, whatever the bytes; never raises, never grows.

    `rejected` counts what was thrown away, by reason.
    """

    def __init__(self) -> None:
        """Start at the beginning of a line."""
        self.rejected: Counter[Rejection] = Counter()
        self._rest = ""
        self._skipping = False

    def feed(self, data: bytes | bytearray) -> list[str]:
        """Take any number of bytes; return the lines they complete, without their ends.

        Pings that are echoed back vanish. A bell, with which a device rejects a command, becomes a
        line of its own. A line of more than `MAX_LINE` bytes is skipped up to its end.
        """
        # Latin-1 maps every byte to a character, so this cannot fail; what is not ASCII is sifted out.
        text = self._rest + bytes(data).translate(_SEPARATORS, _PING).decode("latin-1")
        if BELL in text:
            text = text.replace(BELL, f"{_END}{BELL}{_END}")
        *lines, self._rest = text.split(_END)
        if self._skipping or len(text) > MAX_LINE or not (text.isascii() and "".join(lines).isprintable()):
            lines = [line for line in lines if self._acceptable(line)]
            self._bound()
        return [line for line in lines if line]

    def clear(self) -> None:
        """Forget the line that has begun."""
        self._rest = ""
        self._skipping = False

    def _acceptable(self, line: str) -> bool:
        if self._skipping:
            self._skipping = False
        elif len(line) > MAX_LINE:
            self.rejected[Rejection.TOO_LONG] += 1
        elif line != BELL and not (line.isascii() and line.isprintable()):
            self.rejected[Rejection.NOT_TEXT] += 1
        else:
            return True
        return False

    def _bound(self) -> None:
        """Give up a line that does not end."""
        if len(self._rest) > MAX_LINE and not self._skipping:
            self.rejected[Rejection.TOO_LONG] += 1
            self._skipping = True
        if self._skipping:
            self._rest = ""
