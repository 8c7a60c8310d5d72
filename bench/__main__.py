"""`python -m bench [WHAT|all] [--write]`: measure, print, and with --write keep the figures.

`speed` takes about 25 s a repeat, `open` about 65 s. Of distributed attacks `workers` takes two minutes
a repeat; `messages`, once each, three, and `in-flight` two. All need an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from typing import Final

from bench import full_speed, open_model, scaling
from bench.peers import TOOLS
from bench.scaling_tables import in_flight_table, messages_table, throughput_table
from bench.tables import PAGE, open_table, speed_table, write
from common.paths import ROOT

SCALING: Final = ROOT / "docs" / "scaling.md"


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


def _workers(options: argparse.Namespace) -> str:
    seconds = options.seconds or 8.0
    attacks = [scaling.MeasuredAttack(workers, rate, seconds) for rate in RATES for workers in (1, 2)]
    return throughput_table([scaling.best(attack, options.repeats) for attack in attacks], options.repeats)


def _messages(options: argparse.Namespace) -> str:
    seconds = options.seconds or 10.0
    sizes = [(workers, rate) for rate in (200, 1000) for workers in (1, 2, 4, 8)]
    attacks = [scaling.MeasuredAttack(workers, rate, seconds) for workers, rate in sizes]
    return messages_table([scaling.fast(attack) for attack in attacks])


def _in_flight(options: argparse.Namespace) -> str:
    return in_flight_table(
        [
            (answer, scaling.slow(scaling.MeasuredAttack(1, rate, options.seconds or answer + 4), answer))
            for rate, answer in SLOW
        ]
    )


RATES: Final = (2000, 4000, 8000)  # requests a second in all
SLOW: Final = ((500, 3.0), (500, 10.0), (1000, 10.0))  # requests a second, seconds an answer
SECTIONS: Final = {
    "speed": (_speed, PAGE),
    "open": (_open, PAGE),
    "workers": (_workers, PAGE),
    "messages": (_messages, SCALING),
    "in-flight": (_in_flight, SCALING),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=(*SECTIONS, "all"), default="all")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, help="length of one run instead of its usual one")
    parser.add_argument("--tool", action="append", help="measure this tool alone; may be repeated")
    parser.add_argument("--write", action="store_true", help="keep the tables in docs/")
    options = parser.parse_args()
    try:
        for section, (measure, page) in SECTIONS.items():
            if options.what in (section, "all"):
                text = measure(options)
                print(text, end="\n\n", flush=True)
                if options.write:
                    write(section, text, page)
    except RuntimeError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
