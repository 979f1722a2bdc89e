"""What one row of the table of settings says: where it is read, where written, and in what range."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .device import Generation

_EVERY: Final = (Generation.GEN2, Generation.GEN3)
_GEN3: Final = (Generation.GEN3,)


class Block(StrEnum):
    """Answers that hold settings, named by their query without its `@`."""

    GENERAL = "S1"
    THRESHOLDS = "S2"
    OPERATION = "S3"
    CHARGE_RELAY = "SRY0"
    LOAD_RELAY = "SRY1"

    @property
    def generations(self) -> tuple[Generation, ...]:
        """The generations that answer this block."""
        return _EVERY if self in (Block.GENERAL, Block.THRESHOLDS) else _GEN3

    @property
    def least_fields(self) -> int:
        """How many fields every firmware sends; the PIN is one of `S1@` (protocol.md 5.2 to 5.5)."""
        return _LEAST_FIELDS[self]


_LEAST_FIELDS: Final = {
    Block.GENERAL: 4,
    Block.THRESHOLDS: 6,
    Block.OPERATION: 2,
    Block.CHARGE_RELAY: 3,
    Block.LOAD_RELAY: 3,
}


class Unit(StrEnum):
    """What the value of a setting is."""

    VOLT = "V"
    AMPERE = "A"
    WATT = "W"
    WATT_HOUR = "Wh"
    PERCENT = "%"
    SECOND = "s"
    RAW_TEMPERATURE = "raw"
    CODE = "code"
    FLAG = "flag"


class Certainty(StrEnum):
    """How sure the write address of a setting is (protocol.md 0)."""

    CONFIRMED = "confirmed"
    SINGLE_SOURCE = "single_source"
    INFERRED = "inferred"
    UNKNOWN = "unknown"


class Looser(StrEnum):
    """In which direction a setting protects less; `NEITHER` protects nothing."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


class SettingKey(StrEnum):
    """Every setting that can be read or written."""

    SOLAR_PEAK_POWER = "solar_peak_power"
    INVERTER_PEAK_POWER = "inverter_peak_power"
    CAPACITY = "capacity"
    V_MIN = "v_min"
    V_MAX = "v_max"
    T_MIN_CHARGE = "t_min_charge"
    T_MAX = "t_max"
    CHARGE_RESTART = "charge_restart"
    DISCHARGE_RESTART = "discharge_restart"
    T_MIN_DISCHARGE = "t_min_discharge"
    V_LOW = "v_low"
    V_NOMINAL = "v_nominal"
    V_MIN_HYSTERESIS = "v_min_hysteresis"
    V_MAX_HYSTERESIS = "v_max_hysteresis"
    SENSOR_TYPE = "sensor_type"
    CRITICAL_MODE = "critical_mode"
    CHARGE_RELAY_OFF = "charge_relay_off"
    LOAD_RELAY_OFF = "load_relay_off"
    USE_MEASURED_CAPACITY = "use_measured_capacity"
    CHARGE_RESTART_DELAY = "charge_restart_delay"
    DISCHARGE_RESTART_DELAY = "discharge_restart_delay"
    CHARGE_PAUSE_DELAY = "charge_pause_delay"
    DISCHARGE_PAUSE_DELAY = "discharge_pause_delay"
    SOC_VOLTAGE_CORRECTION = "soc_voltage_correction"
    CHEMISTRY = "chemistry"
    FULL_SYNC_TAIL_CURRENT = "full_sync_tail_current"
    CHARGE_RELAY_FORCE = "charge_relay_force"
    CHARGE_RELAY_FUNCTION = "charge_relay_function"
    CHARGE_RELAY_INVERT = "charge_relay_invert"
    LOAD_RELAY_FORCE = "load_relay_force"
    LOAD_RELAY_FUNCTION = "load_relay_function"
    LOAD_RELAY_INVERT = "load_relay_invert"


type Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: a count on the wire, `count * times / per` in its unit.

    `name` and `words` are what the manual calls it and says of it. `position` is the field of the
    block; `addresses` are written high byte first and are empty where nobody knows them;
    `unconfirmed` are addresses that somebody has inferred and nobody tried. `digits` is the width
    the simulated BMS sends. `sane` is the range in its unit that can make sense, both ends
    included, and `sane_gen2` that of generation 2 where it differs; `codes` are all values there
    are where the value is a code or a flag. `looser` matters between the two bytes of a word.
    """

    key: SettingKey
    name: str
    words: str
    block: Block
    position: int
    unit: Unit
    digits: int
    sane: Range
    sane_gen2: Range | None = None
    times: int = 1
    per: int = 1
    addresses: tuple[int, ...] = ()
    unconfirmed: tuple[int, ...] = ()
    certainty: Certainty = Certainty.SINGLE_SOURCE
    codes: tuple[int, ...] = ()
    looser: Looser = Looser.NEITHER

    @property
    def generations(self) -> tuple[Generation, ...]:
        """The generations whose block has this field; later fields of a block came with gen 3."""
        return _GEN3 if self.depends_on_firmware else self.block.generations

    @property
    def depends_on_firmware(self) -> bool:
        """Whether only some firmware sends it; which was the first is not known."""
        return self.position >= self.block.least_fields

    @property
    def write_addresses(self) -> tuple[int, ...]:
        """Where it is written, high byte first: known addresses, else the inferred ones."""
        return self.addresses or self.unconfirmed

    @property
    def step(self) -> float:
        """What one count on the wire is in its unit."""
        return self.value(1)

    @property
    def encodable(self) -> Range:
        """The lowest and the highest value that its bytes can hold."""
        return 0, self.value(256 ** len(self.write_addresses) - 1)

    def sane_range(self, generation: Generation) -> Range:
        """Return the lowest and the highest value that makes sense, both included."""
        return self.sane_gen2 if generation is Generation.GEN2 and self.sane_gen2 else self.sane

    def is_set(self, value: float) -> bool:
        """Return whether a value was ever set: 0 is not, where 0 makes no sense."""
        return value != 0 or self.sane[0] <= 0

    def value(self, count: int) -> float:
        """Return a count on the wire in the unit of this setting."""
        if self.per == 1:
            return count * self.times
        return count * self.times / self.per

    def count(self, value: float) -> int:
        """Return the count on the wire nearest to a value."""
        return round(value * self.per / self.times)


def is_writable(setting: Setting, *, unconfirmed: bool) -> bool:
    """Return whether a setting has addresses to write to; `unconfirmed` lets inferred ones count."""
    return bool(setting.addresses or (unconfirmed and setting.unconfirmed))
