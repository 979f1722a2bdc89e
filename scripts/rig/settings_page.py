"""Writes the page of the documentation that tells of every setting, from the rows of the table."""

from collections.abc import Iterable, Iterator
import json
from pathlib import Path
from typing import Final

from custom_components.smartbms.bms.device import Generation, TemperatureScale
from custom_components.smartbms.bms.settings import SETTINGS, Block, Certainty, Range, Setting, Unit, of_block
from custom_components.smartbms.bms.writes import RESTART_GAP, TEMPERATURE_GAP, VOLTAGE_GAP
from custom_components.smartbms.model.hardware import BeginBoard, InBoard, Switches
from custom_components.smartbms.setting_values import CODES

_ROOT: Final = Path(__file__).parents[2]
PAGE: Final = _ROOT / "docs" / "settings.md"
_TRANSLATIONS: Final = _ROOT / "custom_components" / "smartbms" / "translations" / "en.json"

# The words for the states of the selects, as the translations have them.
type States = dict[str, dict[str, dict[str, str]]]

_TITLES: Final = {
    Block.GENERAL: "Power and capacity",
    Block.THRESHOLDS: "Thresholds",
    Block.OPERATION: "Operation",
    Block.CHARGE_RELAY: "Charge relay",
    Block.LOAD_RELAY: "Load relay",
}
_CERTAINTIES: Final = {
    Certainty.CONFIRMED: "confirmed",
    Certainty.SINGLE_SOURCE: "one source",
    Certainty.INFERRED: "inferred",
    Certainty.UNKNOWN: "not known",
}
_SCALE: Final = TemperatureScale.APP
# Degrees of a raw count; the scale itself rounds to a tenth.
_DEGREES: Final = (_SCALE.celsius(1000) - _SCALE.celsius(0)) / 1000
# Switches 4 to 8 of the Begin Board; all OFF is no balancing.
_BEGIN_BOARD_CODES: Final = range(1, 32)

_INTRODUCTION: Final = """\
<!-- Written by scripts/settings_page from the table of settings. Do not edit it by hand. -->
# Settings

Every setting of the BMS that can be read, and what is known of writing it.

## Unlocking

Settings are locked until you unlock them: *Settings → Devices & services → 123\\SmartBMS → Configure → Unlock settings*. While they are locked, every setting shows its value, and changing one fails with a message that says where to unlock. A wrong threshold can damage the battery, so lock them again when you are done. Whoever may use Home Assistant may then change the settings.

## What happens when a setting is changed

1. All settings are read again, so that what somebody changed in the phone app meanwhile is seen.
2. The new value is checked: whether the BMS can hold it, whether it makes sense, and how it stands to the other thresholds. A value that would switch a relay off at once is refused unless you ask for that.
3. The BMS takes one byte at a time, and every byte is acknowledged.
4. All settings are read back and compared, every field of them. If anything differs, the old value is put back, and you are told what the BMS holds.
5. Home Assistant shows what was read back, never what was asked for. The logbook has the old value, the new one, and who asked.

When the connection breaks off in between, the next contact reads the settings again, finishes what is there or puts the old value back, and a repair says what became of it.

Most values of two bytes change only in the low one. Where both change, the BMS holds something else for a moment: never less safe than both the old and the new value, but it can be much stricter. A change by which that would switch a relay off is refused unless you ask for it. For voltages that is where 1.28, 2.56 or 3.84 V lies between old and new; for temperatures, -12.7 °C.

## What has to fit together

- V min, V low, V nominal, V balance and V max rise, each by at least {voltage_gap:g} V: two voltages that are closer cannot be told apart.
- V min and its hysteresis together stay {voltage_gap:g} V below V balance, and below V max less its hysteresis. Otherwise a relay that went off does not come on again.
- T max is above both T min by at least {temperature_gap:.1f} °C, the accuracy of a temperature.
- Charge restart is above discharge restart by at least {restart_gap} %.

What is not known, or was never set and reads 0, is not compared. When thresholds do not fit together already, you can still change everything else, and what makes them fit better. The distances and these rules are our choice; the BMS itself refuses nothing, as far as is known.
"""

_LEGEND: Final = """\
*Certainty* is that of the address: *one source* means one person who watched the manufacturer's app, and nobody who contradicts. *Generation* tells who has the setting; *newer firmware* means that some send it and others do not, and which was the first is not known. Only what your BMS sends appears in Home Assistant. *Range* is what makes sense, and is narrowed by the other thresholds. Temperatures are stored in steps of {step} °C on the scale of the app; other values are rounded to the nearest step.
"""

_BALANCE: Final = """\
## V balance

The voltage above which a cell is balanced can only be read: it is set with the option switches of the first board, and no way to write it is known. 1 is ON, 0 is OFF. The switches may be changed while the BMS is running.
"""

_NOT_POSSIBLE: Final = """\
## What is not possible, and why

| Wanted | Why not |
|---|---|
| Charge restart, discharge restart | The values are read, and nobody knows where they are written. See below. |
| Change the PIN | Nobody knows where it is written. The addresses of a sister product mean something else on this BMS. Change it in the app. |
| Clear the energy counters, set the clock | The app does it; nobody knows how. |
| Invert a current sensor (addresses 08E and 08F) | They can be written, but no answer of the BMS shows them. What cannot be read back cannot be verified, so it is not offered. Turn the sensor round, or set it in the app. |
| Set the current sensors to zero | There is no command. Generation 2: option switch 4 of the IN board. Generation 3: the button of the Begin Board. |
| V balance, number of cells | They are set with option switches. |
| Rename the BMS | Nobody knows how. |

## Charge restart and discharge restart: trying unconfirmed addresses

Both are numbers that are disabled when they are created. They refuse to be written until the option *Try unconfirmed addresses* is on. The best guess is {charge} for charge restart and {discharge} for discharge restart, because the delays of the relays follow there; 090 is possible for discharge restart as well. What lies there if the guess is wrong is not known.

If you have the hardware and want to find out:

1. Do it while somebody is there, with nothing connected that must not lose power, and the pack neither nearly full nor nearly empty.
2. Run the action `smartbms.backup_settings`, and write down the settings that the app shows.
3. Unlock the settings, switch on *Try unconfirmed addresses*, and enable the number *Charge restart*.
4. Change it by one percent. The address is written, all settings are read back, and the old byte is written again if anything else changed or the wanted value did not.
5. Look at all settings in the app, also at those that are not listed here, such as the inversion of the current sensors.
6. Change it back, then try *Discharge restart* in the same way. Switch the option off again.

Please report what you saw, success or not, with the issue template *Protocol*: the firmware version, the old and the new value, the message or the entry in the logbook, and a recording made with the action `smartbms.record`, which never holds the PIN. One success on one BMS of each generation makes the address known for everybody.
"""


def page() -> str:
    """Return the whole page."""
    translations = json.loads(_TRANSLATIONS.read_text(encoding="utf-8"))
    states: States = translations["entity"]["select"]
    introduction = _INTRODUCTION.format(
        voltage_gap=VOLTAGE_GAP,
        temperature_gap=TEMPERATURE_GAP * _DEGREES,
        restart_gap=RESTART_GAP,
    )
    restarts = {
        setting.key.value.removesuffix("_restart"): _addresses(setting.unconfirmed)
        for setting in SETTINGS.values()
        if setting.unconfirmed
    }
    return "\n".join(
        (
            introduction,
            "## All settings\n",
            _LEGEND.format(step=f"{_DEGREES:.3f}"),
            *(f"### {title}\n\n{_table(of_block(block), states)}\n" for block, title in _TITLES.items()),
            _BALANCE,
            _lines(_switches()),
            "",
            _NOT_POSSIBLE.format(**restarts),
        )
    )


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)


def _table(settings: Iterable[Setting], states: States) -> str:
    return _lines(
        (
            "| Setting | What it does | Range | Step | Generation | Certainty | Address | Read back |",
            "|---|---|---|---|---|---|---|---|",
            *(f"| {' | '.join(_cells(setting, states))} |" for setting in settings),
        )
    )


def _cells(setting: Setting, states: States) -> Iterator[str]:
    """Yield what stands in the line of a setting; a question mark where the address is not known."""
    yield setting.name
    yield setting.words
    yield _range(setting, states)
    yield _step(setting)
    yield _generations(setting)
    yield _CERTAINTIES[setting.certainty]
    yield _addresses(setting.addresses) or f"{_addresses(setting.unconfirmed)}?"
    yield f"{setting.block}@ {setting.position}"


def _range(setting: Setting, states: States) -> str:
    """Return what a setting can be, in the words of the entity where it has some."""
    if setting.key in CODES:
        names = CODES[setting.key]
        return ", ".join(f"{code:X} = {states[setting.key]['state'][names[code]]}" for code in setting.codes)
    if setting.unit is Unit.FLAG:
        return "0 = off, 1 = on"
    text = _between(setting, setting.sane)
    if setting.sane_gen2 and Generation.GEN2 in setting.generations:
        text += f"; generation 2: {_between(setting, setting.sane_gen2)}"
    return text


def _between(setting: Setting, limits: Range) -> str:
    if setting.unit is Unit.RAW_TEMPERATURE:
        low, high = (_SCALE.celsius(round(limit)) for limit in limits)
        return f"{low} to {high} °C"
    return f"{limits[0]:.10g} to {limits[1]:.10g} {setting.unit}"


def _step(setting: Setting) -> str:
    if setting.codes:
        return "-"
    if setting.unit is Unit.RAW_TEMPERATURE:
        return f"{_DEGREES:.3f} °C"
    return f"{setting.step:g} {setting.unit}"


def _generations(setting: Setting) -> str:
    text = ", ".join(str(generation.value) for generation in setting.generations)
    return f"{text}, newer firmware" if setting.depends_on_firmware else text


def _addresses(addresses: Iterable[int]) -> str:
    return " ".join(f"{address:03X}" for address in addresses)


def _switches() -> Iterator[str]:
    """Yield the positions of the switches for every V balance that there is."""
    yield "| V balance | Generation 2, IN board: 2, 6, 7 | Generation 3, Begin Board: 4 to 8 |"
    yield "|---|---|---|"
    yield "| none | - | 00000 |"
    for code in _BEGIN_BOARD_CODES:
        begin = tuple(bool(code >> shift & 1) for shift in reversed(range(5)))
        voltage = BeginBoard.of((False, False, False, *begin)).balance_voltage
        assert voltage is not None
        switches = InBoard(bypass_voltage=voltage).switches
        older = "-" if switches is None else _positions((switches[1], *switches[5:7]))
        yield f"| {voltage:.1f} V | {older} | {_positions(begin)} |"


def _positions(switches: Switches) -> str:
    return "".join(str(int(is_on)) for is_on in switches)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
