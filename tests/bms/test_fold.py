"""Lines become a snapshot in which one damaged line changes nothing of weight."""

import pytest

from custom_components.smartbms.bms.blocks import Version
from custom_components.smartbms.bms.device import Generation
from custom_components.smartbms.bms.fold import Fold
from custom_components.smartbms.bms.lines import Rejection
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import (
    BatteryEnergyRecord,
    Cell,
    EnergyRecord,
    HealthRecord,
    PackRecord,
    Snapshot,
    Status,
    TemperatureRecord,
    TotalsRecord,
    VoltageRecord,
)

LINES = [
    "U_0AF0_+0014_+0014_+000A",
    "V_28A_01_2BC_04_2A8",
    "T_125_02_12B_01_07",
    "C_01_04_2BC_12C_03_30",
    "C_02_04_28A_12B_03_30",
    "C_03_04_294_12A_03_30",
    "C_04_04_295_129_03_30",
    "E_0004D2_001F40_000237_32",
    "M_000141_00012A_17:03",
    "H_5F_08E8_08FC_63_0005E9_0005DE",
    "B_000141_00012A_0004D2_000237",
]


def fold(*lines: str) -> Fold:
    """Return what some lines of a generation 3 add up to."""
    found = Fold(Generation.GEN3)
    for line in lines:
        found.line(line)
    return found


def cell(number: int, count: int = 4, *, status: int = 0x03, volts: int = 0x2BC) -> str:
    """Return the line of a cell at 25 degrees."""
    return f"C_{number:02X}_{count:02X}_{volts:03X}_12C_{status:02X}_30"


def statuses(*values: str) -> list[str]:
    """Return lines of cell 1 of 4 with one status byte after another."""
    return [f"C_01_04_2BC_12C_{value}" for value in values]


def full(found: Fold) -> bool:
    """Return whether every cell was heard; a call, for it changes from line to line."""
    return found.full_cycle


PACK_OF_4 = [cell(1), cell(2), cell(3), cell(4)]


def test_nothing_heard() -> None:
    """Before the first line nothing is known."""
    assert fold().snapshot() == Snapshot()


def test_one_round() -> None:
    """One record of each kind and one of every cell make a whole snapshot."""
    found = fold(*LINES, LINES[1], LINES[2])
    found.version(Version("3.3.11", Generation.GEN3, 3, 3.45))
    found.settings({SettingKey.V_MIN: 2.9}, verified=False)
    assert found.snapshot() == Snapshot(
        firmware="3.3.11",
        version_balance_voltage=3.45,
        status=Status(0x03, 0x30),
        pack=PackRecord(14.0, 1.0, 1.0, 0.5),
        voltages=VoltageRecord(3.25, 1, 3.5, 4, 3.4),
        temperatures=TemperatureRecord(293, 2, 299, 1, 7),
        cells=(Cell(3.5, 300), Cell(3.25, 299), Cell(3.3, 298), Cell(3.305, 297)),
        energy=EnergyRecord(1234, 8000, 567, 50),
        totals=TotalsRecord(321, 298, 23, 3),
        health=HealthRecord(95, 2280, 2300, 99, 15.13, 15.02),
        battery_energy=BatteryEnergyRecord(321, 298, 1234, 567),
        settings={SettingKey.V_MIN: 2.9},
        settings_verified=False,
    )
    assert (found.accepted, found.rejected) == (13, {})


def test_latest_record_counts() -> None:
    """A record replaces the one before, fields that are not known too."""
    assert fold("U_0AF0_+0014_+0014_+000A", "U_0AF1_X000_+0013_X000").snapshot().pack == PackRecord(
        14.005, None, 0.95, None
    )


def test_generation_decides_the_current_step() -> None:
    """The same line means 2.5 times the current on a generation 2."""
    found = Fold(Generation.GEN2)
    assert found.line("U_0AF0_+0014_+0014_+000A")
    assert found.snapshot().pack == PackRecord(14.0, 2.5, 2.5, 1.25)


def test_what_is_no_record_is_counted() -> None:
    """Every line is either taken or counted by the reason why not."""
    found = fold("OK", "V@", "U_0AF0", "U_0AF0_+0014_+0014_+00GA", "E_000000_000000_000000_65")
    assert found.rejected == {
        Rejection.UNKNOWN: 2,
        Rejection.FIELD_COUNT: 1,
        Rejection.UNPARSABLE: 1,
        Rejection.IMPLAUSIBLE: 1,
    }
    assert found.accepted == 0
    assert found.snapshot() == Snapshot()


def test_line_says_whether_it_was_a_record() -> None:
    """The caller learns which lines were records."""
    found = Fold(Generation.GEN3)
    assert found.line("E_000000_000000_000000_64") is True
    assert found.line("E_000000_000000_000000_65") is False


@pytest.mark.parametrize(
    ("heard", "believed"),
    [
        ([], None),
        (["03"], None),
        (["03", "03"], 0x03),
        (["03", "02"], None),
        (["03", "02", "03"], 0x03),
        (["03", "02", "02"], 0x02),
        (["01", "02", "04"], 0x00),
        (["03", "05", "06"], 0x07),
        (["03", "03", "83"], 0x03),
        (["03", "03", "83", "03"], 0x03),
        (["03", "03", "83", "83"], 0x83),
        (["03", "03", "83", "03", "83"], 0x83),
        (["03", "03", "07", "0B"], 0x03),
        (["03", "03", "07", "0F"], 0x07),
        (["FF", "FF", "00"], 0xFF),
        (["FF", "FF", "00", "00"], 0x00),
    ],
)
def test_status_bits_need_two_of_three(heard: list[str], believed: int | None) -> None:
    """Each bit is what two of the last three records say, in either byte."""
    assert fold(*statuses(*heard)).status == Status(believed)
    both = fold(*statuses(*(f"00_{value}" for value in heard)))
    assert both.status.second == believed
    assert both.snapshot().status == both.status


def test_records_without_second_status_byte() -> None:
    """Older firmware sends one status byte, and the other stays unknown."""
    assert fold(*statuses("03", "03", "03")).status == Status(0x03, None)


def test_absent_second_status_byte_is_no_reading() -> None:
    """`X` says nothing about the second byte, and what was believed stays."""
    assert fold(*statuses("03_30", "03_30", "03_X", "03")).status == Status(0x03, 0x30)


def test_cell_count_needs_three_records() -> None:
    """The first two records of a pack do not make a pack."""
    assert fold(cell(1), cell(2)).snapshot().cells == ()
    assert fold(cell(1), cell(2), cell(3)).snapshot().cells == (*[Cell(3.5, 300)] * 3, Cell())


def test_pack_of_two_cells() -> None:
    """The smallest pack is there after one and a half rounds."""
    assert fold(cell(1, 2), cell(2, 2), cell(1, 2)).snapshot().cells == (Cell(3.5, 300),) * 2


def test_pack_of_255_cells() -> None:
    """The largest pack takes 255 records."""
    found = fold(*(cell(number, 255) for number in range(1, 255)))
    assert not full(found)
    found.line(cell(255, 255))
    assert full(found)
    assert found.snapshot().cells == (Cell(3.5, 300),) * 255


@pytest.mark.parametrize("other", [2, 3, 5, 16, 255])
def test_other_cell_count_twice(other: int) -> None:
    """Two damaged records change neither the number of cells nor any value."""
    found = fold(*PACK_OF_4, cell(1, other, volts=0x200), cell(2, other, volts=0x200))
    assert found.snapshot().cells == (Cell(3.5, 300),) * 4
    found.line(cell(3))
    found.line(cell(1, other, volts=0x200))
    assert found.snapshot().cells == (Cell(3.5, 300),) * 4


def test_other_cell_counts_that_disagree() -> None:
    """Three records that disagree with each other change nothing either."""
    found = fold(*PACK_OF_4, cell(1, 5), cell(2, 6), cell(2, 5), cell(3, 5), cell(1, 6))
    assert len(found.snapshot().cells) == 4


@pytest.mark.parametrize("count", [2, 3, 5, 16, 255])
def test_other_cell_count_three_times(count: int) -> None:
    """Three records that agree change the pack, and what belonged to cell numbers is gone."""
    found = fold(*LINES, "V_28A_01_2BC_04_2A8", "T_125_02_12B_01")
    found.line(cell(1, count, volts=0x294))
    found.line(cell(2, count, volts=0x294))
    assert len(found.snapshot().cells) == 4
    found.line(cell(2, count, volts=0x295))
    after = found.snapshot()
    assert after.cells == (Cell(3.3, 300), Cell(3.305, 300), *[Cell()] * (count - 2))
    assert (after.voltages, after.temperatures) == (None, None)
    assert after.energy == EnergyRecord(1234, 8000, 567, 50)
    assert full(found) is (count == 2)


def test_extremes_that_come_before_the_cells() -> None:
    """They stay when the number of cells becomes known, unless they are of a cell that is not there."""
    cells = [cell(1), cell(2), cell(3)]
    found = fold("V_28A_01_2BC_04_2A8", "T_125_02_12B_01", *cells).snapshot()
    assert found.voltages == VoltageRecord(3.25, 1, 3.5, 4, 3.4)
    assert found.temperatures is not None
    found = fold("V_28A_01_2BC_05_2A8", "T_125_05_12B_01", *cells).snapshot()
    assert (found.voltages, found.temperatures) == (None, None)


def test_one_record_with_a_communication_error() -> None:
    """One damaged bit takes no value away: the record says nothing of its cell, and that is all."""
    found = fold(*PACK_OF_4, cell(2, status=0x04, volts=0))
    assert found.snapshot().cells == (Cell(3.5, 300),) * 4


def test_a_broken_chain_hides_the_cells() -> None:
    """While the chain of cell boards is broken nothing is known of any cell, least of all the old values."""
    found = fold(*PACK_OF_4, *LINES[1:3], cell(2, status=0x04, volts=0), cell(3, status=0x07, volts=0x200))
    found.line("V_28A_01_2BC_04_2A8")
    broken = found.snapshot()
    assert broken.status == Status(0x07, 0x30)
    assert broken.cells == (Cell(),) * 4
    assert (broken.voltages, broken.temperatures) == (None, None)
    found.line(cell(2, volts=0x294))
    found.line(cell(3))
    mended = found.snapshot()
    assert mended.status == Status(0x03, 0x30)
    assert mended.cells == (Cell(), Cell(3.3, 300), Cell(3.5, 300), Cell())
    assert mended.voltages == VoltageRecord(3.25, 1, 3.5, 4, 3.4)


def test_a_chain_broken_from_the_start() -> None:
    """A cell that is sent as zeros brings the alarm, and no value."""
    found = fold(*("C_01_04_000_000_04_00",) * 3)
    assert found.snapshot().cells == (Cell(),) * 4
    assert found.status == Status(0x04, 0x00)
    assert not found.rejected


@pytest.mark.parametrize(
    "line",
    [
        "V_28A_05_2BC_04_2A8",
        "V_28A_01_2BC_05_2A8",
        "V_28A_FF_2BC_FF_2A8",
        "T_125_05_12B_01",
        "T_125_02_12B_05",
    ],
)
def test_extremes_beyond_the_pack(line: str) -> None:
    """A pack of four has no cell 5, so the record is damaged."""
    found = fold(*LINES[3:], *LINES[1:3])
    before = found.snapshot()
    assert found.line(line) is False
    assert found.rejected == {Rejection.IMPLAUSIBLE: 1}
    assert found.snapshot() == before


def test_extremes_within_the_pack() -> None:
    """The last cell is within, and a cell that is not known may be."""
    found = fold(*PACK_OF_4)
    assert found.line("V_28A_04_2BC_04_2A8")
    assert found.line("V_X00_X0_2BC_X0_2A8")
    assert found.line("T_X00_X0_12B_04")
    assert found.snapshot().voltages == VoltageRecord(None, None, 3.5, None, 3.4)


def test_extremes_before_any_cell() -> None:
    """While the number of cells is not known any cell may be the lowest."""
    found = fold("V_28A_FF_2BC_01_2A8", "T_125_FF_12B_01")
    assert found.accepted == 2
    assert found.snapshot().voltages == VoltageRecord(3.25, 255, 3.5, 1, 3.4)


def test_full_cycle() -> None:
    """A cycle is full when every cell was heard since it began."""
    found = fold()
    assert not full(found)
    for line in PACK_OF_4[:3]:
        found.line(line)
        assert not full(found)
    found.line(PACK_OF_4[3])
    assert full(found)
    found.begin_cycle()
    assert not full(found)
    for number in (2, 3, 3, 4):
        found.line(cell(number))
        assert not full(found)
    # A cell counts as heard although a broken chain hides its value.
    found.line(cell(1, status=0x04))
    assert full(found)


def test_news() -> None:
    """The kinds that have come since somebody looked; what is no record is none."""
    found = fold(LINES[0], "nonsense")
    assert found.news == {PackRecord}
    found.news.clear()
    assert found.line(LINES[0])
    assert found.news == {PackRecord}


def test_forget() -> None:
    """After a reconnection only the number of cells, firmware and settings are still known."""
    found = fold(*LINES, *LINES[1:3])
    found.version(Version("3.3.11", Generation.GEN3, 3, 3.45))
    found.settings({SettingKey.V_MIN: 2.9}, verified=True)
    found.forget()
    assert found.snapshot() == Snapshot(
        firmware="3.3.11",
        version_balance_voltage=3.45,
        cells=(Cell(),) * 4,
        settings={SettingKey.V_MIN: 2.9},
    )
    assert not full(found)
    assert found.accepted == 13
    found.line(cell(1))
    assert found.status == Status(None, None)
    assert found.snapshot().cells == (Cell(3.5, 300), Cell(), Cell(), Cell())


def test_forget_drops_records_of_another_pack() -> None:
    """Records before a reconnection do not count towards another number of cells."""
    found = fold(*PACK_OF_4, cell(1, 5), cell(2, 5))
    found.forget()
    found.line(cell(3, 5))
    assert len(found.snapshot().cells) == 4


def test_snapshot_does_not_change() -> None:
    """A snapshot that was handed out stays as it is."""
    found = fold(*PACK_OF_4)
    values = {SettingKey.V_MIN: 2.9}
    found.settings(values, verified=True)
    before = found.snapshot()
    found.line(cell(1, volts=0x294))
    found.line("E_000000_000000_000000_64")
    values[SettingKey.V_MIN] = 0.0
    assert before.cells[0] == Cell(3.5, 300)
    assert before.energy is None
    assert before.settings == {SettingKey.V_MIN: 2.9}
    with pytest.raises(TypeError):
        before.settings[SettingKey.V_MIN] = 0.0  # type: ignore[index]


def test_several_lines_at_once() -> None:
    """Whether any of them was a record is told once; what none was is counted all the same."""
    found = Fold(Generation.GEN3)
    assert found.lines(["OK", "E_000000_000000_000000_64", "V@"]) is True
    assert found.lines(["OK", "V@"]) is False
    assert found.lines([]) is False
    assert (found.accepted, found.rejected) == (1, {Rejection.UNKNOWN: 4})


def test_the_same_line_on_the_other_generation() -> None:
    """Once the version has told the generation, what was heard before it means something else."""
    found = fold("U_0AF0_+0014_+0014_+000A")
    found.generation = Generation.GEN2
    assert found.generation is Generation.GEN2
    found.line("U_0AF0_+0014_+0014_+000A")
    assert found.snapshot().pack == PackRecord(14.0, 2.5, 2.5, 1.25)


def test_only_the_last_lines_are_kept() -> None:
    """A thousand lines that differ take no more room than some sixty."""
    found = fold(*(f"E_{count:06X}_000000_000000_64" for count in range(1000)))
    assert found.accepted == 1000
    assert len(found._known) <= 65
