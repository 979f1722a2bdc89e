"""The device itself: a protocol server on top of a battery and the rules (protocol.md 3 to 7).

It has no timer of its own. Like the real one it lets go of what it has to say when a byte arrives,
so everything happens then: the battery lives through the time that has passed, the records that
became due are queued, the commands are answered.
"""

from collections.abc import Callable, Iterator
import re
from typing import Final

from ..bms import blocks, settings
from ..bms.device import DeviceType, Generation, TemperatureScale
from ..bms.records import encode
from ..bms.settings import SETTINGS, Block, SettingKey
from ..bms.state import (
    BatteryEnergyRecord,
    CellRecord,
    EnergyRecord,
    HealthRecord,
    LogEntry,
    LogEvent,
    PackRecord,
    Record,
    Status2Bit,
    StatusBit,
    TemperatureRecord,
    TotalsRecord,
    VoltageRecord,
)
from ..model.profiles import Profile, choose
from ..model.relays import Extreme, Limits, Reading, Relays, decide
from ..model.twin import limits_of
from .battery import Battery

_SCALE: Final = TemperatureScale.APP
_SILENCE: Final = 5.0
_LONGEST_ABSENCE: Final = 3600.0
_MOST_CYCLES: Final = 3
_WRITE: Final = re.compile(r"([0-9A-F]{2})-([0-9A-F]{3})!")
_FULL_CYCLE_EFFICIENCY: Final = 0.99

_K = SettingKey
# LiFePO4 per MAN13 and the gen 2 screenshot (protocol.md 11.1); delays and hysteresis are ours.
_FACTORY: Final = {
    _K.SOLAR_PEAK_POWER: 3000,
    _K.INVERTER_PEAK_POWER: 2500,
    _K.V_MIN: 2.9,
    _K.V_MAX: 3.7,
    _K.T_MIN_CHARGE: _SCALE.raw(2),
    _K.T_MAX: _SCALE.raw(60),
    _K.CHARGE_RESTART: 95,
    _K.DISCHARGE_RESTART: 5,
    _K.T_MIN_DISCHARGE: _SCALE.raw(-10),
    _K.V_LOW: 3.0,
    _K.V_NOMINAL: 3.3,
    _K.V_MIN_HYSTERESIS: 0.1,
    _K.V_MAX_HYSTERESIS: 0.05,
    _K.SENSOR_TYPE: 2,
    _K.CHARGE_RESTART_DELAY: 60,
    _K.DISCHARGE_RESTART_DELAY: 60,
    _K.CHARGE_PAUSE_DELAY: 10,
    _K.DISCHARGE_PAUSE_DELAY: 10,
    _K.CHEMISTRY: 1,
    _K.FULL_SYNC_TAIL_CURRENT: 2.0,
    _K.CHARGE_RELAY_FUNCTION: 1,
    _K.LOAD_RELAY_FUNCTION: 2,
}
_BY_ADDRESS: Final = {
    address: (setting, 8 * (len(setting.addresses) - 1 - index))
    for setting in SETTINGS.values()
    for index, address in enumerate(setting.addresses)
}


class Firmware:
    """One simulated BMS: `receive` takes what a client sends, `take` what it has to say.

    `clock` gives seconds; `speed` is how fast the battery lives, `pace` how many cycles of records
    the stream has each second. With `requires_pin` everything but the login is refused before it.
    """

    def __init__(
        self,
        battery: Battery,
        device_type: DeviceType,
        clock: Callable[[], float],
        *,
        pin: str = "1234",
        requires_pin: bool = True,
        profile: Profile | None = None,
        speed: float = 1.0,
        pace: float = 1.0,
    ) -> None:
        """Power up, as it left the factory except for the size of the battery."""
        self.battery = battery
        self.device_type = device_type
        self.generation: Generation = device_type.generation
        self.version = "3.3.11" if self.generation is Generation.GEN3 else "1.5"
        self.pin = pin
        self.requires_pin = requires_pin
        self.speed = speed
        self.pace = pace
        self.streaming = False
        self.chain_broken = False
        self.counts = {
            key: setting.count(_FACTORY.get(key, 0))
            for key, setting in SETTINGS.items()
            if self.generation in setting.generations
        }
        self._set(_K.CAPACITY, round(battery.capacity * 3.2 * len(battery.cells), -2))
        self.profile = profile or choose(self.generation, self.counts)
        self.log = [LogEntry(0, LogEvent.EMPTY, 0, 0)] * 10
        self.history: list[int | None] = [None] * blocks.HISTORY_HOURS
        self.relays = Relays()
        self._clock = clock
        self._lived = self._heard = clock()
        self._due = 0.0
        self._authorised = False
        self._input = b""
        self._output = bytearray()
        self._next_cell = 0
        self._live(0.0)

    def _set(self, key: SettingKey, value: float) -> None:
        self.counts[key] = SETTINGS[key].count(value)

    def setting(self, key: SettingKey) -> float:
        """Return a setting's value; one that this generation lacks is as it left the factory."""
        return SETTINGS[key].value(self.counts[key]) if key in self.counts else _FACTORY.get(key, 0)

    def connected(self) -> None:
        """Begin with a new client, who has not given the PIN."""
        self._authorised = not self.requires_pin
        self.streaming = False
        self._input = b""
        self._output.clear()
        self._heard = self._clock()

    def receive(self, data: bytes) -> None:
        """Take bytes from the client, whatever they are."""
        now = self._clock()
        if now - self._heard > _SILENCE:
            self.streaming = False
        self._heard = now
        self.advance()
        *commands, self._input = (self._input + data.replace(b"$", b"")).split(b"\r")
        self._input = self._input[-64:]
        for command in commands:
            self._answer(command.decode("latin-1"))

    def take(self) -> bytes:
        """Return what is waiting to be sent."""
        waiting = bytes(self._output)
        self._output.clear()
        return waiting

    def advance(self) -> None:
        """Live through the time since the last call and queue the records that became due."""
        now = self._clock()
        elapsed, self._lived = now - self._lived, now
        self._live(min(elapsed, _LONGEST_ABSENCE) * self.speed)
        self._due = min(self._due + elapsed * self.pace, _MOST_CYCLES)
        if not self.streaming:
            self._due = 0.0
        while self._due >= 1:
            self._due -= 1
            for record in self.cycle():
                self._say(encode(record, self.generation))

    def _live(self, seconds: float) -> None:
        self.battery.advance(seconds)
        heard = None if self.chain_broken else self.reading()
        self.relays = decide(self.profile, self.limits(), heard, self.relays).relays
        self.battery.charge_allowed = self.relays.charge
        self.battery.load_allowed = self.relays.load

    def _say(self, text: str) -> None:
        self._output += text.encode("latin-1") + b"\r"

    def _answer(self, command: str) -> None:
        """Echo a command and answer it; an unknown one is answered by a bell."""
        self._say(command)
        if not command:
            return
        if command.startswith("PW") and command.endswith("!"):
            is_right = command == f"PW{self.pin}!"
            self._authorised = is_right or not self.requires_pin
            self._say("OK" if is_right else "NA")
        elif not self._authorised:
            self._say("NA")
        elif command in ("E!", "D!"):
            self.streaming = command == "E!"
            self._due = 1.0
            self._say("OK")
        elif match := _WRITE.fullmatch(command):
            self._say(self._write(int(match[2], 16), int(match[1], 16)))
        elif (fields := self._query(command)) is not None:
            self._say(blocks.join(fields))
        else:
            self._output += b"\a"

    def _write(self, address: int, byte: int) -> str:
        setting, shift = _BY_ADDRESS.get(address, (None, 0))
        if setting is None or setting.key not in self.counts:
            return "KO"
        count = self.counts[setting.key]
        self.counts[setting.key] = count & ~(0xFF << shift) | byte << shift
        return "OK"

    def _query(self, command: str) -> list[str] | None:
        """Return the fields that answer a query; generation 2 knows only three of them."""
        if command == blocks.VERSION_QUERY:
            return blocks.encode_version(
                self.version, self.generation, self.status(), self.battery.balance_voltage
            )
        for block in Block:
            if command == f"{block}@" and self.generation in block.generations:
                rows = [row for row in settings.of_block(block) if row.key in self.counts]
                fields = settings.encode(rows, self.counts)
                return [*fields, self.pin.encode().hex().upper()] if block is Block.GENERAL else fields
        if self.generation is Generation.GEN2:
            return None
        if command == blocks.CLOCK_QUERY:
            return [f"{int(self._clock()) & 0xFFFFFF:X}"]
        if command in blocks.LOG_QUERIES:
            return blocks.encode_log_entry(self.log[blocks.LOG_QUERIES.index(command)])
        if command in blocks.HISTORY_QUERIES:
            part = 12 * blocks.HISTORY_QUERIES.index(command)
            return blocks.encode_history_part(0, self.history[part : part + 12])
        return None

    def limits(self) -> Limits:
        """Return the thresholds the relay rules go by."""
        values = {key: SETTINGS[key].value(count) for key, count in self.counts.items()}
        limits = limits_of(values, self.battery.balance_voltage)
        assert limits is not None  # every generation has all that the rules need
        return limits

    def reading(self) -> Reading:
        """Return what the relay rules look at; temperatures raw, as the BMS compares them."""
        voltages = [Extreme(cell.voltage, number) for number, cell in enumerate(self.battery.cells, 1)]
        temperatures = [
            Extreme(_SCALE.raw(cell.temperature), number) for number, cell in enumerate(self.battery.cells, 1)
        ]
        return Reading(
            lowest_voltage=min(voltages, key=_value),
            highest_voltage=max(voltages, key=_value),
            lowest_temperature=min(temperatures, key=_value),
            highest_temperature=max(temperatures, key=_value),
            state_of_charge=self.battery.state_of_charge * 100,
            power=self.battery.voltage * self.battery.current,
        )

    def status(self) -> int:
        """Return status byte 1."""
        limits, reading = self.limits(), self.reading()
        return _mask(
            {
                StatusBit.CHARGE_ALLOWED: self.relays.charge,
                StatusBit.DISCHARGE_ALLOWED: self.relays.load,
                StatusBit.COMMUNICATION_ERROR: self.chain_broken,
                StatusBit.VOLTAGE_LOW: reading.lowest_voltage.value < limits.v_min,
                StatusBit.VOLTAGE_HIGH: reading.highest_voltage.value > limits.v_max,
                StatusBit.TEMPERATURE_LOW: reading.lowest_temperature.value < limits.t_min_charge,
                StatusBit.TEMPERATURE_HIGH: reading.highest_temperature.value > limits.t_max,
            }
        )

    def status2(self) -> int | None:
        """Return status byte 2, which generation 2 does not have."""
        if self.generation is Generation.GEN2:
            return None
        limits, reading = self.limits(), self.reading()
        return _mask(
            {
                Status2Bit.EARLY_WARNING: reading.lowest_voltage.value < self.setting(_K.V_LOW),
                Status2Bit.BELOW_CHARGE_TEMPERATURE: reading.lowest_temperature.value < limits.t_min_charge,
                Status2Bit.BELOW_DISCHARGE_TEMPERATURE: reading.lowest_temperature.value
                < limits.t_min_discharge,
                Status2Bit.CHARGE_RELAY_CLOSED: self.relays.charge,
                Status2Bit.LOAD_RELAY_CLOSED: self.relays.load,
            }
        )

    def cycle(self) -> Iterator[Record]:
        """Yield the records of one cycle: everything once, and the next cell."""
        battery = self.battery
        reading = self.reading()
        low, high = reading.lowest_voltage, reading.highest_voltage
        cold, warm = reading.lowest_temperature, reading.highest_temperature
        index = self._next_cell % len(battery.cells)
        cell = battery.cells[index]
        self._next_cell = index + 1
        is_logged = self.generation is Generation.GEN3 and self.log[0].event is not LogEvent.EMPTY
        yield PackRecord(battery.voltage, battery.charge_current, battery.current, battery.load_current)
        yield VoltageRecord(low.value, low.cell, high.value, high.cell, battery.balance_voltage)
        yield TemperatureRecord(
            int(cold.value), cold.cell, int(warm.value), warm.cell, 0 if is_logged else None
        )
        raw = _SCALE.raw(cell.temperature)
        yield CellRecord(index + 1, len(battery.cells), cell.voltage, raw, self.status(), self.status2())
        state_of_charge = min(max(battery.state_of_charge, 0.0), 1.0)
        yield EnergyRecord(
            round(battery.today.collected),
            round(state_of_charge * self.setting(_K.CAPACITY)),
            round(battery.today.consumed),
            int(state_of_charge * 100),
        )
        minutes = int(battery.time_of_day) // 60
        yield TotalsRecord(
            321 + int(battery.total.collected / 1000),
            298 + int(battery.total.consumed / 1000),
            *divmod(minutes, 60),
        )
        if self.generation is Generation.GEN3:
            yield from self._health()

    def _health(self) -> Iterator[Record]:
        battery, capacity = self.battery, self.setting(_K.CAPACITY)
        yield HealthRecord(
            97,
            round(capacity * 0.97),
            round(capacity * 0.98),
            round(_FULL_CYCLE_EFFICIENCY * 100),
            15.13 + battery.total.charged / capacity,
            15.02 + battery.total.discharged / capacity,
        )
        yield BatteryEnergyRecord(
            289 + int(battery.total.charged / 1000),
            274 + int(battery.total.discharged / 1000),
            round(battery.today.charged),
            round(battery.today.discharged),
        )


def _value(extreme: Extreme) -> float:
    return extreme.value


def _mask(bits: dict[StatusBit, bool] | dict[Status2Bit, bool]) -> int:
    return sum(bit for bit, is_set in bits.items() if is_set)
