"""Answers to queries against the values they stand for (protocol.md 5)."""

import pytest

from custom_components.smartbms.bms import blocks, settings
from custom_components.smartbms.bms.blocks import Answer, Version
from custom_components.smartbms.bms.device import Generation
from custom_components.smartbms.bms.lines import Rejection
from custom_components.smartbms.bms.settings import Block, SettingKey

GEN2, GEN3 = Generation.GEN2, Generation.GEN3

VERSION = "33B_10_10_03_2A8_78"
GENERAL = "00C8_0064_0028_31323334_05"
THRESHOLDS = "244_2E4_11A_16C_5F_05_10F_252_294_0A_05_27"
OPERATION = "02_00_00_00_00_000C_000C_05_05_01_01_0A_85"
RELAY = "00_01_00_21"
# What a generation 2 sends: short blocks and a two-digit firmware.
GEN2_VERSION = "0F_10_10_03_2A8_46"
GEN2_THRESHOLDS = "21C_2D0_11A_16C_5F_05_79"
PUBLISHED = "333_03_05_03_DBB_EF"


def answer(line: str) -> Answer:
    """Return an answer whose checksum has to agree."""
    found = blocks.split(line)
    assert isinstance(found, Answer)
    assert found.verified
    return found


def unverified(*fields: str) -> Answer:
    """Return an answer with some fields."""
    return Answer(fields, verified=False)


@pytest.mark.parametrize(
    "line",
    [
        VERSION,
        GENERAL,
        THRESHOLDS,
        OPERATION,
        RELAY,
        "1C2_A6",
        "000190_01_23F_07_9D",
        "02_505050505050504F4E4D4C4B_7D",
        GEN2_VERSION,
        GEN2_THRESHOLDS,
    ],
)
def test_checksum(line: str) -> None:
    """The worked examples verify, and joining their fields gives them back."""
    fields = tuple(line.split("_")[:-1])
    assert answer(line).fields == fields
    assert blocks.join(fields) == line
    assert blocks.checksum(fields) == line[-2:]


def test_wrong_checksum() -> None:
    """One wrong character is noticed, and the fields are there all the same."""
    for position, character in enumerate(VERSION):
        if character != "_":
            line = VERSION[:position] + ("5" if character == "4" else "4") + VERSION[position + 1 :]
            assert blocks.split(line) == Answer(tuple(line.split("_")[:-1]), verified=False)


def test_checksum_has_large_letters() -> None:
    """A checksum in small letters is not what a BMS sends."""
    assert blocks.split("1C2_a6") == unverified("1C2")


@pytest.mark.parametrize("line", ["", "OK", "NA", "V@", "A6"])
def test_split_needs_a_field(line: str) -> None:
    """A line without separator is no answer to a query."""
    assert blocks.split(line) is Rejection.FIELD_COUNT


@pytest.mark.parametrize(
    "line",
    [
        "_A6",
        "1C2_",
        "1C2_A",
        "1C2_0A6",
        "33B__10_03_2A8_78",
        "33B_+1_10_03_2A8_78",
        "M_000141_00012A_17:03",
        "U_0AF0_+0014_+0014_+000A",
        "1C2 _A6",
    ],
)
def test_split_unparsable(line: str) -> None:
    """Empty fields, signs and a checksum of other than two characters are no answer."""
    assert blocks.split(line) is Rejection.UNPARSABLE


def test_version_generation_3() -> None:
    """`33B` is firmware 3.3.11; balance voltage 3.400 V, charging and discharging allowed."""
    assert blocks.version(answer(VERSION)) == Version("3.3.11", GEN3, 3, 3.4)


def test_version_generation_2() -> None:
    """`0F` is firmware 1.5."""
    assert blocks.version(answer(GEN2_VERSION)) == Version("1.5", GEN2, 3, 3.4)


@pytest.mark.parametrize(
    ("text", "firmware", "generation"),
    [
        ("300", "3.0.0", GEN3),
        ("3FF", "3.15.15", GEN3),
        ("3410", "3.4.16", GEN3),
        ("0A", "1.0", GEN2),
        ("F", "1.5", GEN2),
        ("18", "2.4", GEN2),
        ("FF", "25.5", GEN2),
    ],
)
def test_firmware(text: str, firmware: str, generation: Generation) -> None:
    """Three digits and more are major, minor, build; fewer are one number with tens as major."""
    assert blocks.version(unverified(text, "10", "10", "03", "2A8")) == Version(firmware, generation, 3, 3.4)


def test_published_answer() -> None:
    """The only published answer does not verify and names a balance voltage of 17.575 V."""
    found = blocks.split(PUBLISHED)
    assert found == unverified("333", "03", "05", "03", "DBB")
    assert isinstance(found, Answer)
    assert blocks.checksum(found.fields) == "8C"
    assert blocks.version(found) == Version("3.3.3", GEN3, 3, None)


@pytest.mark.parametrize(
    ("status", "balance", "expected"),
    [
        ("FF", "4B0", Version("3.3.11", GEN3, 255, 6.0)),
        ("100", "4B1", Version("3.3.11", GEN3, None, None)),
        ("00", "000", Version("3.3.11", GEN3, 0, None)),
    ],
)
def test_version_limits(status: str, balance: str, expected: Version) -> None:
    """A status is a byte, and no cell is balanced at 0 V or above 6 V."""
    assert blocks.version(unverified("33B", "10", "10", status, balance)) == expected


def test_version_ignores_what_nobody_knows() -> None:
    """Fields 1 and 2 and whatever follows the balance voltage decide nothing."""
    assert blocks.version(unverified("33B", "ZZ", "YY", "03", "2A8", "XX")) == Version("3.3.11", GEN3, 3, 3.4)


@pytest.mark.parametrize(
    ("fields", "rejection"),
    [
        (("33B",), Rejection.FIELD_COUNT),
        (("33B", "10", "10", "03"), Rejection.FIELD_COUNT),
        (("33G", "10", "10", "03", "2A8"), Rejection.UNPARSABLE),
        (("33b", "10", "10", "03", "2A8"), Rejection.UNPARSABLE),
        (("33B", "10", "10", "0X3", "2A8"), Rejection.UNPARSABLE),
        (("33B", "10", "10", "03", "2AZ"), Rejection.UNPARSABLE),
        (("3" * 5000, "10", "10", "03", "2A8"), Rejection.UNPARSABLE),
    ],
)
def test_version_rejected(fields: tuple[str, ...], rejection: Rejection) -> None:
    """A version needs five fields, and the known ones are hexadecimal and no longer than any number."""
    assert blocks.version(unverified(*fields)) is rejection


def test_encode_version() -> None:
    """The simulated BMS sends what the worked examples show."""
    assert blocks.join(blocks.encode_version("3.3.11", GEN3, 3, 3.4)) == VERSION
    assert blocks.join(blocks.encode_version("1.5", GEN2, 3, 3.4)) == GEN2_VERSION


@pytest.mark.parametrize(
    ("block", "fields"),
    [
        (Block.GENERAL, ("00C8", "0064", "10000", "31323334")),
        (Block.THRESHOLDS, ("244", "2E4", "11A", "16C", "100", "05")),
        (Block.OPERATION, ("100", "00")),
    ],
)
def test_a_setting_that_its_bytes_cannot_hold(block: Block, fields: tuple[str, ...]) -> None:
    """A capacity is two bytes, a percentage and a code are one: what is more was damaged, and so is all."""
    assert blocks.block_settings(block, unverified(*fields)) is Rejection.IMPLAUSIBLE


def test_what_firmware_of_the_future_sends() -> None:
    """Whatever follows the known fields, those are understood."""
    assert blocks.block_settings(Block.LOAD_RELAY, unverified("00", "02", "01", "123456789ABC", "zz")) == {
        SettingKey.LOAD_RELAY_FORCE: 0,
        SettingKey.LOAD_RELAY_FUNCTION: 2,
        SettingKey.LOAD_RELAY_INVERT: 1,
    }


def test_general() -> None:
    """`S1@`: 2000 W solar, 1000 W inverter, 4000 Wh."""
    assert blocks.block_settings(Block.GENERAL, answer(GENERAL)) == {
        SettingKey.SOLAR_PEAK_POWER: 2000,
        SettingKey.INVERTER_PEAK_POWER: 1000,
        SettingKey.CAPACITY: 4000,
    }


@pytest.mark.parametrize("pin", ["31323334", "39383736", "30303030"])
def test_pin_is_never_shown(pin: str) -> None:
    """The PIN stands in the answer, and neither the values nor any text made of them hold it."""
    found = answer(blocks.join(("00C8", "0064", "0028", pin)))
    values = blocks.block_settings(Block.GENERAL, found)
    assert isinstance(values, dict)
    assert sorted(values.values()) == [1000, 2000, 4000]
    plain = bytes.fromhex(pin).decode()
    for text in (repr(found), str(found), f"{found}", repr(values), str(values)):
        assert pin not in text
        assert plain not in text


def test_pin_need_not_be_hexadecimal() -> None:
    """What stands in the place of the PIN is not looked at."""
    assert blocks.block_settings(Block.GENERAL, unverified("00C8", "0064", "0028", "ZZZZ")) == {
        SettingKey.SOLAR_PEAK_POWER: 2000,
        SettingKey.INVERTER_PEAK_POWER: 1000,
        SettingKey.CAPACITY: 4000,
    }


def test_thresholds() -> None:
    """`S2@` of a new generation 3."""
    assert blocks.block_settings(Block.THRESHOLDS, answer(THRESHOLDS)) == {
        SettingKey.V_MIN: 2.9,
        SettingKey.V_MAX: 3.7,
        SettingKey.T_MIN_CHARGE: 282,
        SettingKey.T_MAX: 364,
        SettingKey.CHARGE_RESTART: 95,
        SettingKey.DISCHARGE_RESTART: 5,
        SettingKey.T_MIN_DISCHARGE: 271,
        SettingKey.V_LOW: 2.97,
        SettingKey.V_NOMINAL: 3.3,
        SettingKey.V_MIN_HYSTERESIS: 0.1,
        SettingKey.V_MAX_HYSTERESIS: 0.05,
    }


def test_thresholds_generation_2() -> None:
    """`S2@` of a generation 2 ends after the discharge restart."""
    assert blocks.block_settings(Block.THRESHOLDS, answer(GEN2_THRESHOLDS)) == {
        SettingKey.V_MIN: 2.7,
        SettingKey.V_MAX: 3.6,
        SettingKey.T_MIN_CHARGE: 282,
        SettingKey.T_MAX: 364,
        SettingKey.CHARGE_RESTART: 95,
        SettingKey.DISCHARGE_RESTART: 5,
    }


@pytest.mark.parametrize("count", range(6, 12))
def test_thresholds_depend_on_firmware(count: int) -> None:
    """Every firmware sends the first fields and as many of the others as it knows."""
    values = blocks.block_settings(Block.THRESHOLDS, unverified(*THRESHOLDS.split("_")[:count]))
    assert isinstance(values, dict)
    assert list(values.values()) == [2.9, 3.7, 282, 364, 95, 5, 271, 2.97, 3.3, 0.1, 0.05][:count]


@pytest.mark.parametrize(
    ("sent", "raw"),
    [("0E0", 224), ("16C", 364), ("10F", 271), ("0DF", 282), ("16D", 282), ("000", 282), ("FFF", 282)],
)
def test_t_min_discharge(sent: str, raw: int) -> None:
    """Outside -40 to 80 degrees it is not set, and T min charge counts for both."""
    values = blocks.block_settings(
        Block.THRESHOLDS, unverified("244", "2E4", "11A", "16C", "5F", "05", sent, "252")
    )
    assert isinstance(values, dict)
    assert values[SettingKey.T_MIN_DISCHARGE] == raw
    assert values[SettingKey.T_MIN_CHARGE] == 282
    assert values[SettingKey.V_LOW] == 2.97


def test_operation() -> None:
    """`S3@`: 500 A sensor, delays 60, 60, 10 and 10 s, LFP, tail current 2 A."""
    assert blocks.block_settings(Block.OPERATION, answer(OPERATION)) == {
        SettingKey.SENSOR_TYPE: 2,
        SettingKey.CRITICAL_MODE: 0,
        SettingKey.CHARGE_RELAY_OFF: 0,
        SettingKey.LOAD_RELAY_OFF: 0,
        SettingKey.USE_MEASURED_CAPACITY: 0,
        SettingKey.CHARGE_RESTART_DELAY: 60,
        SettingKey.DISCHARGE_RESTART_DELAY: 60,
        SettingKey.CHARGE_PAUSE_DELAY: 10,
        SettingKey.DISCHARGE_PAUSE_DELAY: 10,
        SettingKey.SOC_VOLTAGE_CORRECTION: 1,
        SettingKey.CHEMISTRY: 1,
        SettingKey.FULL_SYNC_TAIL_CURRENT: 2.0,
    }


def test_operation_of_old_firmware() -> None:
    """`S3@` has at least sensor type and critical mode; type 11 is `0B`."""
    assert blocks.block_settings(Block.OPERATION, unverified("0B", "01")) == {
        SettingKey.SENSOR_TYPE: 11,
        SettingKey.CRITICAL_MODE: 1,
    }


def test_relays() -> None:
    """`SRY0@` and `SRY1@`: force position, function, invert."""
    assert blocks.block_settings(Block.CHARGE_RELAY, answer(RELAY)) == {
        SettingKey.CHARGE_RELAY_FORCE: 0,
        SettingKey.CHARGE_RELAY_FUNCTION: 1,
        SettingKey.CHARGE_RELAY_INVERT: 0,
    }
    assert blocks.block_settings(Block.LOAD_RELAY, unverified("02", "04", "01")) == {
        SettingKey.LOAD_RELAY_FORCE: 2,
        SettingKey.LOAD_RELAY_FUNCTION: 4,
        SettingKey.LOAD_RELAY_INVERT: 1,
    }


@pytest.mark.parametrize(
    ("block", "line"),
    [
        (Block.GENERAL, "00C8_0064_0028_31323334"),
        (Block.THRESHOLDS, GEN2_THRESHOLDS.removesuffix("_79")),
        (Block.OPERATION, "02_00"),
        (Block.CHARGE_RELAY, "00_01_00"),
        (Block.LOAD_RELAY, "00_01_00"),
    ],
)
def test_block_rejected(block: Block, line: str) -> None:
    """A block that is too short or not hexadecimal holds no settings at all."""
    fields = line.split("_")
    assert isinstance(blocks.block_settings(block, unverified(*fields)), dict)
    assert blocks.block_settings(block, unverified(*fields[:-1])) is Rejection.FIELD_COUNT
    assert blocks.block_settings(block, unverified("0G", *fields[1:])) is Rejection.UNPARSABLE
    assert blocks.block_settings(block, unverified("0a", *fields[1:])) is Rejection.UNPARSABLE


def test_later_firmware_may_send_more() -> None:
    """Fields behind the known ones do not matter."""
    values = blocks.block_settings(Block.CHARGE_RELAY, unverified("00", "01", "00", "07"))
    assert isinstance(values, dict)
    assert list(values.values()) == [0, 1, 0]


@pytest.mark.parametrize(
    ("block", "line", "counts"),
    [
        (Block.THRESHOLDS, THRESHOLDS, [580, 740, 282, 364, 95, 5, 271, 594, 660, 10, 5]),
        (Block.OPERATION, OPERATION, [2, 0, 0, 0, 0, 12, 12, 5, 5, 1, 1, 10]),
        (Block.CHARGE_RELAY, RELAY, [0, 1, 0]),
        (Block.LOAD_RELAY, RELAY, [0, 1, 0]),
    ],
)
def test_encode_settings(block: Block, line: str, counts: list[int]) -> None:
    """The simulated BMS sends the settings as the worked examples show."""
    rows = settings.of_block(block)
    by_key = dict(zip([row.key for row in rows], counts, strict=True))
    assert blocks.join(settings.encode(rows, by_key)) == line


def test_queries() -> None:
    """The queries are those of protocol.md 3.4."""
    assert (blocks.VERSION_QUERY, blocks.CLOCK_QUERY) == ("V@", "TS@")
    assert " ".join(blocks.LOG_QUERIES) == "L0@ L1@ L2@ L3@ L4@ L5@ L6@ L7@ L8@ L9@"
    assert " ".join(blocks.HISTORY_QUERIES) == "H0@ H1@ H2@ H3@ H4@ H5@ H6@ H7@ H8@ H9@ HA@ HB@ HC@ HD@"
    assert blocks.HISTORY_HOURS == 14 * 12
