"""`python -m bench [speed|open|all] [--write]`: measure, print, and with --write keep the figures.

`speed` takes about 25 s a repeat, `open` about 65 s; both need an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict

from bench import full_speed, open_model
from bench.peers import TOOLS
from bench.tables import open_table, speed_table, write


def _speed(options: argparse.Namespace) -> str:
    tools = [tool for tool in TOOLS if not options.tool or tool in options.tool]
    return speed_table(full_speed.measure(options.repeats, options.seconds or 5.0, tools))


def _open(options: argparse.Namespace) -> str:
    runs: defaultdict[str, list[open_model.Open]] = defaultdict(list)
    for _ in range(options.repeats):
        for tool, driver in open_model.DRIVERS.items():
            if not options.tool or tool in options.tool:
                runs[tool].append(open_model.measure(driver, options.seconds or 15.0))
    return open_table(runs)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("speed", "open", "all"), default="all")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, help="length of one run: 5 (speed), 15 (open) unless given")
    parser.add_argument("--tool", action="append", help="measure this tool alone; may be repeated")
    parser.add_argument("--write", action="store_true", help="keep the tables in docs/benchmarks.md")
    options = parser.parse_args()
    try:
        for section, measure in (("speed", _speed), ("open", _open)):
            if options.what in (section, "all"):
                text = measure(options)
                print(text, end="\n\n", flush=True)
                if options.write:
                    write(section, text)
    except RuntimeError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
