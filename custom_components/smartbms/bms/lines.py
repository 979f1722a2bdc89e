"""Bytes as they arrive -> lines (protocol.md 3.1)."""

from collections import Counter
from enum import StrEnum
from typing import Final

MAX_LINE: Final = 256
BELL: Final = "\a"

_END: Final = "\r"
_PING: Final = "$"
# What stands for every byte that is no text.
_SPOILT: Final = "\0"


def _meaning(byte: int) -> str:
    """Return what a byte is taken for: an end, a character, or none."""
    character = chr(byte)
    # A space separates records as well, and a line feed has never been seen but would be meant so.
    if character in " \n\r":
        return _END
    is_text = character == BELL or (character.isascii() and character.isprintable())
    return character if is_text else _SPOILT


_MEANINGS: Final = "".join(map(_meaning, range(256))).encode("ascii")


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
        text = self._rest + data.translate(_MEANINGS).decode("ascii").replace(_PING, "")
        if BELL in text:
            text = text.replace(BELL, f"{_END}{BELL}{_END}")
        end = text.rfind(_END) + 1
        ended, self._rest = text[:end], text[end:]
        if self._skipping or _SPOILT in ended or len(text) > MAX_LINE:
            return self._sifted(ended.split(_END)[:-1])
        # An end is a white space, so this leaves out the empty lines too.
        return ended.split()

    def clear(self) -> None:
        """Forget the line that has begun."""
        self._rest = ""
        self._skipping = False

    def _sifted(self, lines: list[str]) -> list[str]:
        """Leave out what cannot be a line, and give up one that does not end."""
        acceptable = [line for line in lines if self._acceptable(line)]
        if len(self._rest) > MAX_LINE and not self._skipping:
            self.rejected[Rejection.TOO_LONG] += 1
            self._skipping = True
        if self._skipping:
            self._rest = ""
        return acceptable

    def _acceptable(self, line: str) -> bool:
        if self._skipping:
            self._skipping = False
        elif len(line) > MAX_LINE:
            self.rejected[Rejection.TOO_LONG] += 1
        elif _SPOILT in line:
            self.rejected[Rejection.NOT_TEXT] += 1
        else:
            return line != ""
        return False
