"""The targets of the fuzzer whose input comes back from a file: stored, recorded, backed up, downloaded."""

from collections import deque
from collections.abc import Callable, Mapping
import json
from math import isfinite
import re
from typing import Final

from custom_components.smartbms.archive import Remembered
from custom_components.smartbms.bms import recording, writes
from custom_components.smartbms.bms.device import Generation, TemperatureScale
from custom_components.smartbms.bms.errors import EmptyRecordingError, RecordingError, SettingRefusedError
from custom_components.smartbms.bms.recording import Direction, Recorder
from custom_components.smartbms.bms.settings import SETTINGS
from custom_components.smartbms.bms.state import BatteryEnergyRecord, EnergyRecord, PackRecord, TotalsRecord
from custom_components.smartbms.model.finding import Circumstances
from custom_components.smartbms.model.foresight import foreseen
from custom_components.smartbms.model.insight import Insight
from custom_components.smartbms.model.ledger import Flow, Ledger
from custom_components.smartbms.model.tally import Tally
from custom_components.smartbms.setting_sets import Backup
from custom_components.smartbms.setting_values import to_person
from custom_components.smartbms.simulator.replay import Replay

from .case import UnreadableError, read
from .fuzz_checks import NOW, Take, Target, check_snapshot, check_stored, check_told, ordinary_settings
from .fuzz_documents import (
    Unspelt,
    document,
    good_backup,
    good_download,
    good_energy,
    good_knowledge,
    good_snapshot,
)

_REMEMBERED_SAMPLES: Final = 576
# In Wh. What a damaged file says beyond a hundred years of 1 MW the storage need not bring back.
_MOST_ENERGY: Final = 9e11


def _plainly(target: Callable[[Take], None]) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        try:
            target(Take(data))
        except Unspelt:
            return

    return run


def knowledge(take: Take) -> None:
    """Read what is stored of one BMS: whatever comes back can be told, gone on with, and stored again."""
    asked = take.number()
    remembered = Remembered.from_json(document(good_knowledge, take), None)
    insight = remembered.insight
    assert len(insight.samples) <= _REMEMBERED_SAMPLES
    if insight.snapshot is not None:
        check_snapshot(insight.snapshot)
    # Each takes its time, so an input asks for one of them.
    match asked % 4:
        case 0:
            check_told(insight)
        case 1:
            check_stored(insight)
        case 2:
            for now in (NOW - 5, NOW):
                insight = insight.seeing(good_snapshot(), Generation.GEN3, now)
            check_told(insight)
            assert len(insight.samples) <= _REMEMBERED_SAMPLES
        case _:
            _check_rest(remembered)


def _check_rest(remembered: Remembered) -> None:
    """Assert that log and pending writes can be told, and come back as they are."""
    assert len(remembered.log or ()) <= 10
    assert len(remembered.pending) <= len(SETTINGS)
    for each in remembered.pending:
        setting = SETTINGS[each.key]
        writes.plan(setting, each.old_count, each.new_count)
        assert isfinite(to_person(each.key, setting.value(each.old_count), TemperatureScale.APP))
    text = json.dumps(remembered.as_json(), allow_nan=False)
    again = Remembered.from_json(json.loads(text), None)
    assert (again.log, again.pending) == (remembered.log, remembered.pending)


def energies(take: Take) -> None:
    """Read what is stored of the energies: totals never fall, whatever was read and whatever comes next."""
    stored = document(good_energy, take)
    parts = stored if isinstance(stored, dict) else {}
    ledger, tally = Ledger.from_json(parts.get("ledger")), Tally.from_json(parts.get("tally"))
    _check_risen({}, _totals(ledger))
    shown = _totals(ledger)
    total = tally.total
    for now in (NOW + 10, NOW, NOW + 5000, NOW + 5001, NOW + 5002, NOW + 5003, NOW + 5063):
        ledger = _round(ledger, take, now)
        _check_risen(shown, _totals(ledger))
        shown |= _totals(ledger)
        tally = tally.adding({flow.value: ledger.total(flow) for flow in Flow})
        assert total is None or (tally.total is not None and tally.total >= total)
        total = tally.total
        if max(*shown.values(), total or 0.0, 0.0) > _MOST_ENERGY:
            return
        text = json.dumps([ledger.as_json(), tally.as_json()], allow_nan=False)
        again = Ledger.from_json(json.loads(text)[0])
        assert _totals(again) == _totals(ledger)
        assert Tally.from_json(json.loads(text)[1]).total == total
        ledger = again if take.number() & 8 else ledger


def _totals(ledger: Ledger) -> dict[Flow, float]:
    return {flow: total for flow in Flow if (total := ledger.total(flow)) is not None}


def _check_risen(before: Mapping[Flow, float], after: Mapping[Flow, float]) -> None:
    assert all(0 <= total < float("inf") for total in after.values())
    assert all(total >= before.get(flow, 0.0) for flow, total in after.items())


def _round(ledger: Ledger, take: Take, now: float) -> Ledger:
    """Return a ledger after a round of records, of which bytes say what they tell."""

    def told(length: int) -> int | None:
        flags = take.number()
        return None if flags & 1 else take.number(length) if flags & 2 else 1100 + flags

    what = take.number()
    charge, load = told(1), told(1)
    current = None if charge is None or load is None or what & 16 else charge - load
    return ledger.seeing(
        PackRecord(None if what & 32 else 52.0, charge, current, load) if what & 1 else None,
        EnergyRecord(told(3), told(3), told(3), 100 if what & 64 else 50) if what & 2 else None,
        TotalsRecord(told(3), told(3), 9, take.number() % 60) if what & 4 else None,
        BatteryEnergyRecord(told(3), told(3), told(3), told(3)) if what & 8 else None,
        now=now,
    )


def backups(take: Take) -> None:
    """Read a backup: what is restored is what the wire can hold, and is foreseen before it is written."""
    backup = Backup.from_json(document(good_backup, take))
    if backup is None:
        return
    assert all(0 <= value <= SETTINGS[key].encodable[1] for key, value in backup.settings.items())
    assert all(type(value) is float for value in backup.settings.values())
    assert Backup.from_json(json.loads(json.dumps(backup.as_json(), allow_nan=False))) == backup
    assert backup.fits(backup.generation, None)
    for key, value in backup.settings.items():
        assert isfinite(to_person(key, value, TemperatureScale.APP))
    changes = [writes.Change(key, value) for key, value in backup.settings.items()]
    held = ordinary_settings()
    try:
        writes.check(changes, held, 3.4, backup.generation, unconfirmed=True)
    except SettingRefusedError:
        return
    ordered = writes.order(changes, held)
    assert {change.key for change in ordered} == backup.settings.keys()
    foreseen(Insight().seeing(good_snapshot(), Generation.GEN3, NOW), held, ordered)


_HEADER: Final = (
    b"smartbms-recording 1 integration=0.5.0 generation=%d device_type=%d began=2026-05-01T09:30:00+00:00\n"
)
_PIN: Final = re.compile(r"(3[0-9]){4}")


def recordings(take: Take) -> None:
    """Read a recording: it is played, replayed and recorded anew, and never holds a PIN then."""
    flags, content = take.number(), take.rest()
    if flags & 1:
        content = _HEADER % ((2, 2) if flags & 2 else (3, 6)) + content
    try:
        recorded = recording.parse(content.decode("utf-8", "replace"))
    except RecordingError:
        return
    seconds = [said.seconds for said in recorded.said]
    assert seconds == sorted(seconds)
    assert recorded.damaged >= 0
    for newest in (None, 0, 9, 255):
        assert len(recorded.log(newest)) <= 10
    for _, fold in deque(recorded.folded(), maxlen=1):
        check_snapshot(fold.snapshot())
    _check_recorded_anew(recorded)
    _check_replay(recorded)


def _check_recorded_anew(recorded: recording.Recording) -> None:
    """Assert that nothing is lost but the PIN, and that one that is lost stays so."""
    first = _recorded_anew(recorded)
    again = _recorded_anew(first)
    assert len(first.said) == len(recorded.said)
    assert again == first
    command = ""
    for was, said in zip(recorded.said, first.said, strict=True):
        command = was.text if was.direction is Direction.SENT else command
        if command.startswith("PW"):
            # These are no words of a record.
            assert not re.search("1234PW|PW1234", said.text)
        if command == "S1@":
            assert "31323334S" not in said.text
        assert re.search(r"PW(?!\*{4}!)", said.text) is None
        assert not any(_PIN.fullmatch(part) for part in said.text.split("_"))


def _recorded_anew(recorded: recording.Recording) -> recording.Recording:
    """Return a recording of what a recording says, which nothing can be wrong with."""
    now = 0.0
    recorder = Recorder(recorded.header, lambda: now)
    for said in recorded.said:
        now = said.seconds
        recorder.tap(said.direction, said.text)
    found = recording.parse(recorder.text)
    assert (found.damaged, found.is_cut) == (0, False)
    return found


def _check_replay(recorded: recording.Recording) -> None:
    now = 0.0
    try:
        replay = Replay(recorded, lambda: now)
    except EmptyRecordingError:
        return
    replay.receive(b"V@\rE!\r")
    for _ in range(4):
        now += 5.0
        replay.advance()
        replay.take()


def downloads(take: Take) -> None:
    """Diagnose a file as `scripts/diagnose` does: it is refused, or what it holds is told."""
    flags = take.number()
    content = take.rest()
    if flags & 1:
        download = document(good_download, Take(content))
        # What is no object any more is a capture, and bytes alone are the better ones.
        content = json.dumps(download).encode() if isinstance(download, dict) else b""
    try:
        case = read(content, None, NOW)
    except UnreadableError:
        return
    assert case.insight.at is not None
    assert isinstance(case.circumstances, Circumstances)
    check_told(case.insight, case.insight.at, case.circumstances)


_JSON_WORDS: Final = (*(b"{", b"}", b"[", b"]", b":", b",", b'"', b"null", b"true", b"NaN", b"1e400"),)
_RECORDING_WORDS: Final = (
    b"0.331 > V@\n0.352 < 33B_10_10_03_2A8_78\n",
    b"1.204 < U_0528_+0000_+0000_+0000\n",
    b"1.300 > S1@\n1.301 < 00C8_0064_0028_31323334_05\n",
    b"1.400 > PW1234!\n1.401 < OK\n",
    b"1.410 < 00C8_0064_0028_31323334S1@\n",
    b"1.420 < 1234PW1234!\n",
    b"1.500 > L0@\n1.501 < 000190_01_23F_07_9D\n",
    b"1.600 < C_01_02_294_129_03\n",
    *(b"smartbms-recording 1", b" < ", b" > ", b"\n", b"\\a", b"@", b"_", b"PW", b"3132"),
)

STORED_TARGETS: Final = (
    Target(name="recordings", run=_plainly(recordings), longest=800, words=_RECORDING_WORDS),
    Target(name="knowledge", run=_plainly(knowledge), longest=200, words=_JSON_WORDS),
    Target(name="energies", run=_plainly(energies), longest=300, words=_JSON_WORDS),
    Target(name="backups", run=_plainly(backups), longest=200, words=_JSON_WORDS),
    Target(name="downloads", run=_plainly(downloads), longest=400, words=_JSON_WORDS),
)
