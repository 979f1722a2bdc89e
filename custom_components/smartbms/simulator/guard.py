"""The mind of the device: it reads its sensors, counts, decides by the rules, and remembers.

It guards a battery in steps of usually ten seconds, on nothing but what its sensors report, and in
the steps in which it reports it; so who listens to it can follow every decision.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from ..bms.device import Generation
from ..bms.settings import SETTINGS, SettingKey
from ..bms.state import LogEvent, Status2Bit, StatusBit
from ..model.contacts import is_closed
from ..model.hardware import sensor_of
from ..model.profiles import Profile, choose
from ..model.relays import Extreme, OffFor, Reading, Relay, Relays, decide
from ..model.soc import Charge, count
from ..model.twin import limits_of
from .battery import Battery
from .factory import FACTORY, SCALE
from .memory import Alarms, DeviceMemory
from .sensors import Sensors

_VOLT_STEPS: Final = 200
# 125 mA and 50 mA (protocol.md 4).
_STEPS_PER_AMPERE: Final = {Generation.GEN2: 8, Generation.GEN3: 20}
# What it counts from, in Wh: it has been there for years.
_ZERO: Final = (-321_000.0, -298_000.0, -289_000.0, -274_000.0)
_DAY: Final = 86400.0
# A wire in the middle of a short pack, between cells 7 and 8 of a longer one.
_BREAK_AFTER: Final = 7

_K = SettingKey
_BITS: Final = {
    StatusBit.COMMUNICATION_ERROR: LogEvent.COMMUNICATION,
    StatusBit.VOLTAGE_LOW: LogEvent.VOLTAGE_LOW,
    StatusBit.VOLTAGE_HIGH: LogEvent.VOLTAGE_HIGH,
    StatusBit.TEMPERATURE_LOW: LogEvent.TEMPERATURE_LOW_CHARGE,
    StatusBit.TEMPERATURE_HIGH: LogEvent.TEMPERATURE_HIGH,
}
_BITS2: Final = {
    Status2Bit.BELOW_CHARGE_TEMPERATURE: LogEvent.TEMPERATURE_LOW_CHARGE,
    Status2Bit.BELOW_DISCHARGE_TEMPERATURE: LogEvent.TEMPERATURE_LOW_DISCHARGE,
}


@dataclass(slots=True)
class Energies:
    """Energies in Wh: from the sun, to the house, into the battery and out of it."""

    collected: float = 0.0
    consumed: float = 0.0
    charged: float = 0.0
    discharged: float = 0.0

    def add(self, collected: float, consumed: float) -> None:
        """Add what a moment collected and consumed; the battery takes or gives the difference."""
        self.collected += max(collected, 0.0)
        self.consumed += max(consumed, 0.0)
        self.charged += max(collected - consumed, 0.0)
        self.discharged += max(consumed - collected, 0.0)

    def less(self, other: Energies) -> Energies:
        """Return what these are more than others."""
        return Energies(
            self.collected - other.collected,
            self.consumed - other.consumed,
            self.charged - other.charged,
            self.discharged - other.discharged,
        )


class Guard:
    """One BMS without its radio: `pass_time` lets it live, the rest says what it knows.

    `chain_broken` cuts the wire between its cell boards; `critical_switch` is the option switch 5
    of generation 2, whose critical mode is no setting. `clock_offset` is by how many seconds its clock is
    ahead of the one on the wall. `today` and `since_clear` are what it counts, `total` is all that has flowed.
    """

    def __init__(self, battery: Battery, generation: Generation, profile: Profile | None = None) -> None:
        """Begin as it left the factory, but set to the size of the battery, and calibrated."""
        self.generation = generation
        self.counts = {
            key: setting.count(FACTORY.get(key, 0))
            for key, setting in SETTINGS.items()
            if generation in setting.generations
        }
        self.profile = profile or choose(generation, self.counts)
        self.total = Energies()
        self.today = Energies()
        self._zero = Energies(*_ZERO)
        self.clock_offset = 0.0
        self.memory = DeviceMemory()
        self._random = Random(2)
        self._known: tuple[float, ...] = ()
        self.install(battery)

    def install(
        self,
        battery: Battery,
        sensors: Sensors | None = None,
        *,
        state_of_charge: float | None = None,
        is_calibrated: bool = True,
    ) -> None:
        """Be connected to another battery, in normal mode, as if it had guarded it for long.

        It believes in a `state_of_charge` from 0 to 1; in the true one unless told otherwise.
        """
        self.battery = battery
        self.sensors = sensors or Sensors()
        self.chain_broken = False
        self.set_critical(False)
        self._set(_K.CAPACITY, round(battery.nominal_energy, -2))
        believed = battery.state_of_charge if state_of_charge is None else state_of_charge
        self.charge = Charge(believed * self.setting(_K.CAPACITY), is_calibrated)
        self.relays = Relays(charge=True, load=True)
        self._off_for = OffFor(0.0, 0.0)
        self.memory.remember_week(believed * 100, battery.surroundings.time_of_day)
        self.pass_time(0.0)

    def forget(self) -> None:
        """Lose what a loss of power takes: relays, when they went off, and a sure state of charge."""
        self.relays = self.contacts = Relays()
        self._off_for = OffFor()
        self.battery.charge_allowed = self.battery.load_allowed = False
        self.charge = replace(self.charge, is_calibrated=False, empty_for=0.0)
        self.memory.restart()

    def clear_energy(self) -> None:
        """Count energies anew, those of the day as well (ours), as the app's "Clear energy counters" does."""
        self.today = Energies()
        self._zero = replace(self.total)

    @property
    def since_clear(self) -> Energies:
        """What its counters of all energy show, in Wh."""
        return self.total.less(self._zero)

    @property
    def time_of_day(self) -> float:
        """What its own clock shows, in seconds; setting it changes nothing but the time (ours)."""
        return (self.battery.surroundings.time_of_day + self.clock_offset) % _DAY

    def _set(self, key: SettingKey, value: float) -> None:
        self.counts[key] = SETTINGS[key].count(value)

    def set_critical(self, is_critical: bool) -> None:
        """Choose critical or normal mode: by setting, in generation 2 by its option switch."""
        self.critical_switch = is_critical and self.generation is Generation.GEN2
        if self.generation is Generation.GEN3:
            self._set(_K.CRITICAL_MODE, is_critical)

    def setting(self, key: SettingKey) -> float:
        """Return a setting's value; one that this generation lacks is as it left the factory."""
        return SETTINGS[key].value(self.counts[key]) if key in self.counts else FACTORY.get(key, 0)

    @property
    def state_of_charge(self) -> float:
        """The state of charge that it has counted, in %."""
        return self.charge.state_of_charge(self.setting(_K.CAPACITY))

    @property
    def first_silent_cell(self) -> int:
        """The cell that is the first not to be heard when the chain is broken."""
        return min(_BREAK_AFTER, len(self.battery.cells) // 2) + 1

    def pass_time(self, seconds: float) -> None:
        """Live for a while; with no time at all it looks and decides anew."""
        while True:
            self._step(min(seconds, self.battery.longest_step))
            seconds -= self.battery.longest_step
            if seconds <= 0:
                return

    def _step(self, seconds: float) -> None:
        battery = self.battery
        if seconds > 0:
            before = self.time_of_day
            battery.advance(seconds)
            self.sensors.flicker(self._random)
            if self.time_of_day < before:
                self.today = Energies()
        self._look_up()
        self._read()
        heard = None if self.chain_broken else self.reading
        self.relays = decide(self.profile, self.limits, heard, self.relays).relays
        self._off_for = OffFor(
            0.0 if self.relays.charge else self._off_for.charge + seconds,
            0.0 if self.relays.load else self._off_for.load + seconds,
        )
        self.contacts = self._contacts()
        battery.charge_allowed, battery.load_allowed = self.contacts.charge, self.contacts.load
        if heard is not None:
            self._count(heard, seconds)
        self.alarms = self._alarms()
        self.memory.watch(self.alarms, self._lasting())
        self.memory.pass_time(seconds, self.state_of_charge)

    def _look_up(self) -> None:
        """Take the thresholds and the sensor from the settings, when one of them has changed."""
        known = (self.battery.balance_voltage, self.critical_switch, *self.counts.values())
        if known == self._known:
            return
        self._known = known
        self.values = values = {key: SETTINGS[key].value(count) for key, count in self.counts.items()}
        if self.critical_switch:
            values[_K.CRITICAL_MODE] = 1
        sensor = sensor_of(self.profile.key, values)
        self._deadband = 0.0 if sensor is None else sensor.deadband
        limits = limits_of(values, self.battery.balance_voltage)
        assert limits is not None  # every generation has all that the rules need
        self.limits = limits

    def _read(self) -> None:
        """Read all sensors: cells in steps of 5 mV, raw temperatures, currents as coarse as they are."""
        battery = self.battery
        steps = _STEPS_PER_AMPERE[self.generation]
        self.currents = self.sensors.read(battery.charge_current, battery.load_current, steps, self._deadband)
        voltages = [cell.voltage for cell in battery.cells]
        temperatures = [cell.temperature for cell in battery.cells]
        self.voltage = _in_steps(sum(voltages))
        self.reading = Reading(
            lowest_voltage=_volts(voltages, min(voltages)),
            highest_voltage=_volts(voltages, max(voltages)),
            lowest_temperature=_raw(temperatures, min(temperatures)),
            highest_temperature=_raw(temperatures, max(temperatures)),
            state_of_charge=int(self.state_of_charge),
            power=self.voltage * self.currents[1],
            average_voltage=self.voltage / len(voltages),
            off_for=self._off_for,
        )

    def _count(self, reading: Reading, seconds: float) -> None:
        """Count what has flowed: the state of charge, and the energies of the day and in all."""
        self.charge = count(
            self.profile,
            self.limits,
            self.charge,
            reading,
            load_allowed=self.relays.load,
            seconds=seconds,
        )
        first, net, second = self.currents
        hours = seconds / 3600
        incoming = self.voltage * (first if second is not None else max(net, 0.0)) * hours
        outgoing = self.voltage * (second if second is not None else max(-net, 0.0)) * hours
        for energies in (self.total, self.today):
            energies.add(incoming, outgoing)

    def _alarms(self) -> Alarms:
        """Return what is wrong with the cells; of a chain that is broken nothing else is known."""
        if self.chain_broken:
            return {LogEvent.COMMUNICATION: (0, self.first_silent_cell)}
        limits, reading = self.limits, self.reading
        low, high = reading.lowest_voltage, reading.highest_voltage
        cold, warm = reading.lowest_temperature, reading.highest_temperature
        rows = (
            (LogEvent.VOLTAGE_LOW, low.value < limits.v_min, low, _VOLT_STEPS),
            (LogEvent.VOLTAGE_HIGH, high.value > limits.v_max, high, _VOLT_STEPS),
            (LogEvent.TEMPERATURE_LOW_CHARGE, cold.value < limits.t_min_charge, cold, 1),
            (LogEvent.TEMPERATURE_HIGH, warm.value > limits.t_max, warm, 1),
            (LogEvent.TEMPERATURE_LOW_DISCHARGE, cold.value < limits.t_min_discharge, cold, 1),
        )
        return {
            event: (round(extreme.value * steps), extreme.cell or 0)
            for event, is_on, extreme, steps in rows
            if is_on
        }

    def _lasting(self) -> set[LogEvent]:
        """Return the alarms that are not over while a voltage is within its hysteresis."""
        limits, reading = self.limits, self.reading
        is_low = reading.lowest_voltage.value <= limits.v_min + limits.v_min_hysteresis
        is_high = reading.highest_voltage.value >= limits.v_max - limits.v_max_hysteresis
        return {
            *([LogEvent.VOLTAGE_LOW] if is_low else []),
            *([LogEvent.VOLTAGE_HIGH] if is_high else []),
        }

    @property
    def _is_early(self) -> bool:
        """Whether a cell is below V low; that this is the early warning is our choice (protocol.md 7)."""
        return not self.chain_broken and self.reading.lowest_voltage.value < self.setting(_K.V_LOW)

    def _contacts(self) -> Relays:
        """Return what the contacts do, which carry the currents."""
        return Relays(
            *(is_closed(self.values, relay, self.relays, is_early=self._is_early) for relay in Relay)
        )

    def status(self) -> int:
        """Return status byte 1."""
        own = {
            StatusBit.CHARGE_ALLOWED: self.relays.charge,
            StatusBit.DISCHARGE_ALLOWED: self.relays.load,
            StatusBit.NOT_CALIBRATED: not self.charge.is_calibrated,
        }
        return _mask(own) | _mask({bit: event in self.alarms for bit, event in _BITS.items()})

    def status2(self) -> int | None:
        """Return status byte 2, which generation 2 does not have."""
        if self.generation is Generation.GEN2:
            return None
        own = {
            Status2Bit.EARLY_WARNING: self._is_early,
            Status2Bit.CHARGE_RELAY_CLOSED: self.contacts.charge,
            Status2Bit.LOAD_RELAY_CLOSED: self.contacts.load,
        }
        return _mask(own) | _mask({bit: event in self.alarms for bit, event in _BITS2.items()})


def _in_steps(voltage: float) -> float:
    return round(voltage * _VOLT_STEPS) / _VOLT_STEPS


def _volts(voltages: Sequence[float], value: float) -> Extreme:
    return Extreme(_in_steps(value), voltages.index(value) + 1)


def _raw(temperatures: Sequence[float], value: float) -> Extreme:
    return Extreme(SCALE.raw(value), temperatures.index(value) + 1)


def _mask(bits: Mapping[StatusBit, bool] | Mapping[Status2Bit, bool]) -> int:
    return sum(bit for bit, is_set in bits.items() if is_set)
