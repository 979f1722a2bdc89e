"""What was said on the wire for some minutes, as a text without the PIN.

The first line tells what was recorded; then comes one line for each line received (`<`) or command
sent (`>`), after the seconds since the beginning:

    smartbms-recording 1 integration=0.4.0 generation=3 device_type=6 began=2026-05-01T09:30:00+00:00
    0.331 > V@
    0.352 < V@
    0.352 < 33B_10_10_03_2A8_78
    1.204 < U_0528_+0000_+0000_+0000
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
import re
from typing import Final

from . import blocks
from .blocks import Answer
from .device import DeviceType, Generation
from .errors import NewerRecordingError, RecordingError
from .fold import Fold
from .lines import BELL, Rejection
from .memory import log_in_order
from .records import decode
from .settings import Block, SettingKey
from .state import LogEntry

_MAGIC: Final = "smartbms-recording"
_FORMAT: Final = 1
_LINE: Final = re.compile(r"(\d{1,7}\.\d{3}) ([<>]) ([ -~]+)", re.ASCII)
# A recording is of minutes: a time that is later by more than this has been damaged.
_LONGEST_SILENCE: Final = 3600.0
# A bell is a line of its own (`lines.LineReader`), and no character for a text.
_WRITTEN_BELL: Final = r"\a"
_REPLIES: Final = frozenset(("OK", "NA", "KO", "WRONG", BELL))

# What runs into it goes with it.
_LOGIN: Final = re.compile(r"PW.*")
_GENERAL_QUERY: Final = f"{Block.GENERAL}@"
_PIN_POSITION: Final = 3
_PIN_LENGTH: Final = 8
# Four digits in ASCII; the 24 characters of a history answer may hold such a row by chance.
_PIN: Final = re.compile(r"(3[0-9]){4}")
_HIDDEN: Final = "****"


class Direction(StrEnum):
    """Who said something: the BMS, or its client."""

    RECEIVED = "<"
    SENT = ">"


type Tap = Callable[[Direction, str], None]


class Redactor:
    """Takes the PIN out of everything that is said, in the order in which it is said.

    The login and its echo lose it, the answer to `S1@` has zeros in its place and a checksum that
    agrees as it did before. Whatever else is heard after either command and is neither a record nor a
    reply may hold a piece of them, also one that runs into an echo, so it is hidden altogether.
    """

    def __init__(self) -> None:
        """Have heard no command yet."""
        self._command = ""

    def __call__(self, direction: Direction, text: str) -> str:
        """Return a text without the PIN."""
        if direction is Direction.SENT:
            self._command = text
        is_general = self._command == _GENERAL_QUERY
        clean = _LOGIN.sub(f"PW{_HIDDEN}!", text)
        clean = _without_pin(clean, is_general=is_general and blocks.is_answer(clean))
        is_secret = is_general or self._command.startswith("PW")
        is_echo = text == self._command or clean.lstrip("$") == f"PW{_HIDDEN}!"
        if not is_secret or is_echo or text in _REPLIES or (is_general and _is_whole(clean)):
            return clean
        return _HIDDEN if isinstance(decode(text, Generation.GEN3), Rejection) else text


def _is_whole(text: str) -> bool:
    """Whether an answer to `S1@` is whole: its checksum agrees, or it is no more than every firmware sends."""
    answer = blocks.split(text)
    if not isinstance(answer, Answer) or answer.verified:
        return isinstance(answer, Answer)
    return len(answer.fields) == _PIN_POSITION + 1 and len(answer.fields[-1]) == _PIN_LENGTH


def _without_pin(text: str, *, is_general: bool) -> str:
    """Return an answer with zeros for the PIN, and a checksum that says nothing of it.

    One that ends with the PIN has lost its checksum and is of no use.
    """
    parts = text.split("_")
    hidden = [
        "0" * _PIN_LENGTH
        if _PIN.fullmatch(part) or (is_general and position == _PIN_POSITION and len(part) == _PIN_LENGTH)
        else part
        for position, part in enumerate(parts)
    ]
    if hidden == parts:
        return text
    if hidden[-1] != parts[-1]:
        return _HIDDEN
    agreed = blocks.checksum(parts[:-1]) == parts[-1]
    number = int(blocks.checksum(hidden[:-1]), 16)
    hidden[-1] = f"{number if agreed else (number + 1) & 0xFF:02X}"
    return "_".join(hidden)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What was recorded, when it began, and by which version of the integration."""

    integration: str
    generation: Generation
    device_type: DeviceType | None
    began: datetime


class Recorder:
    """Writes down what is said; `tap` is for `Session.record`, `clock` gives seconds."""

    def __init__(self, header: Header, clock: Callable[[], float]) -> None:
        """Begin now."""
        words = [_MAGIC, str(_FORMAT), f"integration={header.integration}"]
        words.append(f"generation={header.generation.value}")
        if header.device_type is not None:
            words.append(f"device_type={header.device_type.value}")
        words.append(f"began={header.began.isoformat()}")
        self._lines = [" ".join(words)]
        self._redact = Redactor()
        self._clock = clock
        self._began = clock()

    def tap(self, direction: Direction, text: str) -> None:
        """Take a line received or a command sent."""
        clean = self._redact(direction, text).replace(BELL, _WRITTEN_BELL)
        self._lines.append(f"{self._clock() - self._began:.3f} {direction} {clean}")

    @property
    def text(self) -> str:
        """Everything so far, as it is stored (UTF-8)."""
        return "".join(f"{line}\n" for line in self._lines)


@dataclass(frozen=True, slots=True)
class Said:
    """One line of a recording, `seconds` after its beginning."""

    seconds: float
    direction: Direction
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """What the BMS told: an answer to a query, or with no query a line of the stream."""

    seconds: float
    query: str | None
    line: str


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording as far as it can be read: how many lines were `damaged`, and whether it `is_cut`."""

    header: Header
    said: tuple[Said, ...]
    damaged: int = 0
    is_cut: bool = False

    def told(self) -> Iterator[Told]:
        """Yield what the BMS told, without echoes and replies."""
        command = ""
        for said in self.said:
            text = said.text
            if said.direction is Direction.SENT:
                command = text
            elif text not in _REPLIES and not (command and text.endswith(command)):
                is_asked = command.endswith("@") and blocks.is_answer(text)
                yield Told(said.seconds, command if is_asked else None, text)

    def log(self, newest: int | None) -> tuple[LogEntry, ...]:
        """Return the device's own log as it was told last, oldest first; `newest` is the slot it ends at."""
        slots: dict[str, LogEntry] = {}
        for told in self.told():
            if told.query is None or told.query not in blocks.LOG_QUERIES:
                continue
            answer = blocks.split(told.line)
            entry = blocks.log_entry(answer) if isinstance(answer, Answer) and answer.verified else None
            if isinstance(entry, LogEntry):
                slots[told.query] = entry
        return log_in_order([slots[query] for query in blocks.LOG_QUERIES if query in slots], newest)

    def folded(self) -> Iterator[tuple[float, Fold]]:
        """Yield what is known after each line that the BMS told, and when; it is always the same fold."""
        playback = _Playback(self.header.generation)
        for told in self.told():
            playback.take(told)
            yield told.seconds, playback.fold


class _Playback:
    """Folds what a recording tells, as the session did."""

    def __init__(self, generation: Generation) -> None:
        self.fold = Fold(generation)
        self._settings: dict[SettingKey, float] = {}
        self._verified: dict[str, bool] = {}

    def take(self, told: Told) -> None:
        """Take a line of the stream or an answer, of which only version and settings say something."""
        if told.query is None:
            self.fold.line(told.line)
            return
        answer = blocks.split(told.line)
        assert isinstance(answer, Answer)  # nothing else is told as one
        if told.query == blocks.VERSION_QUERY:
            self._take_version(answer)
        elif (name := told.query.removesuffix("@")) in Block:
            self._take_block(Block(name), answer)

    def _take_version(self, answer: Answer) -> None:
        if not isinstance(version := blocks.version(answer), Rejection):
            self.fold.version(version)

    def _take_block(self, block: Block, answer: Answer) -> None:
        if not isinstance(values := blocks.block_settings(block, answer), Rejection):
            self._settings |= values
            self._verified[block] = answer.verified
            self.fold.settings(self._settings, verified=all(self._verified.values()))


def parse(text: str) -> Recording:
    """Return the recording that a text is, up to where it is cut.

    A line that is damaged, or whose time does not follow the one before, is left out and counted. Raises
    `RecordingError` when this is no recording, `NewerRecordingError` when it is one of a later form.
    """
    first, *lines = text.split("\n")
    header = _header(first)
    # Every line has an end, so after the last one comes nothing.
    is_cut = bool(lines.pop()) if lines else True
    said: list[Said] = []
    now = 0.0
    for line in lines:
        match = _LINE.fullmatch(line.removesuffix("\r"))
        if match is not None and 0 <= float(match[1]) - now <= _LONGEST_SILENCE:
            now = float(match[1])
            said.append(Said(now, Direction(match[2]), match[3].replace(_WRITTEN_BELL, BELL)))
    return Recording(header, tuple(said), len(lines) - len(said), is_cut)


def _header(line: str) -> Header:
    magic, version, *words = [*line.removeprefix("\N{BOM}").split(), "", ""]
    fields = dict(word.split("=", 1) for word in words if "=" in word)
    if magic != _MAGIC:
        raise RecordingError
    try:
        if int(version) > _FORMAT:
            raise NewerRecordingError
        device_type = int(fields.get("device_type", "0"))
        return Header(
            integration=fields.get("integration", ""),
            generation=Generation(int(fields["generation"])),
            device_type=DeviceType(device_type) if device_type in DeviceType else None,
            began=_with_zone(datetime.fromisoformat(fields["began"])),
        )
    except (KeyError, ValueError) as err:
        raise RecordingError from err


def _with_zone(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
