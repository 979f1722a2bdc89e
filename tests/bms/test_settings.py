"""The table of settings against the rows of protocol.md 5.2 to 5.5 and 6."""

import pytest

from custom_components.smartbms.bms.device import Generation, TemperatureScale
from custom_components.smartbms.bms.settings import (
    SETTINGS,
    Block,
    Certainty,
    Looser,
    SettingKey,
    Unit,
    decode,
    encode,
    is_writable,
    of_block,
)

BOTH = (Generation.GEN2, Generation.GEN3)
GEN3 = (Generation.GEN3,)
K = SettingKey

# Key, addresses, answer and field that reads it back, a value in its unit, the bytes written for it.
ROWS: list[tuple[SettingKey, str, str, int, float, str]] = [
    (K.SOLAR_PEAK_POWER, "010 011", "S1", 0, 2000, "00 C8"),
    (K.INVERTER_PEAK_POWER, "020 021", "S1", 1, 1000, "00 64"),
    (K.CAPACITY, "030 031", "S1", 2, 4000, "00 28"),
    (K.V_MIN, "040 041", "S2", 0, 2.9, "02 44"),
    (K.V_MIN_HYSTERESIS, "042", "S2", 9, 0.1, "0A"),
    (K.V_LOW, "044 045", "S2", 7, 2.97, "02 52"),
    (K.V_NOMINAL, "046 047", "S2", 8, 3.3, "02 94"),
    (K.V_MAX, "050 051", "S2", 1, 3.7, "02 E4"),
    (K.V_MAX_HYSTERESIS, "052", "S2", 10, 0.05, "05"),
    (K.T_MIN_CHARGE, "060 061", "S2", 2, 282, "01 1A"),
    (K.T_MIN_DISCHARGE, "062 063", "S2", 6, 271, "01 0F"),
    (K.T_MAX, "070 071", "S2", 3, 364, "01 6C"),
    (K.CHARGE_RESTART_DELAY, "082 083", "S3", 5, 60, "00 0C"),
    (K.DISCHARGE_RESTART_DELAY, "084 085", "S3", 6, 327675, "FF FF"),
    (K.CHARGE_PAUSE_DELAY, "086", "S3", 7, 10, "05"),
    (K.DISCHARGE_PAUSE_DELAY, "087", "S3", 8, 510, "FF"),
    (K.USE_MEASURED_CAPACITY, "08B", "S3", 4, 1, "01"),
    (K.SOC_VOLTAGE_CORRECTION, "08D", "S3", 9, 1, "01"),
    (K.FULL_SYNC_TAIL_CURRENT, "092", "S3", 11, 2.0, "0A"),
    (K.CHEMISTRY, "015", "S3", 10, 4, "04"),
    (K.SENSOR_TYPE, "016", "S3", 0, 11, "0B"),
    (K.CRITICAL_MODE, "017", "S3", 1, 1, "01"),
    (K.CHARGE_RELAY_OFF, "019", "S3", 2, 1, "01"),
    (K.LOAD_RELAY_OFF, "01A", "S3", 3, 1, "01"),
    (K.CHARGE_RELAY_FUNCTION, "340", "SRY0", 1, 4, "04"),
    (K.CHARGE_RELAY_INVERT, "341", "SRY0", 2, 1, "01"),
    (K.CHARGE_RELAY_FORCE, "342", "SRY0", 0, 2, "02"),
    (K.LOAD_RELAY_FUNCTION, "360", "SRY1", 1, 4, "04"),
    (K.LOAD_RELAY_INVERT, "361", "SRY1", 2, 1, "01"),
    (K.LOAD_RELAY_FORCE, "362", "SRY1", 0, 2, "02"),
]
RESTARTS = [(K.CHARGE_RESTART, 4, 95, 0x5F), (K.DISCHARGE_RESTART, 5, 5, 0x05)]


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_row(row: tuple[SettingKey, str, str, int, float, str]) -> None:
    """A setting is written to these addresses, high byte first, and read back from this field."""
    key, addresses, block, position, value, written = row
    setting = SETTINGS[key]
    assert setting.key is key
    assert setting.addresses == tuple(int(address, 16) for address in addresses.split())
    assert (setting.block, setting.position) == (block, position)
    data = bytes.fromhex(written)
    assert setting.count(value).to_bytes(len(setting.addresses)) == data
    assert setting.value(int.from_bytes(data)) == value
    assert setting.certainty is Certainty.SINGLE_SOURCE


@pytest.mark.parametrize(("key", "position", "value", "count"), RESTARTS)
def test_restarts_are_not_written_unasked(key: SettingKey, position: int, value: int, count: int) -> None:
    """Nobody knows where the restart percentages are written; addresses to try need a wish of their own."""
    setting = SETTINGS[key]
    assert setting.addresses == ()
    assert setting.unconfirmed == setting.write_addresses == (0x080 + position - 4,)
    assert setting.certainty is Certainty.UNKNOWN
    assert (is_writable(setting, unconfirmed=False), is_writable(setting, unconfirmed=True)) == (False, True)
    assert (setting.block, setting.position, setting.unit) == (Block.THRESHOLDS, position, Unit.PERCENT)
    assert setting.count(value) == count
    assert setting.value(count) == value


def test_every_setting_is_listed() -> None:
    """The rows here are all there are."""
    listed = {row[0] for row in ROWS} | {row[0] for row in RESTARTS}
    assert listed == set(SETTINGS) == set(SettingKey)


def test_no_address_twice() -> None:
    """A write cannot reach another setting, nor an address of unknown meaning."""
    addresses = [address for setting in SETTINGS.values() for address in setting.addresses]
    assert len(addresses) == len(set(addresses)) == sum(len(row[1].split()) for row in ROWS)
    assert not {0x080, 0x081, 0x090} & set(addresses)
    # No block shows the inversion of a current sensor, so nobody could verify it.
    assert not {0x08E, 0x08F} & set(addresses)
    assert all(is_writable(SETTINGS[row[0]], unconfirmed=False) for row in ROWS)


@pytest.mark.parametrize("key", list(SettingKey))
def test_every_count_round_trips(key: SettingKey) -> None:
    """Whatever fits the bytes is read as it was written."""
    setting = SETTINGS[key]
    for count in range(256 ** max(1, len(setting.addresses))):
        assert setting.count(setting.value(count)) == count


@pytest.mark.parametrize(
    ("key", "largest"),
    [
        (K.SOLAR_PEAK_POWER, 655350),
        (K.INVERTER_PEAK_POWER, 655350),
        (K.CAPACITY, 6553500),
        (K.V_MIN, 327.675),
        (K.V_MIN_HYSTERESIS, 2.55),
        (K.V_MAX_HYSTERESIS, 2.55),
        (K.CHARGE_RESTART_DELAY, 327675),
        (K.CHARGE_PAUSE_DELAY, 510),
        (K.FULL_SYNC_TAIL_CURRENT, 51),
        (K.CHARGE_RESTART, 255),
    ],
)
def test_largest(key: SettingKey, largest: float) -> None:
    """All bits set are the largest value of protocol.md 6."""
    assert SETTINGS[key].encodable == (0, largest)


@pytest.mark.parametrize(
    ("key", "value", "count"),
    [
        (K.V_MIN, 2.902, 580),
        (K.V_MIN, 2.903, 581),
        (K.CHARGE_RESTART_DELAY, 58, 12),
        (K.CAPACITY, 4040, 40),
        (K.FULL_SYNC_TAIL_CURRENT, 1.15, 6),
    ],
)
def test_nearest_count(key: SettingKey, value: float, count: int) -> None:
    """A value between two counts is written as the nearer one."""
    assert SETTINGS[key].count(value) == count


@pytest.mark.parametrize(("celsius", "raw"), [(0, 271), (10, 282), (45, 323), (80, 364)])
def test_temperature_threshold(celsius: int, raw: int) -> None:
    """A threshold is a raw temperature: 10 degrees are written as 282."""
    for key in (K.T_MIN_CHARGE, K.T_MIN_DISCHARGE, K.T_MAX):
        assert SETTINGS[key].unit is Unit.RAW_TEMPERATURE
        assert SETTINGS[key].count(TemperatureScale.APP.raw(celsius)) == raw


@pytest.mark.parametrize(
    ("block", "count", "generations"),
    [
        (Block.GENERAL, 3, BOTH),
        (Block.THRESHOLDS, 11, BOTH),
        (Block.OPERATION, 12, GEN3),
        (Block.CHARGE_RELAY, 3, GEN3),
        (Block.LOAD_RELAY, 3, GEN3),
    ],
)
def test_blocks(block: Block, count: int, generations: tuple[Generation, ...]) -> None:
    """The fields of a block follow one another without a gap."""
    assert [setting.position for setting in of_block(block)] == list(range(count))
    assert block.generations == generations


@pytest.mark.parametrize("key", list(SettingKey))
def test_generations(key: SettingKey) -> None:
    """Generation 2 has what its manual shows; the rest came with generation 3."""
    on_both = {
        K.SOLAR_PEAK_POWER,
        K.INVERTER_PEAK_POWER,
        K.CAPACITY,
        K.V_MIN,
        K.V_MAX,
        K.T_MIN_CHARGE,
        K.T_MAX,
        K.CHARGE_RESTART,
        K.DISCHARGE_RESTART,
    }
    assert SETTINGS[key].generations == (BOTH if key in on_both else GEN3)


def test_decode_takes_what_is_there() -> None:
    """Missing trailing fields are missing settings, not zeros."""
    assert decode(Block.GENERAL, [200]) == {K.SOLAR_PEAK_POWER: 2000}
    assert decode(Block.OPERATION, []) == {}
    assert decode(Block.THRESHOLDS, [580, 740, 273, 341, 95, 5, 259])[K.T_MIN_DISCHARGE] == 259


def test_t_min_discharge_that_is_no_temperature() -> None:
    """Above 80 degrees or below -40 it was never set, and T min charge counts."""
    for raw in (0, 223, 365, 0xFFF):
        assert decode(Block.THRESHOLDS, [580, 740, 273, 341, 95, 5, raw])[K.T_MIN_DISCHARGE] == 273
    for raw in (224, 364):
        assert decode(Block.THRESHOLDS, [580, 740, 273, 341, 95, 5, raw])[K.T_MIN_DISCHARGE] == raw


@pytest.mark.parametrize(
    ("key", "step"),
    [
        (K.V_MIN, 0.005),
        (K.V_MIN_HYSTERESIS, 0.01),
        (K.T_MAX, 1),
        (K.CAPACITY, 100),
        (K.SOLAR_PEAK_POWER, 10),
        (K.CHARGE_RESTART_DELAY, 5),
        (K.CHARGE_PAUSE_DELAY, 2),
        (K.FULL_SYNC_TAIL_CURRENT, 0.2),
        (K.CHARGE_RESTART, 1),
    ],
)
def test_step(key: SettingKey, step: float) -> None:
    """One count on the wire is the finest that can be set."""
    assert SETTINGS[key].step == step


@pytest.mark.parametrize(
    ("key", "gen2", "gen3"),
    [
        (K.V_MIN, (2.0, 5.0), (1.5, 5.0)),
        (K.V_MAX, (2.0, 5.0), (1.5, 5.0)),
        # -40 to 85 degrees.
        (K.T_MIN_CHARGE, (224, 370), (224, 370)),
        (K.T_MAX, (224, 370), (224, 370)),
        (K.CAPACITY, (100, 6553500), (100, 6553500)),
        (K.SOLAR_PEAK_POWER, (0, 655350), (0, 655350)),
    ],
)
def test_sane(key: SettingKey, gen2: tuple[float, float], gen3: tuple[float, float]) -> None:
    """The specifications tell what a cell can have."""
    setting = SETTINGS[key]
    assert (setting.sane_range(Generation.GEN2), setting.sane_range(Generation.GEN3)) == (gen2, gen3)


@pytest.mark.parametrize("key", list(SettingKey))
def test_sane_can_be_written(key: SettingKey) -> None:
    """What makes sense fits the bytes, and every code that there is makes sense."""
    setting = SETTINGS[key]
    (low, high), (sane_low, sane_high) = setting.encodable, setting.sane
    assert low <= sane_low < sane_high <= high
    assert all(sane_low <= code <= sane_high for code in setting.codes)
    assert bool(setting.codes) == (setting.unit in (Unit.CODE, Unit.FLAG))
    assert setting.name
    assert setting.words.endswith(".")


@pytest.mark.parametrize(
    ("key", "codes"),
    [
        (K.SENSOR_TYPE, (0, 1, 2, 11)),
        (K.CHEMISTRY, (0, 1, 2, 3, 4)),
        (K.CHARGE_RELAY_FORCE, (0, 1, 2)),
        (K.LOAD_RELAY_FUNCTION, (1, 2, 3, 4)),
        (K.LOAD_RELAY_INVERT, (0, 1)),
        (K.CRITICAL_MODE, (0, 1)),
    ],
)
def test_codes(key: SettingKey, codes: tuple[int, ...]) -> None:
    """The codes of protocol.md 5.4 and 5.5."""
    assert SETTINGS[key].codes == codes


def test_never_set() -> None:
    """No cell has 0 V; a delay or a discharge restart of 0 is one."""
    assert [key for key in SettingKey if not SETTINGS[key].is_set(0)] == [
        K.CAPACITY,
        K.V_MIN,
        K.V_MAX,
        K.T_MIN_CHARGE,
        K.T_MAX,
        K.CHARGE_RESTART,
        K.T_MIN_DISCHARGE,
        K.V_LOW,
        K.V_NOMINAL,
        K.CHARGE_RELAY_FUNCTION,
        K.LOAD_RELAY_FUNCTION,
    ]
    assert SETTINGS[K.V_LOW].is_set(3.0)


def test_the_side_that_protects_less() -> None:
    """A higher V max and T max, a lower V min and T min, a shorter delay."""
    looser = {key: setting.looser for key, setting in SETTINGS.items() if setting.looser != Looser.NEITHER}
    assert {key for key, side in looser.items() if side is Looser.HIGHER} == {K.V_MAX, K.T_MAX}
    assert {key for key, side in looser.items() if side is Looser.LOWER} == {
        K.CAPACITY,
        K.V_MIN,
        K.V_LOW,
        K.T_MIN_CHARGE,
        K.T_MIN_DISCHARGE,
        K.CHARGE_RESTART_DELAY,
        K.DISCHARGE_RESTART_DELAY,
        K.CHARGE_PAUSE_DELAY,
        K.DISCHARGE_PAUSE_DELAY,
    }


def test_what_is_sent_is_as_wide_as_the_device_sends_it() -> None:
    """V min 2.900 V is 244."""
    rows = of_block(Block.THRESHOLDS)[:2]
    assert encode(rows, {K.V_MIN: 580, K.V_MAX: 740}) == ["244", "2E4"]
