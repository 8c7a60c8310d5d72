"""Every option of every command, in one table, for command lines, Locust, the web form, make and reports.

    OPTIONS["rate"].commands            who takes it
    passed_on("suite", "attack")        what a suite hands on to each of its runs
    words({"rate": "2", "seed": None})  ["--rate=2"]
    make("headless", {"SCENARIO": …})   the make command that says the same

A command takes an option from the environment only where the table says so (`environment`); `VARIABLES` are
all variables of options that Locust would hear, so that a command can keep them from what it starts.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, Final

from common.protections import PRESETS
from scenarios.option import Option, address, sizes, whole, word_or

LOOPBACK: Final = "127.0.0.1"
BUNDLED: Final = "bundled"
MAX_WORKERS: Final = 64
AUTO: Final = "auto"
SEVERAL: Final = ("suite", "plan", "compare", "breakpoint", "tune", "metastable")  # they make attacks
CHECK: Final = "check-target"
LOCUST: Final = "locust"  # plain `locust -f locustfile.py`, and what every attack becomes


def _scenario_value(name: str, text: str, metavar: str, commands: tuple[str, ...], **more: Any) -> Option:
    """What a scenario has a value of its own for, which a run may replace."""
    taken = ("attack", *commands, LOCUST)
    environment = (*more.pop("environment", ()), LOCUST)
    return Option(
        name, text, taken, metavar, environment=environment, form=True, defaults={LOCUST: ""}, **more
    )


TABLE: Final = (
    Option(
        "scenario",
        "the attack to run, or a file",
        ("attack", "compare", "breakpoint", "metastable", "history", CHECK, LOCUST),
        "SCENARIO",
        environment=(LOCUST,),
        form=True,
        positional=("attack", "compare", "breakpoint", "metastable", "history"),
        defaults={
            LOCUST: "burst",
            "breakpoint": "slow-api-breakpoint",
            "metastable": "retry-storm-frontier",
            CHECK: "burst",
        },
    ),
    Option(
        "target",
        "what is attacked: a file of targets/; bundled is the stack that comes along",
        ("attack", *SEVERAL, CHECK, LOCUST),
        "FILE",
        environment=(LOCUST,),
        form=True,
        positional=(CHECK,),
        required=(CHECK,),
        default=BUNDLED,
        defaults={CHECK: None},
    ),
    _scenario_value(
        "protect",
        f"{', '.join(PRESETS)}, or names like today,-burst-limit; empty: the scenario's",
        "SET",
        ("suite", "plan", "breakpoint", "metastable"),
    ),
    _scenario_value("accounts", "how many accounts attack", "N", ("compare", CHECK)),
    _scenario_value("rate", "requests per second of each account", "R", ("compare", CHECK)),
    _scenario_value(
        "duration", "how long load is sent: 20s, 500ms, 2m", "TIME", ("compare", "breakpoint", CHECK)
    ),
    _scenario_value(
        "tier", "the accounts' tier: free, starter, pro, unlimited", "TIER", ("compare", "breakpoint", CHECK)
    ),
    _scenario_value("seed", "the seed of schedule and accounts", "N", (*SEVERAL, CHECK)),
    _scenario_value(
        "duration_scale",
        "6: a sixth of the time, windows and intervals scaled with it",
        "F",
        ("suite", "compare", "metastable", CHECK),
        environment=("attack", "suite", "compare"),
    ),
    _scenario_value(
        "stack", "fakes, real, or mixed: fakes,origin=real; empty: the scenario's", "PARTS", SEVERAL
    ),
    _scenario_value(
        "nano",
        "cgroup: a real origin has a nano's memory and CPU; unlimited: the machine's; container: what others "
        "gave it (make up STACK=real); calibrated: a modelled one has what `make calibrate` measured",
        "KIND",
        SEVERAL,
    ),
    Option(
        "workers",
        f"loading processes beside the master, 0 to {MAX_WORKERS}, or {AUTO}; 0: one process in all",
        ("attack", *SEVERAL),
        "N",
        default="0",
        defaults={"breakpoint": None},
        reader=word_or(AUTO, whole(0, MAX_WORKERS)),
    ),
    Option(
        "baseline",
        "earlier runs of the same attack (folders, or folders of runs), or history: fail where it is worse",
        ("attack", LOCUST),
        "RUNS",
        environment=("attack", LOCUST),
        defaults={LOCUST: ""},
    ),
    Option(
        "bind",
        f"where a master listens (default: {LOOPBACK}; 0.0.0.0: everywhere, for anybody who reaches it)",
        ("attack",),
        "ADDRESS",
        default=LOOPBACK,
        reader=address,
    ),
    Option(
        "port",
        "the port that a master listens on (default: 5557)",
        ("attack", "worker"),
        "N",
        default="5557",
        reader=whole(1, 65_535),
    ),
    Option("a", "A's protections: a preset or names; today,-burst-limit", ("compare",), "SET"),
    Option("b", "B's protections", ("compare",), "SET"),
    Option("runs", "runs a side", ("compare",), "N", default="4"),
    Option("run_a", "A's stored runs: folders, or folders that hold runs, by comma", ("compare",), "RUNS"),
    Option("run_b", "B's stored runs", ("compare",), "RUNS"),
    Option("low", "the lowest rate, req/s of all attackers", ("breakpoint",), "R", default="0.5", make=False),
    Option(
        "high", "the highest rate (2000, or what the target file allows)", ("breakpoint",), "R", make=False
    ),
    Option(
        "start",
        "where to begin (the scenario's own rate, or what is known)",
        ("breakpoint",),
        "R",
        make=False,
    ),
    Option(
        "tolerance",
        "how near the bounds must come: 0.05 is 5 %",
        ("breakpoint", "metastable"),
        "X",
        default="0.05",
        defaults={"metastable": "0.1"},
        make=False,
    ),
    Option(
        "agents",
        "whose repeats: naive, polite, sdk-python, sdk-typescript, fan-out, no-retries (the control), by "
        "comma",
        ("metastable",),
        "NAMES",
        default="naive,polite,no-retries",
    ),
    Option(
        "loads",
        "shares of what it bears at which triggers are searched, by comma",
        ("metastable",),
        "SHARES",
        default="90%,60%",
    ),
    Option(
        "lengths",
        "triggers at which loads are searched, by comma",
        ("metastable",),
        "TIMES",
        default="20s",
    ),
    Option(
        "capacity",
        "what a load of 100 % is, req/s, or the folder of a breakpoint search (the nano's model)",
        ("metastable",),
        "R",
    ),
    Option(
        "budget",
        "how long it may take in all: 40m (breakpoint: 15m for each search)",
        ("breakpoint", "tune", "metastable"),
        "TIME",
        defaults={"tune": "240m", "metastable": "120m"},
    ),
    Option(
        "growth",
        "sizes in monthly active users, by comma: from which on a limit has to change, of the set that OUT's "
        "search found, or of the plan's",
        ("tune",),
        "SIZES",
        reader=sizes,
    ),
    Option("mode", "quick, full or smoke", ("plan",), "MODE", default="quick"),
    Option(
        "out",
        "the run's folder, a new one; with the web UI the folder that the runs' own folders are made in",
        ("attack", *SEVERAL, LOCUST),
        "DIR",
        environment=(LOCUST,),
        defaults={LOCUST: ""},
    ),
    Option("run", "results/<run>: that one alone", ("stop", "report"), "RUN", positional=("stop", "report")),
    Option("list", "list the scenarios and exit", ("attack",), make=False),
    Option("json", "print verdicts.json on standard output, and nothing else there", ("attack",), make=False),
    Option(
        "master",
        "of an attack: wait for --workers on other machines (bin/worker); of a worker: the master's host",
        ("attack", "worker"),
        positional=("worker",),
        required=("worker",),
    ),
    Option(
        "plan", "the suite: phase1, phase2 or all", ("suite",), positional=("suite",), required=("suite",)
    ),
)
OPTIONS: Final = {option.name: option for option in TABLE}
FORM: Final = {option.name: option.help for option in TABLE if option.form}
"""The fields of the web form, as Locust names them, and what they mean."""
VARIABLES: Final = tuple(option.variable for option in TABLE if LOCUST in option.environment)


def of(command: str) -> tuple[Option, ...]:
    """The options of a command, in the table's order."""
    return tuple(option for option in TABLE if command in option.commands)


def passed_on(command: str, to: str) -> tuple[str, ...]:
    """What `command` hands on as given to the `to` that it starts; scenario and folder it names itself."""
    theirs = {option.name for option in of(to)} - {"scenario", "out"}
    return tuple(option.name for option in of(command) if option.name in theirs)


def words(given: Mapping[str, str | None]) -> list[str]:
    """Options as a command line has them; those without a value are left out."""
    return [f"{OPTIONS[name].flag}={value}" for name, value in given.items() if value]


def make(target: str, given: Mapping[str, object]) -> str:
    """The make command with these variables (option → value), as a shell takes it."""
    values = (f"{OPTIONS[name].variable}={shlex.quote(str(value))}" for name, value in given.items())
    return " ".join(["make", target, *values])
