"""What `scripts/soak --writes` lives through, and what it says of it."""

import pytest

from custom_components.smartbms.bms.device import DeviceType, Generation
from custom_components.smartbms.bms.settings import SETTINGS, SettingKey
from custom_components.smartbms.link.transaction import Held, Outcome, WriteStatus
from custom_components.smartbms.simulator.write_fault import Fault
from scripts.rig.soak import main
from scripts.rig.virtual_loop import run
from scripts.rig.writes import Case, End, Trial, cases, news, report

K = SettingKey
CHEMISTRY = Case(
    device_type=DeviceType.GEN3_RAYTAC, key=K.CHEMISTRY, old=1, new=3, fault=Fault.WRONG_BYTE, times=9
)


def test_every_setting_of_every_generation_meets_every_fault_at_every_byte() -> None:
    """Words at both of their bytes."""
    met = {(case.device_type.generation, case.key, case.fault, case.at) for case in cases()}
    words = {key for key, row in SETTINGS.items() if len(row.write_addresses) == 2}
    assert met >= {
        (generation, key, fault, at)
        for generation in Generation
        for key, row in SETTINGS.items()
        if generation in row.generations
        for fault in (None, *Fault)
        for at in range(2 if key in words and fault is not None else 1)
    }


def test_early_firmware_is_met_as_well() -> None:
    """It has the thresholds of every generation and neither delays nor settings of relays."""
    early = {case.key for case in cases() if case.is_early}
    assert {K.V_MIN, K.CAPACITY, K.CRITICAL_MODE, K.CHARGE_RESTART} <= early
    assert not {K.V_LOW, K.CHEMISTRY, K.CHARGE_RELAY_FUNCTION} & early


def test_what_settings_are_changed_to() -> None:
    """Words change in the low byte and in both, up and down; codes become every other code."""
    assert news(SETTINGS[K.V_MIN], 0x244) == [0x245, 0x345, 0x143]
    assert news(SETTINGS[K.V_MIN], 0) == [1, 257]
    assert news(SETTINGS[K.CHARGE_PAUSE_DELAY], 255) == [254]
    assert news(SETTINGS[K.SENSOR_TYPE], 2) == [0, 1, 11]


def test_all_of_one_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """The whole table of V min: nothing is silent."""
    assert main(["--writes", "--only", "v_min"]) == 0
    head, *rows, total = capsys.readouterr().out.splitlines()
    assert head.split() == ["what", "goes", "wrong", "old", "new", "reported", "silent"]
    # Two generations, each of today and early, three changes.
    assert rows[0].split() == ["nothing", "0", "12", "0", "0"]
    assert [row.split()[0] for row in rows[1:3]] == ["lost_byte", "lost_acknowledgement"]
    assert len(rows) == 12
    assert total.split()[0] == "all"
    assert total.split()[-1] == "0"


def test_a_case_that_is_reported() -> None:
    """The wrong byte cannot be put back, and we were told what is there instead."""

    async def live() -> End:
        return await Trial(CHEMISTRY).live()

    assert run(live()) is End.REPORTED


def test_a_case_that_is_silent() -> None:
    """What we were told is not what the device holds: also of a setting that nobody wanted to change."""

    async def ends() -> list[End]:
        found = []
        for key in (K.CHEMISTRY, K.V_MAX):
            trial = Trial(CHEMISTRY)
            await trial.live()
            trial.firmware.counts[key] = 4
            found.append(trial.end())
        return found

    assert run(ends()) == [End.SILENT, End.SILENT]


def test_a_status_that_is_not_true() -> None:
    """It is silent whatever stands beside it."""

    async def end() -> End:
        trial = Trial(CHEMISTRY)
        await trial.session.stop()
        held = Held(K.CHEMISTRY, 1, 3, 2)
        trial.take(Outcome(status=WriteStatus.VERIFIED, changes=(held,), settings={}))
        trial.firmware.counts[K.CHEMISTRY] = 2
        return trial.end()

    assert run(end()) is End.SILENT


def test_silence_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code says so, and the case is named."""
    assert report({("wrong_byte", End.SILENT): 1}, [CHEMISTRY]) == 1
    assert "wrong_byte                       0         0         0         1" in capsys.readouterr().out
