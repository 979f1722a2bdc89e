"""Whatever arrives, in whatever pieces: nothing breaks, grows, or is made up."""

from itertools import pairwise
import re

from hypothesis import HealthCheck, given, settings, strategies as st

from custom_components.smartbms.bms import blocks, uart_frame
from custom_components.smartbms.bms.blocks import Answer
from custom_components.smartbms.bms.device import Generation
from custom_components.smartbms.bms.fold import Fold
from custom_components.smartbms.bms.lines import LineReader, Rejection
from custom_components.smartbms.bms.records import decode, encode
from custom_components.smartbms.bms.settings import Block
from custom_components.smartbms.bms.state import (
    BatteryEnergyRecord,
    Cell,
    CellRecord,
    EnergyRecord,
    HealthRecord,
    PackRecord,
    Record,
    Snapshot,
    TemperatureRecord,
    TotalsRecord,
    VoltageRecord,
)

FAST = settings(
    max_examples=120,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

GENERATIONS = st.sampled_from(Generation)
BYTES = st.binary(max_size=400) | st.lists(
    st.sampled_from([bytes((byte,)) for byte in b"UVTCEMHB_0123456789ABCDEFX+-:\r $\n\a\x80"]), max_size=400
).map(b"".join)


def counts(low: int, high: int, per_unit: int) -> st.SearchStrategy[float]:
    """Return values on a grid."""
    return st.integers(low, high).map(lambda count: count / per_unit)


CELL_VOLTS = counts(0, 1200, 200)
RAW = st.integers(155, 504)
CELL = st.none() | st.integers(1, 255)
BYTE = st.integers(0, 255)
PERCENT = st.none() | st.integers(0, 100)
WHOLE = st.none() | st.integers(0, 0xFFFFFF)


@st.composite
def pairs[T: (float, int)](
    draw: st.DrawFn, values: st.SearchStrategy[T]
) -> tuple[T | None, int | None, T | None, int | None]:
    """Return lowest and highest with their cells, either of which may not be known."""
    low, high = sorted((draw(values), draw(values)))
    lowest = draw(st.sampled_from((low, None)))
    highest = draw(st.sampled_from((high, None)))
    return lowest, draw(CELL), highest, draw(CELL)


@st.composite
def cells(draw: st.DrawFn) -> CellRecord:
    """Return a cell of a pack."""
    count = draw(st.integers(2, 255))
    return CellRecord(
        draw(st.integers(1, count)),
        count,
        draw(st.none() | CELL_VOLTS),
        draw(st.none() | RAW),
        draw(BYTE),
        draw(st.none() | BYTE),
    )


def records(generation: Generation) -> st.SearchStrategy[Record]:
    """Return any record a BMS of a generation can send."""
    per_ampere = 8 if generation is Generation.GEN2 else 20
    amperes = st.none() | counts(-2500 * per_ampere, 2500 * per_ampere, per_ampere)
    return st.one_of(
        st.builds(PackRecord, st.none() | counts(0, 306_000, 200), amperes, amperes, amperes),
        st.tuples(pairs(CELL_VOLTS), st.none() | CELL_VOLTS).map(
            lambda both: VoltageRecord(*both[0], both[1])
        ),
        st.tuples(pairs(RAW), st.none() | BYTE).map(lambda both: TemperatureRecord(*both[0], both[1])),
        cells(),
        st.builds(EnergyRecord, WHOLE, WHOLE, WHOLE, PERCENT),
        st.builds(TotalsRecord, WHOLE, WHOLE, st.none() | st.integers(0, 23), st.none() | st.integers(0, 59)),
        st.builds(
            HealthRecord,
            PERCENT,
            WHOLE,
            WHOLE,
            PERCENT,
            st.none() | counts(0, 0xFFFFFF, 100),
            st.none() | counts(0, 0xFFFFFF, 100),
        ),
        st.builds(BatteryEnergyRecord, WHOLE, WHOLE, WHOLE, WHOLE),
    )


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    """Return the lines of a generation 3 with a small pack, so that its size is agreed upon."""
    count = draw(st.integers(2, 4))
    own = st.builds(
        CellRecord,
        st.integers(1, count),
        st.just(count),
        CELL_VOLTS,
        RAW,
        st.sampled_from((3, 7, 0x83)),
        BYTE,
    )
    drawn = draw(st.lists(own | own | records(Generation.GEN3), min_size=1, max_size=30))
    ends = draw(st.lists(st.sampled_from(("\r", "\r", " ", "\r\n", "\r$")), min_size=30, max_size=30))
    return [
        (encode(record, Generation.GEN3) + end).encode() for record, end in zip(drawn, ends, strict=False)
    ]


def read(pieces: list[bytes]) -> tuple[LineReader, Fold]:
    """Return what reads the pieces, after it has done so."""
    reader, fold = LineReader(), Fold(Generation.GEN3)
    for piece in pieces:
        for line in reader.feed(piece):
            fold.line(line)
    return reader, fold


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Return the data cut at some places."""
    return [
        data[start:end]
        for start, end in pairwise(sorted({0, len(data), *(min(p, len(data)) for p in places)}))
    ]


@FAST
@given(st.lists(BYTES, max_size=8), GENERATIONS)
def test_random_bytes(pieces: list[bytes], generation: Generation) -> None:
    """Random bytes never raise, never pile up, and every line is accounted for."""
    reader, fold = LineReader(), Fold(generation)
    seen = 0
    for piece in pieces:
        for line in reader.feed(piece):
            assert line == "\a" or re.fullmatch(r"[!-#%-~]{1,256}", line)
            fold.line(line)
            seen += 1
        assert len(reader._rest) <= 256
    assert fold.accepted + fold.rejected.total() == seen
    assert len(fold.snapshot().cells) <= 255
    assert len(fold._pending) < 3


@FAST
@given(streams(), st.lists(st.integers(0, 2000), max_size=40))
def test_cutting_does_not_matter(lines: list[bytes], places: list[int]) -> None:
    """A stream says the same however it is cut, and no line of it is refused by the reader."""
    data = b"".join(lines)
    whole_reader, whole = read([data])
    reader, fold = read(cut(data, places))
    assert fold.snapshot() == whole.snapshot()
    assert (fold.accepted, fold.rejected) == (whole.accepted, whole.rejected)
    assert whole.accepted + whole.rejected.total() == len(lines)
    # Only extremes of cells beyond the small pack are refused.
    assert set(whole.rejected) <= {Rejection.IMPLAUSIBLE}
    assert not whole_reader.rejected
    assert not reader.rejected


@FAST
@given(st.lists(BYTES, max_size=4).map(b"".join), st.lists(st.integers(0, 1600), max_size=20))
def test_cutting_garbage_does_not_matter(data: bytes, places: list[int]) -> None:
    """Garbage too is the same lines and the same complaints however it is cut."""
    whole_reader, whole = read([data])
    reader, fold = read(cut(data, places))
    assert reader.rejected == whole_reader.rejected
    assert (fold.accepted, fold.rejected) == (whole.accepted, whole.rejected)
    assert fold.snapshot() == whole.snapshot()


def valid_records(data: bytes) -> list[Record]:
    """Return the records in a stream, each line of it taken for itself."""
    found = [
        decode(line.decode(), Generation.GEN3)
        for line in re.split(rb"[\r\n \a]", data.replace(b"$", b""))
        if re.fullmatch(rb"[!-~]{1,256}", line)
    ]
    return [record for record in found if not isinstance(record, Rejection)]


def assert_nothing_made_up(snapshot: Snapshot, heard: list[Record]) -> None:
    """Every value of the snapshot stands in one of the records."""
    parts: tuple[Record | None, ...] = (
        snapshot.pack,
        snapshot.voltages,
        snapshot.temperatures,
        snapshot.energy,
        snapshot.totals,
        snapshot.health,
        snapshot.battery_energy,
    )
    for part in parts:
        assert part is None or any(type(record) is type(part) and record == part for record in heard)
    said = [record for record in heard if isinstance(record, CellRecord)]
    for number, cell in enumerate(snapshot.cells, 1):
        assert cell == Cell() or any(
            cell == (record.voltage, record.temperature_raw)
            for record in said
            if (record.number, record.cell_count) == (number, len(snapshot.cells))
        )
    assert not snapshot.cells or sum(record.cell_count == len(snapshot.cells) for record in said) >= 3
    # A bit is believed when at least two records say so.
    for believed, bytes_ in (
        (snapshot.status.first, [record.status for record in said]),
        (snapshot.status.second, [record.status2 for record in said if record.status2 is not None]),
    ):
        assert believed is None or len(bytes_) >= 2
        for bit in (1 << position for position in range(8)):
            assert not (believed or 0) & bit or sum(bool(byte & bit) for byte in bytes_) >= 2


MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(("replace", "insert", "delete", "repeat", "flip")),
        st.integers(0, 2000),
        BYTE | st.sampled_from(b"_0123456789ABCDEFX+-:\r $"),
    ),
    min_size=1,
    max_size=12,
)


def mutate(data: bytes, mutations: list[tuple[str, int, int]]) -> bytes:
    """Return the stream after a bad radio link."""
    for kind, place, byte in mutations:
        at = place % (len(data) + 1)
        match kind:
            case "replace":
                data = data[:at] + bytes((byte,)) + data[at + 1 :]
            case "insert":
                data = data[:at] + bytes((byte,)) + data[at:]
            case "delete":
                data = data[:at] + data[at + 1 + byte % 20 :]
            case "repeat":
                data = data[:at] + data[max(0, at - 20) :]
            case _:
                data = (
                    data[:at] + bytes(value ^ (1 << byte % 8) for value in data[at : at + 1]) + data[at + 1 :]
                )
    return data


@FAST
@given(streams(), MUTATIONS, st.lists(st.integers(0, 2000), max_size=10))
def test_damaged_streams(
    lines: list[bytes], mutations: list[tuple[str, int, int]], places: list[int]
) -> None:
    """No value of a snapshot comes from a damaged line, or from parts of two."""
    data = mutate(b"".join(lines), mutations)
    _, fold = read(cut(data, places))
    assert_nothing_made_up(fold.snapshot(), valid_records(data))


@FAST
@given(streams(), st.data())
def test_one_strange_line_changes_no_more_than_itself(lines: list[bytes], data: st.DataObject) -> None:
    """A line of garbage between good lines leaves all of them as they are."""
    garbage = data.draw(st.binary(max_size=300).filter(lambda bad: not set(bad) & set(b"\r\n \a")))
    at = data.draw(st.integers(0, len(lines)))
    _, clean = read(lines)
    _, dirty = read([*lines[:at], b"~" + garbage + b"\r", *lines[at:]])
    assert dirty.snapshot() == clean.snapshot()
    assert dirty.accepted == clean.accepted


@FAST
@given(st.data(), GENERATIONS)
def test_records_round_trip(data: st.DataObject, generation: Generation) -> None:
    """What one end encodes the other decodes, to the same value and the same text."""
    record = data.draw(records(generation))
    line = encode(record, generation)
    assert len(line) <= 64
    decoded = decode(line, generation)
    assert type(decoded) is type(record)
    assert decoded == record
    assert encode(record, generation) == line
    # The text is what any terminal can show.
    assert re.fullmatch(r"[UVTCEMHB](_[+-]?[0-9A-FX:]+)+", line)


@FAST
@given(st.text(max_size=80) | st.text("UVTCEMHB_0123456789ABCDEFX+-:", max_size=60), GENERATIONS)
def test_random_text_is_a_record_or_a_rejection(line: str, generation: Generation) -> None:
    """Any text is decoded or refused, and what is decoded can be sent again."""
    decoded = decode(line, generation)
    if not isinstance(decoded, Rejection):
        assert decode(encode(decoded, generation), generation) == decoded


@FAST
@given(
    st.binary(min_size=57, max_size=57),
    st.lists(st.tuples(st.integers(0, 56), BYTE), max_size=6),
    st.booleans(),
)
def test_random_frames(random: bytes, changes: list[tuple[int, int]], keep_random: bool) -> None:
    """Any 58 bytes are a frame or a rejection, and what is a frame can be sent again."""
    body = bytearray(
        random
        if keep_random
        else bytes.fromhex(
            "00 29 40 2B 00 50 2B 00 10 2B 00 40 02 93 07 02 95 03 01 26 01 01 2C 10 05 10 02 94 01 29"
            "03 00 04 D2 00 1F 40 00 02 37 32 00 01 41 00 01 2A 29 30 00 A0 02 44 02 E4 02 A8"
        )
    )
    for at, value in changes:
        body[at] = value
    frame = uart_frame.decode(bytes(body) + bytes((sum(body) % 256,)))
    if not isinstance(frame, Rejection):
        assert uart_frame.decode(uart_frame.encode(frame)) == frame
    assert isinstance(uart_frame.decode(bytes(body)), Rejection)


@FAST
@given(st.binary(max_size=120))
def test_random_bytes_are_no_frame(data: bytes) -> None:
    """Bytes of any length never raise."""
    uart_frame.decode(data)


FIELDS = st.lists(
    st.text("0123456789ABCDEF", min_size=1, max_size=24) | st.text(max_size=6), max_size=14
).map("_".join)


@FAST
@given(FIELDS | st.text(max_size=120), st.booleans())
def test_random_answers(text: str, with_checksum: bool) -> None:
    """Any text is an answer or a rejection, for each of the queries."""
    found = blocks.split(blocks.join(text.split("_")) if with_checksum else text)
    if not isinstance(found, Answer):
        assert isinstance(found, Rejection)
        return
    assert found.verified or not with_checksum
    blocks.version(found)
    blocks.clock(found)
    blocks.log_entry(found)
    blocks.history_part(found)
    for block in Block:
        blocks.block_settings(block, found)


@FAST
@given(st.integers(0, 167), st.lists(PERCENT, min_size=168, max_size=168))
def test_history_round_trip(newest: int, slots: list[int | None]) -> None:
    """Fourteen parts put together the ring that was sent."""
    received: list[int | None] = []
    for start in range(0, 168, 12):
        part = blocks.history_part(
            Answer(tuple(blocks.encode_history_part(newest, slots[start : start + 12])), verified=True)
        )
        assert not isinstance(part, Rejection)
        assert part[0] == newest
        received += part[1]
    assert received == slots
    ordered = blocks.history(newest, received)
    assert ordered[-1] == slots[newest]
    assert ordered[0] == slots[(newest + 1) % 168]
    assert len(ordered) == 168
