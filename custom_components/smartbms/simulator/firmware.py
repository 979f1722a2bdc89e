"""The device itself: a protocol server on top of a battery and the rules (protocol.md 3 to 7).

It has no timer of its own. Like the real one it lets go of what it has to say when a byte arrives,
so everything happens then: the battery lives through the time that has passed, the records that
became due are queued, the commands are answered.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from math import inf
import re
from typing import Final

from ..bms import blocks, settings
from ..bms.device import DeviceType, Generation
from ..bms.records import encode
from ..bms.settings import SETTINGS, Block, SettingKey
from ..bms.state import (
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
from ..model.profiles import Profile
from ..model.soc import CHARGE_EFFICIENCY
from .battery import Battery
from .factory import SCALE
from .guard import Guard
from .serial_line import SerialLine
from .write_fault import Fault, WriteFault

# What is lived at a stretch, so that a long absence does not stop the event loop.
_LONGEST_ABSENCE: Final = 3600.0
_MOST_CYCLES: Final = 3
# How long the power is away when it fails in the middle of a write.
_POWER_FAILURE: Final = 10.0
_WRITE: Final = re.compile(r"([0-9A-F]{2})-([0-9A-F]{3})!")

_K = SettingKey
_BY_ADDRESS: Final = {
    address: (setting, 8 * (len(setting.addresses) - 1 - index))
    for setting in SETTINGS.values()
    for index, address in enumerate(setting.addresses)
}


# A battery is a slow thing: most records say again what the last one said.
_line: Final = lru_cache(maxsize=64, typed=True)(encode)


class Firmware(Guard, SerialLine):
    """One simulated BMS: `receive` takes what a client sends, `take` what it has to say.

    `clock` gives seconds; `speed` is how fast the battery lives, `pace` how many cycles of records
    the stream has each second. With `requires_pin` everything but the login is refused before it.
    `write_fault` is what goes wrong with a write. `also_at` are addresses of one byte that no source
    confirms, and what they are: a setting, or `None` for a byte that shows nowhere.
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
        """Begin after a week of service, with the settings of the factory."""
        Guard.__init__(self, battery, device_type.generation, profile)
        SerialLine.__init__(self, clock)
        self.device_type = device_type
        self.version = "3.3.11" if self.generation is Generation.GEN3 else "1.5"
        self.pin = pin
        self.requires_pin = requires_pin
        self.speed = speed
        self.pace = pace
        self.write_fault: WriteFault | None = None
        self.also_at: dict[int, SettingKey | None] = {}
        self._lived = clock()
        self._off_until = -inf
        self._due = 0.0
        self._authorised = not requires_pin
        self._next_cell = 0

    @property
    def is_on(self) -> bool:
        """Whether it has power; without, it neither advertises nor answers."""
        return self._clock() >= self._off_until

    def power_off(self, seconds: float = inf) -> None:
        """Lose power, and have it back after some seconds of the clock.

        What it forgets is forgotten at once: the relays fall, the state of charge is no longer sure,
        its own counter begins anew. The counts of energy, the log and the settings stay (ours).
        """
        self._off_until = self._clock() + seconds
        self.streaming = False
        self._authorised = False
        self._output.clear()
        self.forget()

    def power_on(self) -> None:
        """Have power again."""
        self._off_until = min(self._off_until, self._clock())

    def connected(self) -> None:
        """Begin with a new client, who has not given the PIN."""
        super().connected()
        self._authorised = not self.requires_pin

    def advance(self) -> None:
        """Live through the time since the last call and queue the records that became due."""
        now = self._clock()
        elapsed = max(now - max(self._lived, self._off_until), 0.0)
        self._lived = now
        if not self.is_on:
            return
        self.pass_time(min(elapsed * self.speed, _LONGEST_ABSENCE))
        self._due = min(self._due + elapsed * self.pace, _MOST_CYCLES)
        if not self.streaming:
            self._due = 0.0
        while self._due >= 1:
            self._due -= 1
            for record in self.cycle():
                self._say(_line(record, self.generation))

    def _answer(self, command: str) -> None:
        """Answer a command; an unknown one is answered by a bell."""
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
            self._write(int(match[2], 16), int(match[1], 16))
        elif (fields := self._query(command)) is not None:
            self._say(blocks.join(fields))
        else:
            self._output += b"\a"

    def lack(self, block: Block, fields: int = 0) -> None:
        """Be of earlier firmware: send only the first fields of a block; with none it is not known at all."""
        for row in settings.of_block(block)[fields:]:
            self.counts.pop(row.key, None)

    def _write(self, address: int, byte: int) -> None:
        """Take one byte of a setting, unless something goes wrong with it; the relays follow at once."""
        trouble = self.write_fault
        fault = None if trouble is None else trouble.next()
        if trouble is not None and fault in (Fault.LINK_LOST_BEFORE, Fault.LINK_LOST_AFTER):
            trouble.hang_up()
        if fault in (Fault.KO, Fault.NA):
            self._say(fault.upper())
        elif fault is None or fault.stores:
            is_stored = self._store(address, byte ^ 1 if fault is Fault.WRONG_BYTE else byte)
            if fault in (None, Fault.WRONG_BYTE):
                self._say("OK" if is_stored else "KO")
        if fault in (Fault.POWER_LOST_BEFORE, Fault.POWER_LOST_AFTER):
            self.power_off(_POWER_FAILURE)

    def _store(self, address: int, byte: int) -> bool:
        """Store a byte; return whether there is an address like this."""
        setting, shift = _BY_ADDRESS.get(address, (None, 0))
        key = self.also_at.get(address) if setting is None else setting.key
        if key is None or key not in self.counts:
            return key is None and address in self.also_at
        self.counts[key] = self.counts[key] & ~(0xFF << shift) | byte << shift
        self.pass_time(0.0)
        return True

    def _query(self, command: str) -> list[str] | None:
        """Return the fields that answer a query; generation 2 knows only three of them."""
        if command == blocks.VERSION_QUERY:
            return blocks.encode_version(
                self.version, self.generation, self.status(), self.battery.balance_voltage
            )
        for block in Block:
            if command == f"{block}@" and self.generation in block.generations:
                rows = [row for row in settings.of_block(block) if row.key in self.counts]
                if not rows:
                    return None
                fields = settings.encode(rows, self.counts)
                return [*fields, self.pin.encode().hex().upper()] if block is Block.GENERAL else fields
        if self.generation is Generation.GEN2:
            return None
        if command == blocks.CLOCK_QUERY:
            return [f"{int(self.memory.clock) & 0xFFFFFF:X}"]
        if command in blocks.LOG_QUERIES:
            return blocks.encode_log_entry(self.memory.log[blocks.LOG_QUERIES.index(command)])
        if command in blocks.HISTORY_QUERIES:
            part = 12 * blocks.HISTORY_QUERIES.index(command)
            memory = self.memory
            return blocks.encode_history_part(memory.newest_hour, memory.history[part : part + 12])
        return None

    def cycle(self) -> Iterator[Record]:
        """Yield the records of one cycle: everything once, and the next cell."""
        battery, reading, total = self.battery, self.reading, self.since_clear
        low, high = reading.lowest_voltage, reading.highest_voltage
        cold, warm = reading.lowest_temperature, reading.highest_temperature
        index = self._next_cell % len(battery.cells)
        cell = battery.cells[index]
        self._next_cell = index + 1
        newest = self.memory.newest_entry if self.generation is Generation.GEN3 else None
        yield PackRecord(self.voltage, *self.currents)
        yield VoltageRecord(low.value, low.cell, high.value, high.cell, battery.balance_voltage)
        yield TemperatureRecord(int(cold.value), cold.cell, int(warm.value), warm.cell, newest)
        raw = SCALE.raw(cell.temperature)
        yield CellRecord(index + 1, len(battery.cells), cell.voltage, raw, self.status(), self.status2())
        yield EnergyRecord(
            round(self.today.collected),
            round(self.charge.stored),
            round(self.today.consumed),
            int(self.state_of_charge),
        )
        yield TotalsRecord(
            int(total.collected / 1000),
            int(total.consumed / 1000),
            *divmod(int(self.time_of_day) // 60, 60),
        )
        if self.generation is Generation.GEN3:
            yield from self._health()

    def _health(self) -> Iterator[Record]:
        capacity, total = self.setting(_K.CAPACITY), self.since_clear
        yield HealthRecord(
            97,
            round(capacity * 0.97),
            round(capacity * 0.98),
            round(CHARGE_EFFICIENCY * 100),
            15.13 + self.total.charged / capacity,
            15.02 + self.total.discharged / capacity,
        )
        yield BatteryEnergyRecord(
            int(total.charged / 1000),
            int(total.discharged / 1000),
            round(self.today.charged),
            round(self.today.discharged),
        )
