"""What is shown to a person under Repairs, and taken back by itself when it is over."""

from collections.abc import Iterable, Mapping
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from .bms.errors import HeldElsewhereError
from .bms.settings import SettingKey
from .const import DOMAIN
from .model.diagnosis import Finding, FindingKey, Severity
from .words import words

# A notice is listed with the findings, but nobody is asked to repair it.
_SEVERITIES: Final = {Severity.WARNING: ir.IssueSeverity.WARNING, Severity.ERROR: ir.IssueSeverity.ERROR}


class Issues:
    """The repair issues of one entry."""

    def __init__(self, hass: HomeAssistant, entry_id: str, name: str) -> None:
        """Show nothing yet; `name` is what the owner calls the BMS."""
        self._hass = hass
        self._entry_id = entry_id
        self._name = name
        self._shown: dict[FindingKey, object] = {}

    def held_elsewhere(self, is_held: bool) -> None:
        """Tell that another integration holds the BMS, or take it back."""
        if is_held:
            self._create(HeldElsewhereError.key, ir.IssueSeverity.ERROR, {})
        else:
            self._delete(HeldElsewhereError.key)

    def findings(self, findings: Iterable[Finding]) -> None:
        """Show the serious ones; one that is shown keeps its numbers until it is over, worse or known better."""
        serious = {finding.key: finding for finding in findings if finding.severity in _SEVERITIES}
        for key in FindingKey:
            finding = serious.get(key)
            if finding is None:
                self._delete(f"finding_{key}")
                self._shown.pop(key, None)
            elif self._shown.get(key) != finding.gist:
                self._shown[key] = finding.gist
                evidence = words(self._hass).evidence(finding.evidence)
                self._create(f"finding_{key}", _SEVERITIES[finding.severity], evidence)

    def unclear(self, key: SettingKey, texts: Mapping[str, str]) -> None:
        """Tell that nobody knows what the BMS holds in place of a setting."""
        self._create(f"written_{key}", ir.IssueSeverity.ERROR, texts, translation_key="setting_unclear")

    def settled(self, key: SettingKey, texts: Mapping[str, str]) -> None:
        """Tell what became of a setting; that stays until somebody has read it."""
        self._create(
            f"written_{key}",
            ir.IssueSeverity.WARNING,
            texts,
            translation_key="setting_settled",
            until_read=True,
        )

    def verified(self, key: SettingKey) -> None:
        """Take back what was told of a setting: it is known again."""
        self._delete(f"written_{key}")

    def clear(self) -> None:
        """Take everything back."""
        self.held_elsewhere(False)
        self.findings(())
        for key in SettingKey:
            self.verified(key)

    def _create(
        self,
        key: str,
        severity: ir.IssueSeverity,
        placeholders: Mapping[str, str],
        *,
        translation_key: str | None = None,
        until_read: bool = False,
    ) -> None:
        """Show an issue; one that stays `until_read` is fixed by saying so, and survives a restart."""
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            f"{key}_{self._entry_id}",
            is_fixable=until_read,
            is_persistent=until_read,
            severity=severity,
            translation_key=translation_key or key,
            translation_placeholders={"name": self._name, **placeholders},
        )

    def _delete(self, key: str) -> None:
        ir.async_delete_issue(self._hass, DOMAIN, f"{key}_{self._entry_id}")
