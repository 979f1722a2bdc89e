"""Bytes as they arrive become lines, whatever the bytes (protocol.md 3.1)."""

from collections import Counter

import pytest

from custom_components.smartbms.bms.lines import LineReader, Rejection

STREAM = b"U_0AF0_+0014_+0014_+000A\rV_295_0D_29B_0F_2A8\rE_000000_000000_000000_64\r"
LINES = ["U_0AF0_+0014_+0014_+000A", "V_295_0D_29B_0F_2A8", "E_000000_000000_000000_64"]


def read(*pieces: bytes) -> tuple[list[str], Counter[Rejection]]:
    """Return the lines in some pieces and what was thrown away."""
    reader = LineReader()
    return [line for piece in pieces for line in reader.feed(piece)], reader.rejected


def test_joined() -> None:
    """Several lines may arrive at once."""
    assert read(STREAM) == (LINES, Counter())


def test_cut_in_two() -> None:
    """A notification ends anywhere, within a line or between two."""
    for position in range(len(STREAM) + 1):
        assert read(STREAM[:position], STREAM[position:]) == (LINES, Counter())


@pytest.mark.parametrize("size", [1, 2, 3, 7, 19, 20])
def test_cut_in_many(size: int) -> None:
    """Notifications of 20 bytes and less put together the same lines."""
    assert read(*(STREAM[at : at + size] for at in range(0, len(STREAM), size))) == (LINES, Counter())


def test_line_comes_with_its_end() -> None:
    """A line is there as soon as its end is, not before."""
    reader = LineReader()
    assert reader.feed(b"E_000000_000000") == []
    assert reader.feed(b"_000000_64") == []
    assert reader.feed(b"\r") == ["E_000000_000000_000000_64"]
    assert reader.feed(b"\r") == []


def test_bytearray() -> None:
    """Bluetooth backends hand over a bytearray."""
    assert LineReader().feed(bytearray(STREAM)) == LINES


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"V@\r$333_03_05_03_DBB_EF\r", ["V@", "333_03_05_03_DBB_EF"]),
        (b"$$$$V@\r333_03_05_03_DBB_EF\r", ["V@", "333_03_05_03_DBB_EF"]),
        (b"O$K\r", ["OK"]),
        (b"$\r$$\r", []),
        (b"$$$$", []),
    ],
)
def test_pings_vanish(data: bytes, lines: list[str]) -> None:
    """A ping that is echoed back may stand before, behind or within anything."""
    assert read(data) == (lines, Counter())


def test_echo_is_a_line() -> None:
    """The echo of a command comes as a line of its own, before the answer."""
    assert read(b"PW1234!\rOK\r") == (["PW1234!", "OK"], Counter())


@pytest.mark.parametrize(
    "data",
    [
        STREAM.replace(b"\r", b" "),
        STREAM.replace(b"\r", b"\r\n"),
        STREAM.replace(b"\r", b"\n"),
        STREAM.replace(b"\r", b" \r\n\r  "),
        b"\r\n " + STREAM,
    ],
)
def test_other_ends(data: bytes) -> None:
    """A space or a line feed ends a line as well, and empty pieces are nothing."""
    assert read(data) == (LINES, Counter())


def test_nothing() -> None:
    """No bytes are no line."""
    assert read(b"") == ([], Counter())


@pytest.mark.parametrize("pieces", [(b"V@\r\a", b"OK\r"), (b"V@\r\aOK\r",), (b"V@\r", b"\a", b"OK", b"\r")])
def test_bell(pieces: tuple[bytes, ...]) -> None:
    """A bell, which rejects a command, is a line of its own without any end."""
    assert read(*pieces) == (["V@", "\a", "OK"], Counter())


def test_bell_ends_a_line() -> None:
    """What stands before a bell is a line too."""
    assert read(b"Z@\a\a") == (["Z@", "\a", "\a"], Counter())


@pytest.mark.parametrize(
    "bad", [b"\x00", b"\x05", b"\x1b", b"\t", b"\x7f", b"\x80", b"\xe9", b"\xff", b"\xe2\x82\xac"]
)
@pytest.mark.parametrize("place", [0, 3, 24])
def test_garbage_spoils_its_line_only(bad: bytes, place: int) -> None:
    """A byte that is not printable ASCII makes one line unusable, and no other."""
    line = STREAM[:24]
    data = line[:place] + bad + line[place:] + STREAM[24:]
    expected = (LINES[1:], Counter({Rejection.NOT_TEXT: 1}))
    assert read(data) == expected
    assert read(*(data[at : at + 1] for at in range(len(data)))) == expected


def test_256_bytes_are_a_line() -> None:
    """The longest line has 256 bytes."""
    assert read(b"A" * 256 + b"\r") == (["A" * 256], Counter())
    assert read(b"A" * 256, b"\rOK\r") == (["A" * 256, "OK"], Counter())
    assert read(*[b"A"] * 256, b"\r") == (["A" * 256], Counter())
    assert read(b"OK\r" + b"A" * 256, b"\r") == (["OK", "A" * 256], Counter())


@pytest.mark.parametrize(
    "pieces",
    [
        (b"A" * 257 + b"\rOK\r",),
        (b"A" * 257, b"\rOK\r"),
        (b"A" * 257, b"\r", b"OK\r"),
        (b"A" * 256, b"A\rOK\r"),
        (b"A" * 256, b"A", b"\rOK\r"),
        (b"A" * 200, b"A" * 200, b"A" * 200, b"A" * 200, b"A\rOK\r"),
        (*[b"A"] * 257, b"\r", b"O", b"K", b"\r"),
        (b"A" * 100_000, b"A" * 100_000 + b"\rOK\r"),
    ],
)
def test_257_bytes_are_not(pieces: tuple[bytes, ...]) -> None:
    """A longer line is skipped up to its end and counted once; the next line is fine."""
    assert read(*pieces) == (["OK"], Counter({Rejection.TOO_LONG: 1}))


def test_pings_and_separators_do_not_count() -> None:
    """The 256 bytes are those of the line itself."""
    assert read(b"$" * 300 + b" " * 300 + b"A" * 256 + b"$\r") == (["A" * 256], Counter())


def test_many_short_lines_at_once() -> None:
    """Only a line has a longest length, not what arrives at once."""
    assert read(b"OK\r" * 500) == (["OK"] * 500, Counter())


def test_two_too_long_lines() -> None:
    """Each of two lines that are too long is counted."""
    long = b"A" * 300
    assert read(long, b"\r" + long, b"\rOK\r") == (["OK"], Counter({Rejection.TOO_LONG: 2}))


def test_never_ending_line_is_forgotten() -> None:
    """A line without an end takes no more room than the longest line."""
    reader = LineReader()
    for _ in range(1000):
        assert reader.feed(b"A" * 20) == []
        assert len(reader._rest) <= 256
    assert reader.rejected == Counter({Rejection.TOO_LONG: 1})


def test_clear_forgets_the_line_that_has_begun() -> None:
    """After `clear` the next byte begins a line."""
    reader = LineReader()
    reader.feed(b"E_00000")
    reader.clear()
    assert reader.feed(b"OK\r") == ["OK"]


def test_clear_ends_skipping() -> None:
    """After `clear` nothing is skipped any more."""
    reader = LineReader()
    reader.feed(b"A" * 300)
    reader.clear()
    assert reader.feed(b"OK\r") == ["OK"]
    assert reader.rejected == Counter({Rejection.TOO_LONG: 1})
