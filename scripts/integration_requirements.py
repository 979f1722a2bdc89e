"""Print what the integrations of a development Home Assistant require, as Home Assistant pins it.

Home Assistant installs these at run time; pinning them with the environment keeps a start fast and
offline. The first argument onwards names the integrations; their dependencies are followed.
"""

import json
from pathlib import Path
import sys

import homeassistant

COMPONENTS = Path(homeassistant.__file__).parent / "components"
# The Bluetooth set-up loads these with the first discovery even when nobody configured them.
FOLLOW_AFTER = {"bluetooth_adapters"}


def requirements(domain: str, seen: set[str]) -> list[str]:
    """Return the requirements of an integration and of everything it depends on."""
    path = COMPONENTS / domain / "manifest.json"
    # An older Home Assistant does not have every one of them.
    if domain in seen or not path.exists():
        return []
    seen.add(domain)
    manifest = json.loads(path.read_text(encoding="utf-8"))
    followed = manifest.get("dependencies", [])
    if domain in FOLLOW_AFTER:
        followed += manifest.get("after_dependencies", [])
    found: list[str] = manifest.get("requirements", [])
    return found + [line for name in followed for line in requirements(name, seen)]


if __name__ == "__main__":
    seen: set[str] = set()
    print("\n".join(sorted({line for name in sys.argv[1:] for line in requirements(name, seen)})))
