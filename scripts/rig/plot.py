"""The course of a recording as a picture; needs matplotlib."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .case import Moment

_HOURS_FROM = 3 * 3600.0
# What the relays do stands in four rows, one above the other.
_ROWS = (
    ("charging: BMS", "charge_allowed"),
    ("charging: manual", "charge_expected"),
    ("discharging: BMS", "discharge_allowed"),
    ("discharging: manual", "discharge_expected"),
)


def plot(moments: Sequence[Moment], title: str, path: Path) -> None:
    """Write cell voltages, current, state of charge and relay decisions over time as PNG."""
    began = moments[0].at
    divisor, unit = (3600.0, "h") if moments[-1].at - began > _HOURS_FROM else (60.0, "min")
    times = [(moment.at - began) / divisor for moment in moments]
    figure = Figure(figsize=(11, 10), layout="constrained")
    cells, current, charge, relays = figure.subplots(
        4, 1, sharex=True, height_ratios=(3, 2, 2, 2), squeeze=True
    )
    # Dollars would begin a formula, and not every font has every character of a file's name.
    cells.set_title(title.encode("ascii", "replace").decode().replace("$", r"\$"))
    for index in range(max(len(moment.voltages) for moment in moments)):
        voltages = [moment.voltages[index] if index < len(moment.voltages) else None for moment in moments]
        _draw(cells, times, voltages)
    cells.set_ylabel("cell voltages in V")
    _draw(current, times, [moment.current for moment in moments])
    current.set_ylabel("current in A")
    _draw(charge, times, [moment.state_of_charge for moment in moments])
    charge.set_ylabel("state of charge in %")
    for row, (_, name) in enumerate(_ROWS):
        states: list[float | None] = [getattr(moment, name) for moment in moments]
        raised = [None if state is None else 0.7 * state - row for state in states]
        relays.step(times, [_number(value) for value in raised], where="post")
    relays.set_yticks([-row for row in range(len(_ROWS))], [label for label, _ in _ROWS])
    relays.set_ylim(0.3 - len(_ROWS), 1)
    relays.set_ylabel("allowed")
    relays.set_xlabel(f"{unit} since {_calendar(began)}")
    for axes in (cells, current, charge, relays):
        axes.grid(alpha=0.3)
    figure.savefig(path, format="png", dpi=110)


def _draw(axes: Axes, times: Sequence[float], values: Sequence[float | None]) -> None:
    axes.plot(
        times, [_number(value) for value in values], linewidth=1, marker="." if len(times) < 3 else None
    )


def _number(value: float | None) -> float:
    """Return a number to draw; what is not known leaves a gap."""
    return float("nan") if value is None else float(value)


def _calendar(at: float) -> str:
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError, OverflowError, OSError:
        return "the beginning"
