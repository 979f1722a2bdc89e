"""Starts `diagnose` on a computer without Home Assistant.

The package of the integration imports Home Assistant when it is imported, but its rooms `bms` and
`model` need nothing but Python. So an empty module with the path of the package takes its place: Python
then finds the rooms in it without ever running the package itself.
"""

from pathlib import Path
import sys
from types import ModuleType

_NAME = "custom_components.smartbms"


def main() -> int:
    """Run from the command line."""
    package = ModuleType(_NAME)
    package.__path__ = [str(Path(__file__).parents[2] / "custom_components" / "smartbms")]
    sys.modules[_NAME] = package

    from .diagnose import main as diagnose

    return diagnose()


if __name__ == "__main__":
    sys.exit(main())
