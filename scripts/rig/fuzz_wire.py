"""The targets of the fuzzer that stand where bytes come over the radio and over the wire."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
import re
from typing import Final

from custom_components.smartbms.bms import advertisement, blocks, stored, uart_frame, writes
from custom_components.smartbms.bms.advertisement import BRSP_SERVICE, COMPANY_IDS, NAME, NORDIC_UART_SERVICE
from custom_components.smartbms.bms.alarms import break_cell, new_alarms
from custom_components.smartbms.bms.blocks import Answer, Version
from custom_components.smartbms.bms.device import DeviceType, Generation, TemperatureScale
from custom_components.smartbms.bms.fold import Fold
from custom_components.smartbms.bms.lines import MAX_LINE, LineReader, Rejection
from custom_components.smartbms.bms.memory import Memory
from custom_components.smartbms.bms.records import decode, encode, forget, layout_of
from custom_components.smartbms.bms.settings import SETTINGS, Block, SettingKey
from custom_components.smartbms.bms.state import Record, Snapshot, TotalsRecord
from custom_components.smartbms.bms.uart_frame import Frame

from .fuzz_checks import (
    NOW,
    Take,
    Target,
    check_model,
    check_snapshot,
    check_views,
    is_in_range,
    ordinary_settings,
    pieces,
)

_LINE: Final = re.compile(rb"[!-#%-~]{1,256}|\a")
_OTHER_COMPANY: Final = 0x004C
_OTHER_SERVICE: Final = "0000180f-0000-1000-8000-00805f9b34fb"
# What more of them would tell, they tell of one another.
_MOST_ANSWERS: Final = 2
# The longest counter that the storage keeps: a BMS counts seconds in it for 136 years.
_LONGEST_COUNTER: Final = 0xFFFFFFFF


def advertisements(data: bytes) -> None:
    """Tell a BMS by its manufacturer data, else by its name, else by its service."""
    take = Take(data)
    flags = take.number()
    name = None if flags & 1 else take.some(take.number() % 32).decode("utf-8", "replace")
    if flags & 2 and name is not None:
        name = NAME + name
    manufacturer = {
        company: take.some(take.number() % 8)
        for bit, company in zip((4, 8, 16, 32), (*COMPANY_IDS, _OTHER_COMPANY), strict=True)
        if flags & bit
    }
    services = [
        service
        for bit, service in ((64, NORDIC_UART_SERVICE.upper()), (128, BRSP_SERVICE), (1, _OTHER_SERVICE))
        if flags & bit
    ]
    found = advertisement.parse(name, manufacturer, services)
    told = [manufacturer[each] for each in COMPANY_IDS if len(manufacturer.get(each, b"")) >= 4]
    if not told:
        is_named = name is not None and name.startswith((NAME, "123BMS-BLE"))
        is_silent = not name and not manufacturer and bool(flags & (64 | 128))
        assert found == (advertisement.Advertised() if is_named or is_silent else None)
    elif found is None:
        assert told[0][1] not in {2, 4, 6}
    else:
        assert found.device_type is DeviceType(told[0][1])
        assert found.serial_number is not None
        assert re.fullmatch(r"[0-9]{5}", found.serial_number)
        assert int(found.serial_number) == told[0][2] * 256 + told[0][3]
        assert found.title == f"{NAME} {found.serial_number}"


def lines(data: bytes) -> None:
    """Cut a stream: it is the same lines however it is cut, no more than one is kept, the rest is counted."""
    take = Take(data)
    size, stream = take.number(), take.rest()
    whole, reader = LineReader(), LineReader()
    expected = whole.feed(stream)
    found: list[str] = []
    for piece in pieces(stream, size):
        found += reader.feed(piece)
        # The bound is of what no caller can see.
        assert len(vars(reader)["_rest"]) <= MAX_LINE
    assert found == expected
    assert reader.rejected == whole.rejected
    *ended, rest = re.split(rb"[\r\n ]", stream.replace(b"$", b"").replace(b"\a", b"\r\a\r"))
    good = [line for line in ended if _LINE.fullmatch(line)]
    assert expected == [line.decode() for line in good]
    bad = sum(bool(line) for line in ended) - len(good) + (len(rest) > MAX_LINE)
    assert whole.rejected.total() == bad


def _check_record(line: str, record: Record, generation: Generation) -> None:
    """Assert that a record says what its line says: an `X` is not known, and nothing else but what is absent."""
    assert is_in_range(record)
    texts = line.split("_")[1:]
    if isinstance(record, TotalsRecord):
        texts[-1:] = texts[-1].split(":", 1)
    fields = zip(texts, record, layout_of(type(record)).fields, strict=False)
    per_ampere = 8 if generation is Generation.GEN2 else 20
    for text, value, field in fields:
        if value is None:
            assert text.startswith("X") or int(text, 16) == field.absent
        else:
            per_unit = per_ampere if field.low < 0 else field.per_unit
            assert value == int(text, 16) / per_unit
    assert all(value is None for value in record[len(texts) :])
    assert decode(encode(record, generation), generation) == record


def records(data: bytes) -> None:
    """Fold a stream: nothing is made up, nothing grows, and the model takes what comes of it."""
    take = Take(data)
    flags, size, stream = take.number(), take.number(), take.rest()
    generation = Generation.GEN2 if flags & 1 else Generation.GEN3
    # What was said before must not hide a way through the code.
    forget()
    reader, fold = LineReader(), Fold(generation)
    if flags & 2:
        fold.version(Version("3.3.11", generation, 3, 3.4))
        fold.settings(ordinary_settings(), verified=True)
    heard: list[Record] = []
    seen = 0
    for piece in pieces(stream, size):
        for line in reader.feed(piece):
            seen += 1
            record = decode(line, generation)
            if not isinstance(record, Rejection):
                _check_record(line, record, generation)
                heard.append(record)
            assert not fold.line(line) or not isinstance(record, Rejection)
    assert fold.accepted + fold.rejected.total() == seen
    assert len(vars(fold)["_pending"]) < 3
    assert len(fold.news) <= 8
    snapshot = fold.snapshot()
    _check_nothing_made_up(snapshot, heard)
    check_snapshot(snapshot)
    # Each takes its time, so an input asks for one of them.
    if flags & 8:
        check_views(snapshot)
    elif flags & 16:
        check_model(snapshot, generation)
    elif flags & 4:
        fold.forget()
        assert all(part is None for cell in fold.snapshot().cells for part in cell)
        assert fold.snapshot().pack is None


def _check_nothing_made_up(snapshot: Snapshot, heard: Sequence[Record]) -> None:
    parts: Iterable[Record | None] = (
        snapshot.pack,
        snapshot.voltages,
        snapshot.temperatures,
        snapshot.energy,
    )
    assert all(part is None or part in heard for part in parts)
    assert snapshot.totals is None or snapshot.totals in heard
    said = {(record[2], record[3]) for record in heard if len(record) == 6} | {(None, None)}
    assert all(cell in said for cell in snapshot.cells)


def answers(data: bytes) -> None:
    """Take any text for an answer to any query: its fields are in range, and the model takes them."""
    take = Take(data)
    flags, text = take.number(), take.rest()
    for line in LineReader().feed(text + b"\r")[:_MOST_ANSWERS]:
        answer = blocks.split(blocks.join(line.split("_")) if flags & 1 else line)
        if isinstance(answer, Answer):
            assert answer.verified or not flags & 1
            if not flags & 1:
                assert answer.verified is (blocks.join(answer.fields) == line)
            if flags & 4:
                _check_memory(answer)
            else:
                _check_settings(
                    answer, Generation.GEN2 if flags & 2 else Generation.GEN3, asks=bool(flags & 8)
                )


def _check_settings(answer: Answer, generation: Generation, *, asks: bool) -> None:
    """Assert that version and settings are in range; what the model makes of them, where that `asks` for it."""
    settings: dict[SettingKey, float] = {}
    for block in Block:
        values = blocks.block_settings(block, answer)
        if not isinstance(values, Rejection):
            assert all(SETTINGS[key].block is block for key in values)
            settings |= values
    fold = Fold(generation)
    version = blocks.version(answer)
    if not isinstance(version, Rejection):
        assert version.balance_voltage is None or 0 < version.balance_voltage <= 6
        assert version.status is None or 0 <= version.status <= 0xFF
        fold.version(version)
    fold.settings(settings, verified=answer.verified)
    for line in (
        "U_0294_+0028_+0028_+0000",
        "V_293_07_295_03_2A8",
        "T_126_01_12C_10",
        "E_0004D2_001F40_000237_32",
    ):
        fold.line(line)
    for number in (1, 2, 3):
        fold.line(f"C_{number:02X}_10_294_129_03")
    snapshot = fold.snapshot()
    check_snapshot(snapshot)
    if asks:
        check_model(snapshot, generation)
        return
    for key in settings:
        low, high = writes.bounds(key, settings, snapshot.balance_voltage, generation)
        assert 0 <= low <= high


def _check_memory(answer: Answer) -> None:
    """Assert that log and history are in range, and can be told at a time that a calendar has."""
    clock, entry, part = blocks.clock(answer), blocks.log_entry(answer), blocks.history_part(answer)
    assert isinstance(clock, Rejection) or 0 <= clock <= _LONGEST_COUNTER
    if not isinstance(entry, Rejection):
        assert stored.log_from_json(stored.log_as_json([entry])) == (entry,)
        seconds = _LONGEST_COUNTER if isinstance(clock, Rejection) else clock
        read_at = datetime.fromtimestamp(NOW, UTC)
        for alarm in new_alarms(Memory(seconds, 0.0, (entry,)), (), TemperatureScale.APP, read_at):
            assert alarm.voltage is None or 0 <= alarm.voltage <= 6
            assert alarm.temperature is None or -100 <= alarm.temperature <= 200
            assert alarm.cell is None or 1 <= alarm.cell <= 255
        assert break_cell([entry]) is None or 1 <= (break_cell([entry]) or 0) <= 255
    if not isinstance(part, Rejection):
        newest, values = part
        assert newest < blocks.HISTORY_HOURS
        assert len(values) == 12
        assert all(value is None or 0 <= value <= 100 for value in values)
        assert blocks.history_part(Answer(tuple(blocks.encode_history_part(newest, values)), True)) == part


def frames(data: bytes) -> None:
    """Take any bytes for a frame: what is one can be sent again, and its `X` is not known."""
    take = Take(data)
    flags, body = take.number(), take.rest()
    if flags & 1:
        body = body[:57].ljust(57, b"\0")
        body += bytes((sum(body) % 256,))
    frame = uart_frame.decode(body)
    if not isinstance(frame, Frame):
        return
    assert uart_frame.decode(uart_frame.encode(frame)) == frame
    pack = frame.pack
    currents = (pack.charge_current, pack.load_current, pack.battery_current)
    assert [each is None for each in currents] == [body[place] == ord("X") for place in (3, 6, 9)]
    assert frame.cell is None or 1 <= frame.cell.number <= frame.cell.cell_count
    fold = Fold(Generation.GEN2)
    for record in (pack, frame.voltages, frame.temperatures, frame.cell, frame.energy, frame.totals):
        if record is not None:
            line = encode(record, Generation.GEN2)
            assert not fold.line(line) or decode(line, Generation.GEN2) == record
    check_snapshot(fold.snapshot())


_RECORD_WORDS: Final = (
    b"U_0528_+0000_+0000_+0000\r",
    b"V_293_07_295_03_2A8\r",
    b"T_126_01_12C_10_05\r",
    b"C_01_10_294_129_03_30\r",
    b"C_02_02_294_129_03\r",
    b"E_0004D2_001F40_000237_32\r",
    b"M_000141_00012A_09:1E\r",
    b"H_FF_08E8_08FC_63_0005E9_0005DE\r",
    b"B_000121_000112_0003E8_0007D0\r",
    *(b"\r", b"\n", b" ", b"$", b"\a", b"_", b":", b"X", b"+", b"-", b"0X", b"FF"),
)
_ANSWER_WORDS: Final = (
    b"33B_10_10_03_2A8",
    b"0F_10_10_03_2A8",
    b"244_2E4_11A_16C_5F_05_10F_252_294_0A_05",
    b"00C8_0064_0028_31323334",
    b"02_00_00_00_00_000C_000C_05_05_01_01_0A",
    b"00_01_00",
    b"000190_01_23F_07",
    b"02_505050505050504F4E4D4C4B",
    *(b"_", b"FFFFFFFF", b"00000000", b"FF"),
)

WIRE_TARGETS: Final = (
    Target(name="advertisements", run=advertisements, longest=80, words=(b"123\\SmartBMS", b"123BMS-BLE")),
    Target(name="lines", run=lines, longest=800, words=_RECORD_WORDS),
    Target(name="records", run=records, words=_RECORD_WORDS),
    Target(name="answers", run=answers, longest=300, words=_ANSWER_WORDS),
    Target(name="frames", run=frames, longest=64),
)
