"""The recent history: a moment every five minutes, for two days."""

from dataclasses import replace

import pytest

from custom_components.smartbms.bms.state import Snapshot
from custom_components.smartbms.model.samples import Sample, Samples, add, as_json, from_json

from .test_twin import SNAPSHOT

MOMENT = Sample(1000.0, 6.6, 1.0, 50, 3.3, 3.3, 294, 300, True, True)


def test_a_moment() -> None:
    """Pack, extremes, and what the BMS allowed."""
    assert add((), SNAPSHOT, 1000.0) == (MOMENT,)


def test_what_is_not_known_is_not_kept() -> None:
    """Of a BMS that has said nothing there is only the time."""
    assert add((), Snapshot(), 5.0) == (Sample(5.0, *[None] * 9),)


def test_every_five_minutes() -> None:
    """Ten minutes of a snapshot every five seconds are three moments."""
    samples: Samples = ()
    for second in range(0, 601, 5):
        samples = add(samples, SNAPSHOT, 1000.0 + second)
    assert [each.at for each in samples] == [1000.0, 1300.0, 1600.0]


def test_two_days() -> None:
    """The oldest goes when the newest comes."""
    samples: Samples = ()
    for number in range(700):
        samples = add(samples, SNAPSHOT, 300.0 * number)
    assert (len(samples), samples[0].at, samples[-1].at) == (576, 300.0 * 124, 300.0 * 699)


def test_a_clock_that_is_set_back() -> None:
    """What has times that are still to come is no history."""
    later = replace(SNAPSHOT)
    assert add((MOMENT,), later, 10.0) == (MOMENT._replace(at=10.0),)


def test_stored_and_back() -> None:
    """What was written is read again."""
    assert from_json(as_json((MOMENT,))) == (MOMENT,)


def test_a_history_that_is_too_long() -> None:
    """However long a file is, two days are kept, the last ones."""
    rows = [[float(number), *[None] * 9] for number in range(5000)]
    assert [each.at for each in from_json(rows)] == [float(number) for number in range(4424, 5000)]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e300, -(10**400)])
def test_a_number_that_nothing_has(number: float) -> None:
    """What cannot be calculated with is no moment, neither as its time nor as a value."""
    assert from_json([[number, *[None] * 9], [5.0, number, *[None] * 8]]) == ()


@pytest.mark.parametrize("rows", [None, 5, "text", [5], [[1.0]], [["x", *[None] * 9]], [[None] * 10]])
def test_what_is_no_history(rows: object) -> None:
    """Damaged rows are left out."""
    assert from_json(rows) == ()
