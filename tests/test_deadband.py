"""Which changes of a measured value are written, and how right what is shown stays."""

from math import inf

from hypothesis import given, strategies as st
import pytest

from custom_components.smartbms.deadband import Deadband

# A cell: steps of 5 mV, three of them at once, fewer after ten minutes.
CELL = Deadband(step=0.005, width=0.015, patience=600)
# A power: 40 W or a tenth at once, each watt after two minutes.
POWER = Deadband(step=1.0, width=40.0, share=0.1, patience=120)


@pytest.mark.parametrize(
    ("deadband", "shown", "value", "age", "is_news"),
    [
        # Unknown and known, whatever else.
        (CELL, None, 3.3, 0, True),
        (CELL, 3.3, None, 0, True),
        (CELL, None, None, 9999, False),
        # Three steps of a cell are exactly the width, though not in binary.
        (CELL, 3.3, 3.315, 0, True),
        (CELL, 3.315, 3.3, 0, True),
        (CELL, 3.3, 3.31, 599, False),
        (CELL, 3.3, 3.31, 600, True),
        (CELL, 3.3, 3.305, 600, True),
        (CELL, 3.3, 3.3, 9999, False),
        (CELL, 3.3, 3.3049, 9999, False),
        # Of a small power 40 W count, of a large one a tenth.
        (POWER, 0.0, 39.0, 0, False),
        (POWER, 0.0, 40.0, 0, True),
        (POWER, 3000.0, 2701.0, 0, False),
        (POWER, 3000.0, 2700.0, 0, True),
        (POWER, -3000.0, -2701.0, 0, False),
        (POWER, -3000.0, 0.0, 0, True),
        (POWER, 500.0, 501.0, 120, True),
        (POWER, 500.0, 500.9, 120, False),
        # At most once a minute.
        (Deadband(step=0.001, width=inf, patience=60), 10.0, 500.0, 59, False),
        (Deadband(step=0.001, width=inf, patience=60), 10.0, 10.001, 60, True),
        # Each step at once.
        (Deadband(step=1.0), 62.0, 63.0, 0, True),
        (Deadband(step=1.0), 62.0, 62.0, 9999, False),
    ],
)
def test_what_is_written(
    deadband: Deadband, shown: float | None, value: float | None, age: float, is_news: bool
) -> None:
    """By how far a value moved and how long it has been shown."""
    assert deadband.is_news(shown, value, age) is is_news


@given(
    st.lists(st.tuples(st.integers(-4000, 4000), st.integers(1, 60)), max_size=50),
    st.floats(1, 500),
    st.floats(0, 0.5),
    st.floats(0, 600),
)
def test_what_is_shown_stays_right(
    walk: list[tuple[int, int]], width: float, share: float, patience: float
) -> None:
    """After a publication it is off by less than the width, and once it is old by less than a step."""
    deadband = Deadband(step=1.0, width=width, share=share, patience=patience)
    shown, age = 0.0, 0.0
    for value, seconds in walk:
        age += seconds
        if deadband.is_news(shown, value, age):
            shown, age = float(value), 0.0
        assert abs(value - shown) < max(width, share * abs(shown), 1.0)
        assert age < patience or abs(value - shown) < 1.0
