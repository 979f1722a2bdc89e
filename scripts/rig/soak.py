"""The soak: what must not go wrong, lived through many times; the exit code says whether it did.

`--writes` changes every setting of every generation, with every fault at every byte. A write whose end we do
not know is silent, and there must be none.

`--year` lets simulated batteries live through a year with all that happens to a link, and their energies have
to be right at its end.

`--hostile` brings devices that look like a BMS into reach of a real Home Assistant: it must not be held up by
them nor grow, a good BMS beside them goes on, and the owner is told what is wrong with each.

`--faults` has a thousand things happen to several BMS, their proxies and a real Home Assistant: it has to come
back quickly, show nothing untrue, and leave nothing behind.

`--days` lets a household of BMS live for days in one Home Assistant with a recorder: nothing may grow or become
slower, and what is counted and predicted has to be right.
"""

import argparse
import asyncio
from collections.abc import Sequence
import sys

from custom_components.smartbms.bms.settings import SettingKey

from . import days, faults, year
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
    what.add_argument("--faults", action="store_true", help="have things go wrong")
    what.add_argument(
        "--days",
        nargs="?",
        type=int,
        const=days.DAYS,
        metavar="DAYS",
        help=f"live for some days, at least two ({days.DAYS})",
    )
    parser.add_argument(
        "--count", type=int, default=faults.COUNT, help=f"how many faults happen ({faults.COUNT})"
    )
    parser.add_argument(
        "--short",
        dest="count",
        action="store_const",
        const=faults.SHORT,
        help=f"each kind of fault, {faults.SHORT} in all",
    )
    parser.add_argument("--only", choices=list(SettingKey), metavar="SETTING", help="change one alone")
    parser.add_argument("--seed", type=int, default=1, help="what happens (1)")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help=f"of each hostile device ({SECONDS:g})"
    )
    options = parser.parse_args(arguments)
    if options.hostile:
        return asyncio.run(live_all(options.seconds))
    if options.faults:
        return asyncio.run(faults.live_all(options.seed, options.count))
    if options.days is not None:
        return days.live_all(options.days, options.seed)
    if options.year is not None:
        return year.report(year.live_all(options.seed, options.year))
    only = options.only
    return report(*run(write_all(case for case in cases() if only in (None, case.key))))


if __name__ == "__main__":
    sys.exit(main())
