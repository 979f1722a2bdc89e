"""The search for a PIN, without which not finding one would prove nothing."""

import pytest

from .pins import spellings


@pytest.mark.parametrize(
    "text",
    [
        b'"pin": "8642"',
        b"PW8642!",
        b"01_0F_64_38363432_7A",
        b"38 36 34 32",
        b"[56, 54, 52, 50]",
        rb"\x38\x36\x34\x32",
        b"'8642'",
        b"8642",
    ],
)
def test_the_search_finds_a_pin(text: bytes) -> None:
    """However it is spelt."""
    assert spellings("8642").search(text)


@pytest.mark.parametrize("text", [b"12:00:00.8642", b"186420", b"0.8642", b"a8642b", b"8642.5"])
def test_the_search_finds_no_other_number(text: bytes) -> None:
    """A time, an identifier or a measured value is none."""
    assert not spellings("8642").search(text)
