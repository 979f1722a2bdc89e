"""Each line of the live stream against the values it stands for (protocol.md 4)."""

import pytest

from custom_components.smartbms.bms.device import Generation
from custom_components.smartbms.bms.lines import Rejection
from custom_components.smartbms.bms.records import decode, encode, forget, layout_of
from custom_components.smartbms.bms.state import (
    BatteryEnergyRecord,
    CellRecord,
    EnergyRecord,
    HealthRecord,
    PackRecord,
    Record,
    TemperatureRecord,
    TotalsRecord,
    VoltageRecord,
)

GEN2, GEN3 = Generation.GEN2, Generation.GEN3

# Lines as the BMS sends them; encoding gives the same text back.
SAME_ON_BOTH: list[tuple[str, Record]] = [
    ("V_295_0D_29B_0F_2A8", VoltageRecord(3.305, 13, 3.335, 15, 3.4)),
    ("V_000_01_4B0_FF_000", VoltageRecord(0.0, 1, 6.0, 255, 0.0)),
    ("V_X00_X0_X00_X0_X00", VoltageRecord(None, None, None, None, None)),
    ("V_X00_01_29B_02_X00", VoltageRecord(None, 1, 3.335, 2, None)),
    ("V_295_01_X00_X0_2A8", VoltageRecord(3.305, 1, None, None, 3.4)),
    ("V_29B_01_29B_01_2A8", VoltageRecord(3.335, 1, 3.335, 1, 3.4)),
    ("T_125_02_12B_01", TemperatureRecord(293, 2, 299, 1)),
    ("T_125_02_12B_01_07", TemperatureRecord(293, 2, 299, 1, 7)),
    ("T_125_02_12B_10_00", TemperatureRecord(293, 2, 299, 16, 0)),
    ("T_09B_01_1F8_02", TemperatureRecord(155, 1, 504, 2)),
    ("T_X00_X0_X00_X0", TemperatureRecord(None, None, None, None)),
    ("C_01_04_2BC_12C_03_30", CellRecord(1, 4, 3.5, 300, 3, 0x30)),
    ("C_01_04_2BC_12C_03", CellRecord(1, 4, 3.5, 300, 3)),
    ("C_10_10_2BC_12C_83", CellRecord(16, 16, 3.5, 300, 0x83)),
    ("C_0A_0F_2BC_12C_03", CellRecord(10, 15, 3.5, 300, 3)),
    ("C_FF_FF_2BC_12C_FF_FF", CellRecord(255, 255, 3.5, 300, 0xFF, 0xFF)),
    ("C_01_02_X00_000_04_00", CellRecord(1, 2, None, None, 4, 0)),
    ("E_000000_000000_000000_64", EnergyRecord(0, 0, 0, 100)),
    ("E_0004D2_001F40_000237_32", EnergyRecord(1234, 8000, 567, 50)),
    ("E_FFFFFF_X00000_00F221_X0", EnergyRecord(16777215, None, 61985, None)),
    ("M_000141_00012A_17:03", TotalsRecord(321, 298, 23, 3)),
    ("M_640000_X00000_00:3B", TotalsRecord(6553600, None, 0, 59)),
    ("M_X00000_000000_X0:X0", TotalsRecord(None, 0, None, None)),
    ("H_5F_08E8_08FC_63_0005E9_0005DE", HealthRecord(95, 2280, 2300, 99, 15.13, 15.02)),
    ("H_FF_X000_X000_X0_X00000_000000", HealthRecord(None, None, None, None, None, 0.0)),
    ("H_64_0000_0000_64_000001_000000", HealthRecord(100, 0, 0, 100, 0.01, 0.0)),
    ("B_000141_00012A_0004D2_000237", BatteryEnergyRecord(321, 298, 1234, 567)),
    ("B_X00000_X00000_X00000_000000", BatteryEnergyRecord(None, None, None, 0)),
]
STEPS: list[tuple[str, PackRecord, PackRecord]] = [
    # Text, record of generation 2 (125 mA), record of generation 3 (50 mA).
    ("U_0AF0_+0014_+0014_+000A", PackRecord(14.0, 2.5, 2.5, 1.25), PackRecord(14.0, 1.0, 1.0, 0.5)),
    ("U_2940_+0001_-0001_+0000", PackRecord(52.8, 0.125, -0.125, 0), PackRecord(52.8, 0.05, -0.05, 0)),
    ("U_2940_X000_-0140_X000", PackRecord(52.8, None, -40, None), PackRecord(52.8, None, -16, None)),
    ("U_X000_+0000_+0000_-0003", PackRecord(None, 0, 0, -0.375), PackRecord(None, 0, 0, -0.15)),
    (
        "U_105FF_+4E20_-4E20_+0BB8",
        PackRecord(335.355, 2500.0, -2500.0, 375.0),
        PackRecord(335.355, 1000.0, -1000.0, 150.0),
    ),
]
LINES = [
    *((generation, *row) for row in SAME_ON_BOTH for generation in Generation),
    *((GEN2, line, record) for line, record, _ in STEPS),
    *((GEN3, line, record) for line, _, record in STEPS),
]


@pytest.mark.parametrize(("generation", "line", "record"), LINES)
def test_decode(generation: Generation, line: str, record: Record) -> None:
    """A line means these values, of this type."""
    decoded = decode(line, generation)
    assert type(decoded) is type(record)
    assert decoded == record


@pytest.mark.parametrize(("generation", "line", "record"), LINES)
def test_encode(generation: Generation, line: str, record: Record) -> None:
    """The values are sent as this line."""
    assert encode(record, generation) == line


@pytest.mark.parametrize(
    ("line", "record"),
    [
        ("V_+295_D_+0000029B_0000000F_2A8", VoltageRecord(3.305, 13, 3.335, 15, 3.4)),
        ("V_X_X0000000_XYZ_XX_X12345678", VoltageRecord(None, None, None, None, None)),
        ("T_125_2_12B_1_X", TemperatureRecord(293, 2, 299, 1, None)),
        ("C_1_4_2BC_12C_3_X", CellRecord(1, 4, 3.5, 300, 3, None)),
        ("C_00000001_00000004_000002BC_0000012C_00000003", CellRecord(1, 4, 3.5, 300, 3)),
        ("E_0_0_-0_64", EnergyRecord(0, 0, 0, 100)),
        ("M_0_0_7:3", TotalsRecord(0, 0, 7, 3)),
        ("M_0_0_X:X", TotalsRecord(0, 0, None, None)),
        ("U_AF0_14_-14_X", PackRecord(14.0, 1.0, -1.0, None)),
        ("U_+00000AF0_+00000014_-00000014_X00000000", PackRecord(14.0, 1.0, -1.0, None)),
        ("B_00FFFFFF_1_2_3", BatteryEnergyRecord(16777215, 1, 2, 3)),
    ],
)
def test_width_does_not_matter(line: str, record: Record) -> None:
    """No source fixes a width: one to eight digits, with or without sign."""
    assert decode(line, GEN3) == record


@pytest.mark.parametrize(
    "line",
    [
        "OK",
        "NA",
        "V@",
        "U",
        "_",
        "",
        "\a",
        "E!",
        "X_01_02",
        "u_0AF0_+0014_+0014_+000A",
        "UU_0AF0_+0014_+0014_+000A",
        "33B_10_10_03_2A8_78",
    ],
)
def test_unknown(line: str) -> None:
    """What is no record is said to be unknown."""
    for generation in Generation:
        assert decode(line, generation) is Rejection.UNKNOWN


@pytest.mark.parametrize(
    "line",
    [
        "U_",
        "U_0AF0_+0014_+0014",
        "U_0AF0_+0014_+0014_+000A_0000",
        "V_295_0D_29B_0F",
        "V_295_0D_29B_0F_2A8_00",
        "T_125_02_12B",
        "T_125_02_12B_01_07_00",
        "C_01_04_2BC_12C",
        "C_01_04_2BC_12C_03_30_00",
        "E_000000_000000_000000",
        "E_000000_000000_000000_64_00",
        "M_000141_00012A",
        "M_000141_17:03",
        "M_000141_00012A_17_03",
        "M_000141_00012A_00012A_17:03",
        "M_00:14_17:03",
        "H_5F_08E8_08FC_63_0005E9",
        "H_5F_08E8_08FC_63_0005E9_0005DE_00",
        "B_000141_00012A_0004D2",
        "B_000141_00012A_0004D2_000237_00",
    ],
)
def test_field_count(line: str) -> None:
    """A record with fields missing or left over is not taken."""
    for generation in Generation:
        assert decode(line, generation) is Rejection.FIELD_COUNT


@pytest.mark.parametrize(
    "line",
    [
        "U_0AF0_+0014_+0014_",
        "U__+0014_+0014_+000A",
        "U_0af0_+0014_+0014_+000A",
        "U_0AF0_+0014_+0014_+000a",
        "U_0x10_+0014_+0014_+000A",
        "U_0X10_+0014_+0014_+000A",
        "U_+0X10_+0014_+0014_+000A",
        "U_0AG0_+0014_+0014_+000A",
        "U_0AF0_++014_+0014_+000A",
        "U_0AF0_+-014_+0014_+000A",
        "U_0AF0_+_+0014_+000A",
        "U_0AF0_0014+_+0014_+000A",
        "U_0AF0_+0014_+0014_+00.A",
        "U_0AF0_+0014_+0014_+00:A",
        "U_000000AF0_+0014_+0014_+000A",
        "U_0AF0_000000014_+0014_+000A",
        "U_0AF0_+000000014_+0014_+000A",
        "U_0AF0_+0014_+0014_X123456789",
        "V_295_0D_29B_0F_12345678A",
        "C_X_04_2BC_12C_03",
        "C_01_X_2BC_12C_03",
        "C_01_04_2BC_12C_X",
        "C_01_04_2BC_12C_03_",
        "C_01_04_2BC_12C__30",
        "E_000000_000000_000000_6R",
        "M_000141_00012A_17",
        "M_000141_00012A_17:",
        "M_000141_00012A_:03",
        "M_000141_00012A_17:03:00",
        "M_000141_0001:2A_17",
        "M_000141_00012A_17:0X3",
        "H_5F_08E8_08FC_63_0005E9_0005DE!",
        "B_000141_00012A_0004D2_(00237)",
    ],
)
def test_unparsable(line: str) -> None:
    """Small letters, prefixes, empty fields and more than eight digits are no numbers."""
    for generation in Generation:
        assert decode(line, generation) is Rejection.UNPARSABLE


@pytest.mark.parametrize(
    "line",
    [
        "U_-0001_+0014_+0014_+000A",
        "U_FFFFF_+0014_+0014_+000A",
        "U_4AB51_+0014_+0014_+000A",
        "U_0AF0_+C351_+0014_+000A",
        "U_0AF0_+0014_-C351_+000A",
        "U_0AF0_+0014_+0014_+FFFF",
        "V_4B1_0D_4B1_0F_2A8",
        "V_295_0D_4B1_0F_2A8",
        "V_295_0D_29B_0F_4B1",
        "V_295_00_29B_0F_2A8",
        "V_295_0D_29B_100_2A8",
        "V_29C_0D_29B_0F_2A8",
        "V_-001_0D_29B_0F_2A8",
        "T_09A_02_12B_01",
        "T_125_02_1F9_01",
        "T_12C_02_12B_01",
        "T_125_00_12B_01",
        "T_125_02_12B_100",
        "T_125_02_12B_01_100",
        "C_00_04_2BC_12C_03",
        "C_05_04_2BC_12C_03",
        "C_11_10_2BC_12C_03",
        "C_01_01_2BC_12C_03",
        "C_01_00_2BC_12C_03",
        "C_01_100_2BC_12C_03",
        "C_01_04_4B1_12C_03",
        "C_01_04_2BC_09A_03",
        "C_01_04_2BC_1F9_03",
        "C_01_04_2BC_12C_100",
        "C_01_04_2BC_12C_03_100",
        "C_01_04_2BC_12C_-03",
        "E_000000_000000_000000_65",
        "E_1000000_000000_000000_64",
        "E_-00001_000000_000000_64",
        "M_000141_00012A_18:00",
        "M_000141_00012A_24:00",
        "M_000141_00012A_1703",
        "M_000141_00012A_17:3C",
        "M_1000000_00012A_17:03",
        "H_65_08E8_08FC_63_0005E9_0005DE",
        "H_FE_08E8_08FC_63_0005E9_0005DE",
        "H_5F_08E8_08FC_65_0005E9_0005DE",
        "H_5F_08E8_08FC_63_0005E9_1000000",
        "B_000141_00012A_0004D2_1000000",
    ],
)
def test_implausible(line: str) -> None:
    """Numbers that no battery has come from a damaged line."""
    for generation in Generation:
        assert decode(line, generation) is Rejection.IMPLAUSIBLE


def test_largest_currents() -> None:
    """Plausible is what the largest sensor of the manuals measures, whatever the step."""
    assert decode("U_0AF0_+4E20_-4E20_X", GEN2) == PackRecord(14.0, 2500.0, -2500.0, None)
    assert decode("U_0AF0_+4E21_-4E20_X", GEN2) is Rejection.IMPLAUSIBLE
    assert decode("U_0AF0_+C350_-C350_X", GEN3) == PackRecord(14.0, 2500.0, -2500.0, None)


def test_255_cells() -> None:
    """The largest pack has 255 cells of at most 6 V."""
    for number in range(1, 256):
        record = CellRecord(number, 255, 3.5, 300, 3)
        assert decode(f"C_{number:02X}_FF_2BC_12C_03", GEN3) == record
    assert decode("U_4AB50_X_X_X", GEN3) == PackRecord(1530.0, None, None, None)


@pytest.mark.parametrize(
    "second", ["C_01_04_2BC_12C_03_30", "M_000141_00012A_17:03", "T_125_02_12B_01", "OK"]
)
def test_lost_end(second: str) -> None:
    """Two lines whose end between them got lost are not taken for another one."""
    for generation, first, record in LINES:
        # Whatever follows an `X` belongs to it, so a short reply behind one changes nothing.
        assert decode(first + second, generation) in (*Rejection, record)
        assert isinstance(decode(second + first, generation), Rejection)


def test_what_is_remembered_takes_no_more_room() -> None:
    """Whatever a stranger says: a thousand texts of a field, and none of those that were no value."""
    forget()
    for count in range(5000):
        assert decode(f"E_{count:06X}_0_0_64", GEN3) == EnergyRecord(count, 0, 0, 100)
        assert decode(f"E_0_0_0_{count + 101:X}", GEN3) is Rejection.IMPLAUSIBLE
    values = layout_of(EnergyRecord).values
    assert 2 <= len(values[0]) <= 1024
    assert values[3] == {"64": 100}
    forget()
    assert not any(values)
