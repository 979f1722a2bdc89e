"""The soak: what must not go wrong, lived through many times; the exit code says whether it did.

`--writes` changes every setting of every generation, with every fault at every byte. A write whose end we do
not know is silent, and there must be none.

`--year` lets simulated batteries live through a year with all that happens to a link, and their energies have
to be right at its end.

`--hostile` brings devices that look like a BMS into reach of a real Home Assistant: it must not be held up by
them nor grow, a good BMS beside them goes on, and the owner is told what is wrong with each.
"""

import argparse
import asyncio
from collections.abc import Sequence
import sys

from custom_components.smartbms.bms.settings import SettingKey

from . import year
from .hostile_soak import SECONDS, live_all
from .life import DAYS
from .virtual_loop import run
from .writes import cases, report, write_all


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--writes", action="store_true", help="change every setting")
    what.add_argument(
        "--year",
        nargs="?",
        type=float,
        const=DAYS,
        metavar="DAYS",
        help=f"count the energies of a year, or of fewer days ({DAYS:g})",
    )
    what.add_argument("--hostile", action="store_true", help="meet devices that look like a BMS")
    parser.add_argument("--only", choices=list(SettingKey), metavar="SETTING", help="change one alone")
    parser.add_argument("--seed", type=int, default=1, help="what happens (1)")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help=f"of each hostile device ({SECONDS:g})"
    )
    options = parser.parse_args(arguments)
    if options.hostile:
        return asyncio.run(live_all(options.seconds))
    if options.year is not None:
        return year.report(year.live_all(options.seed, options.year))
    only = options.only
    return report(*run(write_all(case for case in cases() if only in (None, case.key))))


if __name__ == "__main__":
    sys.exit(main())
