"""What a file tells of a BMS: a recording, a diagnostics download, or a capture of EXT OUT.

Which of them it is, its content decides. Nothing here needs Home Assistant.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
import json
from typing import Final

from custom_components.smartbms.bms import recording, uart_frame
from custom_components.smartbms.bms.alarms import break_cell
from custom_components.smartbms.bms.device import Generation
from custom_components.smartbms.bms.errors import RecordingError
from custom_components.smartbms.bms.fold import Fold
from custom_components.smartbms.bms.records import encode
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import Snapshot, StatusBit
from custom_components.smartbms.bms.uart_frame import Frame
from custom_components.smartbms.model.finding import Circumstances
from custom_components.smartbms.model.insight import Insight
from custom_components.smartbms.model.profiles import ProfileKey
from custom_components.smartbms.model.samples import Sample
from custom_components.smartbms.model.stored_numbers import number

# What is wrong with a recording, after its name.
EXPLANATIONS: Final = {
    "not_a_recording": "is no recording",
    "newer_recording": "was recorded by a later version of the integration",
    "empty_recording": "has nothing to replay: the version or the stream is missing",
}
_MAGIC: Final = b"smartbms-recording"
_MARK: Final = b"\xef\xbb\xbf"
_SECONDS_PER_FRAME: Final = 1.0
# Frames since firmware 3.3.6 bring these keys by turns; before, a clock stood in their place.
_KEYS: Final = range(19)
_TURNS: Final = 3


class UnreadableError(Exception):
    """A file tells nothing of a BMS; the message says why, after the name of the file."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What is plotted of one moment, in seconds since 1970, V, A and %; what is allowed by whom."""

    at: float
    voltages: Sequence[float | None]
    current: float | None
    state_of_charge: float | None
    charge_allowed: float | None
    discharge_allowed: float | None
    charge_expected: float | None = None
    discharge_expected: float | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """What is understood in the end, how it came to that, and what was wrong with the file."""

    insight: Insight
    moments: Sequence[Moment]
    notes: Sequence[str] = ()
    circumstances: Circumstances = Circumstances()


def read(data: bytes, manual: ProfileKey | None, written: float) -> Case:
    """Return what a file tells; `written` is its time, for content that has none.

    Raises `UnreadableError`.
    """
    content = data.removeprefix(_MARK).strip()
    if not content:
        raise UnreadableError("is empty")
    if content.startswith(_MAGIC):
        case = _of_recording(data.decode("utf-8", errors="replace"), manual)
    elif content.startswith(b"{"):
        case = _of_download(content, manual, written)
    else:
        case = _of_capture(data, manual, written)
    if case.insight.snapshot is None:
        raise UnreadableError("does not hold everything that a BMS says once, so nothing can be told")
    return case


class _Course:
    """Follows what is known along the way, at most once a second."""

    def __init__(self, insight: Insight) -> None:
        self.insight = insight
        self.moments: list[Moment] = []
        self.newest_log_entry: int | None = None

    def follow(self, steps: Iterable[tuple[float, Fold]], generation: Generation) -> None:
        """Take every step, of which the last counts in any case."""
        step = None
        for step in steps:
            at, fold = step
            if self.insight.at is None or at - self.insight.at >= 1:
                self._see(at, fold, generation)
        if step is not None:
            self._see(*step, generation)
            self.newest_log_entry = step[1].newest_log_entry

    def _see(self, at: float, fold: Fold, generation: Generation) -> None:
        seen = self.insight.seeing(fold.snapshot(), generation, at)
        if seen.snapshot is not None and seen.at != self.insight.at:
            self.moments.append(_moment(seen, seen.snapshot, at))
        self.insight = seen


def _moment(insight: Insight, snapshot: Snapshot, at: float) -> Moment:
    relays = None if insight.decision is None else insight.decision.relays
    return Moment(
        at,
        [cell.voltage for cell in snapshot.cells],
        snapshot.pack and snapshot.pack.battery_current,
        snapshot.energy and snapshot.energy.state_of_charge,
        snapshot.status.has(StatusBit.CHARGE_ALLOWED),
        snapshot.status.has(StatusBit.DISCHARGE_ALLOWED),
        None if relays is None else relays.charge,
        None if relays is None else relays.load,
    )


# Recordings.


def _of_recording(text: str, manual: ProfileKey | None) -> Case:
    try:
        recorded = recording.parse(text.lstrip())
    except RecordingError as err:
        raise UnreadableError(EXPLANATIONS[err.key]) from err
    generation, began = recorded.header.generation, recorded.header.began.timestamp()
    course = _Course(Insight(manual=manual, generation=generation))
    course.follow(((began + seconds, fold) for seconds, fold in recorded.folded()), generation)
    notes = []
    if recorded.damaged:
        notes.append(f"{recorded.damaged} damaged lines were left out")
    if recorded.is_cut:
        notes.append("the recording is cut; it was read up to there")
    log = recorded.log(course.newest_log_entry)
    return Case(course.insight, course.moments, notes, Circumstances(break_cell=break_cell(log)))


# Diagnostics downloads.


def _of_download(content: bytes, manual: ProfileKey | None, written: float) -> Case:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as err:
        raise UnreadableError("is a diagnostics download that is cut or damaged") from err
    data = _mapping(_mapping(document).get("data")) or _mapping(document)
    if "snapshot" not in data:
        raise UnreadableError(
            "holds no values: the integration was not running when it was downloaded"
            if "has_pin" in _mapping(data.get("entry"))
            else "is no diagnostics download of a 123SmartBMS"
        )
    snapshot = _mapping(data["snapshot"])
    at = snapshot.get("at")
    is_known = number(at) is not None
    insight = Insight.from_json(
        {
            "generation": snapshot.get("generation"),
            "snapshot": snapshot,
            "at": at if is_known else written,
            "evidence": data.get("evidence"),
            "samples": data.get("history"),
        },
        manual or _profile(_mapping(data.get("algorithm")).get("profile")),
    )
    moments = [_moment_of_sample(sample) for sample in insight.samples]
    return Case(insight, moments, [] if is_known else ["its time is that of the file"])


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _profile(value: object) -> ProfileKey | None:
    return next((key for key in ProfileKey if key.value == value), None)


def _moment_of_sample(sample: Sample) -> Moment:
    return Moment(
        sample.at,
        [sample.lowest_voltage, sample.highest_voltage],
        sample.current,
        sample.state_of_charge,
        sample.charge_allowed,
        sample.discharge_allowed,
    )


# Captures of EXT OUT.


@dataclass(slots=True)
class _Capture:
    frames: list[Frame] = field(default_factory=list)
    noise: int = 0


def _of_capture(data: bytes, manual: ProfileKey | None, written: float) -> Case:
    capture = _captured(data)
    frames = capture.frames
    if not frames:
        raise UnreadableError(
            "is neither a recording, nor a diagnostics download, nor a capture of 58-byte frames"
        )
    notes = ["its time is that of the file, and a frame was taken for a second"]
    if capture.noise:
        notes.append(f"{capture.noise} bytes between the frames were left out")
    generation = Generation.GEN3 if _has_keys(frames) else Generation.GEN2
    if manual is None:
        notes.append(f"the frames look like those of generation {generation.value}; --profile says otherwise")
    course = _Course(Insight(manual=manual, generation=generation))
    course.follow(_folded(frames, written), generation)
    return Case(course.insight, course.moments, notes)


def _captured(data: bytes) -> _Capture:
    """Find the frames: without a header, a frame is where the checksum fits and the values can be."""
    capture = _Capture()
    place = 0
    while place < len(data):
        frame = uart_frame.decode(data[place : place + uart_frame.LENGTH])
        if isinstance(frame, Frame):
            capture.frames.append(frame)
            place += uart_frame.LENGTH
        else:
            capture.noise += 1
            place += 1
    return capture


def _has_keys(frames: Sequence[Frame]) -> bool:
    """Whether other keys come by turns, as protocol.md 8 tells them from a clock."""
    keys = [frame.key for frame in frames]
    turns = zip(*(keys[start:] for start in range(_TURNS)), strict=False)
    return any(len(set(turn)) == _TURNS and all(key in _KEYS for key in turn) for turn in turns)


def _folded(frames: Sequence[Frame], written: float) -> Iterator[tuple[float, Fold]]:
    """Fold the frames as lines of generation 2, whose currents have the same step of 125 mA."""
    fold = Fold(Generation.GEN2)
    for index, frame in enumerate(frames, 1):
        for record in (
            frame.pack,
            frame.voltages,
            frame.temperatures,
            frame.cell,
            frame.energy,
            frame.totals,
        ):
            if record is not None:
                fold.line(encode(record, Generation.GEN2))
        settings = {
            SettingKey.CAPACITY: frame.capacity,
            SettingKey.V_MIN: frame.v_min,
            SettingKey.V_MAX: frame.v_max,
        }
        fold.settings(settings, verified=True)
        yield written - (len(frames) - index) * _SECONDS_PER_FRAME, fold
