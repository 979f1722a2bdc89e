"""What the manuals call each setting and say of it, reworded (MAN2, MANG, MAN6, MAN13).

Where no manual describes a setting, the words say so and tell how it is taken here.
"""

from collections.abc import Mapping
from typing import Final

from .setting import SettingKey

_K = SettingKey

NAMES_AND_WORDS: Final[Mapping[SettingKey, tuple[str, str]]] = {
    _K.SOLAR_PEAK_POWER: (
        "Solar peak power",
        "The highest power of the incoming energy source, for example solar panels.",
    ),
    _K.INVERTER_PEAK_POWER: (
        "Inverter peak power",
        "The highest power of the consumers, for example an inverter.",
    ),
    _K.CAPACITY: (
        "Battery capacity",
        (
            "The capacity of the pack. The manuals advise 75 % (generation 2) or 80 % (generation 3) of the rated "
            "one, for ageing and temperature."
        ),
    ),
    _K.V_MIN: (
        "V min",
        "When a cell gets below it, the warning Vl comes on and the load relay goes off.",
    ),
    _K.V_MAX: (
        "V max",
        "When a cell gets above it, the warning Vh comes on and the charge relay goes off.",
    ),
    _K.T_MIN_CHARGE: (
        "T min charge",
        (
            "When a cell is colder, the warning Tl comes on and the charge relay goes off. Without a T min discharge "
            "it is the T min of both relays."
        ),
    ),
    _K.T_MAX: (
        "T max",
        "When a cell is hotter, the warning Th comes on and both relays go off.",
    ),
    _K.CHARGE_RESTART: (
        "Charge restart",
        (
            "In normal mode the charge relay comes on again when the state of charge is below it, so that the relay "
            "does not toggle."
        ),
    ),
    _K.DISCHARGE_RESTART: (
        "Discharge restart",
        "In normal mode the load relay comes on again when the state of charge has reached it.",
    ),
    _K.T_MIN_DISCHARGE: (
        "T min discharge",
        (
            "When a cell is colder, the load relay goes off. What is no temperature from -40 to 80 °C counts as not "
            "set, and T min charge counts instead."
        ),
    ),
    _K.V_LOW: (
        "V low",
        "No manual describes it; taken as an early warning above V min.",
    ),
    _K.V_NOMINAL: (
        "V nominal",
        "The nominal voltage of a cell; the newest manual lists it for each chemistry.",
    ),
    _K.V_MIN_HYSTERESIS: (
        "V min hysteresis",
        (
            "No manual describes it; taken as how far above V min all cells must be before the load relay comes on "
            "again."
        ),
    ),
    _K.V_MAX_HYSTERESIS: (
        "V max hysteresis",
        (
            "No manual describes it; taken as how far below V max all cells must be before the charge relay comes on "
            "again."
        ),
    ),
    _K.SENSOR_TYPE: (
        "Current sensor",
        (
            "The type of the current sensors: 500 A/20 A as supplied, 250 A/10 A with the cable looped through twice, "
            "125 A/5 A with four loops; the app also knows 1000 A/40 A."
        ),
    ),
    _K.CRITICAL_MODE: (
        "Critical mode",
        (
            "The relays go off on a critical error only, not when the pack is full. Recommended for combined "
            "chargers/inverters with one cable to the pack."
        ),
    ),
    _K.CHARGE_RELAY_OFF: (
        "Charge relay forced off",
        "No manual describes it; taken as keeping the charge relay off. Newer firmware seems to have a force position instead.",
    ),
    _K.LOAD_RELAY_OFF: (
        "Load relay forced off",
        "No manual describes it; taken as keeping the load relay off. Newer firmware seems to have a force position instead.",
    ),
    _K.USE_MEASURED_CAPACITY: (
        "Use measured capacity",
        "No manual describes it; taken as counting with the capacity that the BMS measured instead of the one that is set.",
    ),
    _K.CHARGE_RESTART_DELAY: (
        "Charge restart delay",
        "No manual describes it; taken as how long the charge relay stays off before it may come on again.",
    ),
    _K.DISCHARGE_RESTART_DELAY: (
        "Discharge restart delay",
        "No manual describes it; taken as how long the load relay stays off before it may come on again.",
    ),
    _K.CHARGE_PAUSE_DELAY: (
        "Charge pause delay",
        "No manual describes it, and what exactly it delays is not known.",
    ),
    _K.DISCHARGE_PAUSE_DELAY: (
        "Discharge pause delay",
        "No manual describes it, and what exactly it delays is not known.",
    ),
    _K.SOC_VOLTAGE_CORRECTION: (
        "State of charge voltage correction",
        "No manual describes it; taken as correcting the state of charge at rest by the voltage of the cells.",
    ),
    _K.CHEMISTRY: (
        "Chemistry",
        "What the cells are made of; the manuals recommend thresholds for each chemistry.",
    ),
    _K.FULL_SYNC_TAIL_CURRENT: (
        "Full-sync tail current",
        "No manual describes it; taken as the charging current below which a full pack is set to 100 %.",
    ),
    _K.CHARGE_RELAY_FORCE: (
        "Charge relay force position",
        "No manual describes it; taken as keeping the charge relay off or on, whatever the rules say.",
    ),
    _K.CHARGE_RELAY_FUNCTION: (
        "Charge relay function",
        "No manual describes it; taken as what the charge relay switches for.",
    ),
    _K.CHARGE_RELAY_INVERT: (
        "Charge relay inverted",
        "No manual describes it; taken as turning the contacts of the charge relay round.",
    ),
    _K.LOAD_RELAY_FORCE: (
        "Load relay force position",
        "No manual describes it; taken as keeping the load relay off or on, whatever the rules say.",
    ),
    _K.LOAD_RELAY_FUNCTION: (
        "Load relay function",
        "No manual describes it; taken as what the load relay switches for.",
    ),
    _K.LOAD_RELAY_INVERT: (
        "Load relay inverted",
        "No manual describes it; taken as turning the contacts of the load relay round.",
    ),
}
