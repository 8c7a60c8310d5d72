"""What a run is asked for: read once, checked once, turned into a command line once.

    request = RunRequest.of(options)      # of `bin/attack`, of Locust, of the web form
    run = request.read()                  # the scenario and the target, checked, with the request
    request.words()                       # the command line of `bin/attack` that says the same
    request.locust_words()                # the one of Locust

Values are texts as they were given; None or "" where nothing was. `scenarios.options` is the table of them.
What reads and checks a scenario is imported where that is done: a command that only starts runs spends 0.9
CPU seconds less.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from common.errors import ConfigError
from run.folders import check_out
from scenarios.option import SOURCE
from scenarios.options import AUTO, BUNDLED, LOCUST, OPTIONS, passed_on, words

if TYPE_CHECKING:
    from scenarios.schema import Scenario
    from targets.schema import Target

NOT_TEXT: Final = ("scenario", "master", "given_by")  # not `--name=value` on a command line


@dataclass(frozen=True)
class RunRequest:
    """One attack; the fields are options of `bin/attack`, in the order in which its command line has them."""

    scenario: str
    protect: str | None = None
    accounts: str | None = None
    rate: str | None = None
    target: str | None = BUNDLED
    duration: str | None = None
    tier: str | None = None
    seed: str | None = None
    duration_scale: str | None = None
    stack: str | None = None
    nano: str | None = None
    workers: str | None = None
    baseline: str | None = None
    master: bool = False
    bind: str | None = None
    port: str | None = None
    out: str | None = None
    given_by: str = SOURCE  # whom a complaint about a value names

    @classmethod
    def of(cls, options: Any, **more: Any) -> RunRequest:
        """From parsed options of whatever kind, with `more` over them; what they do not know is not given."""
        given = {one.name: getattr(options, one.name) for one in fields(cls) if hasattr(options, one.name)}
        return cls(**{**given, **more})

    @classmethod
    def passed_on(cls, command: str, options: Any, **own: Any) -> RunRequest:
        """A run that `command` makes: what its options hand on, and `own` over them."""
        return cls(**{**{name: getattr(options, name) for name in passed_on(command, "attack")}, **own})

    def words(self) -> list[str]:
        """The command line of `bin/attack`; `of` makes the same request of it again."""
        values = {name: value for name, value in asdict(self).items() if name not in NOT_TEXT}
        return [self.scenario, *([OPTIONS["master"].flag] if self.master else []), *words(values)]

    def locust_words(self) -> list[str]:
        """The options of Locust that ask for the same run."""
        given = asdict(self)
        names = (*passed_on("attack", LOCUST), "out")
        return [OPTIONS["scenario"].flag, self.scenario, *words({name: given[name] for name in names})]

    @property
    def worker_count(self) -> int | None:
        """How many workers are asked for; None: as many as are enough, see `read`. Raises ConfigError."""
        asked = OPTIONS["workers"].read(self.workers or "0")
        return None if asked == AUTO else int(asked)

    def read(self) -> CheckedRun:
        """The scenario and the target that are named, checked together. ConfigError, GuardError.

        Its request has a number of workers, also where this one leaves it to the machine.
        """
        from run.checks import preflight
        from scenarios import load as scenarios

        scenario, target = self.load()
        preflight.check(scenario, target, scenarios.find(self.scenario))
        if self.baseline:
            preflight.check_baseline(scenario, self.baseline)
        return CheckedRun(scenario, target, self._counted(scenario))

    def _counted(self, scenario: Scenario) -> RunRequest:
        if self.workers != AUTO or self.master:
            return self
        from run.checks.workers import how_many

        return replace(self, workers=str(how_many(scenario)))

    def load(self) -> tuple[Scenario, Target]:
        """Both as the request wants them, each checked by itself. Raises ConfigError."""
        from run.target_tools import with_tools
        from scenarios import load as scenarios
        from scenarios.overrides import Overrides
        from targets import load as targets

        target = targets.load(self.target or BUNDLED)
        given = {name: getattr(self, name) for name in Overrides.model_fields if name != "source"}
        scenario = scenarios.load(self.scenario, Overrides.read(given, self.given_by))
        return with_tools(scenario, target), target

    def check(self) -> CheckedRun:
        """As `read`; and it names a scenario, its folder can be made, its workers be counted."""
        if not self.scenario:
            from scenarios import load as scenarios

            allowed = f"{', '.join(scenarios.names())}, or a path ending in .yaml"
            raise ConfigError(SOURCE, "scenario", f"is missing, allowed: {allowed}")
        run = self.read()
        if self.out:
            check_out(self.out)
        _ = self.worker_count
        return run


class CheckedRun(NamedTuple):
    """A request that was read and can be run."""

    scenario: Scenario
    target: Target
    request: RunRequest

    def into(self, out: Path) -> CheckedRun:
        """The same run, into another folder."""
        return self._replace(request=replace(self.request, out=str(out)))

    @property
    def accounts(self) -> int:
        """How many accounts there are in all."""
        return sum(group.accounts.count for group in self.scenario.groups)
