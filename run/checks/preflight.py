"""Everything that can be known to be wrong before load starts, looked at before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from common.errors import ConfigError
from scenarios.option import SOURCE
from scenarios.schema import Scenario
from shapes.schedule import peak
from targets import guard, sources
from targets.schema import Target
from telemetry.run_folder import manifest
from users.accounts.accounts import make_accounts
from users.accounts.jwks_server import check_place
from users.accounts.keys import load_key
from users.engine import job
from users.personas.persona import check_persona
from users.transport.tls import client_context
from verdicts.compare import same_attack
from verdicts.compare.baseline import HISTORY
from verdicts.points import registry
from verdicts.run import stored
from verdicts.run.reading import RunFolderError

LOOPBACK: Final = ("127.0.0.1",)
VARY: Final = "true beside a tool's expect.equals or expect.json, allowed: expect.contains (its text changes)"
FAN_OUT: Final = "more than 1 beside points E1 to E4, allowed: 1 (calls of one intent have one key)"


def check(scenario: Scenario, target: Target, file: Path | str) -> None:
    """They can be run, and fit each other; `file` is the scenario's. Raises ConfigError or GuardError."""
    check_points(scenario, file)
    check_personas(scenario, file)
    if target.bundled and (dsn := scenario.stack_settings().database.dsn) is not None:
        guard.check_database(target, dsn.reveal())
    sources.check(target, LOOPBACK if target.bundled else guard.check(target).addresses)
    if not target.bundled:
        guard.check_metrics(target)
        guard.check_effects(target)
        check_tls(target)
    if target.max_rps is not None or target.max_duration is not None:
        guard.refuse_excess(target, peak(job.schedule(scenario).planned), scenario.duration)
    check_health(scenario, target, file)
    make_accounts(scenario, target, scenario.seed)
    if target.auth is not None:
        load_key(target.auth)
        if target.auth.serve_jwks is not None:
            check_place(target.auth.serve_jwks)


def check_health(scenario: Scenario, target: Target, file: Path | str) -> None:
    """The scenario asks for a health check only where the target has one. Raises ConfigError."""
    wish = scenario.stop_when
    if wish is not None and wish.health_failures is not None and target.health is None:
        text = f"target {target.name} names no `health` to ask, allowed: a target with one"
        raise ConfigError(file, "stop_when.health_failures", text)


def check_tls(target: Target) -> None:
    """The authority's certificates can be read. Raises ConfigError."""
    try:
        client_context(target.tls)
    except OSError as error:  # SSLError is one
        text = f"{target.tls.ca}: {error.strerror or error}, allowed: a file of PEM certificates"
        raise ConfigError(f"target {target.name}", "tls.ca", text) from None


def check_baseline(scenario: Scenario, given: str) -> None:
    """The baseline's runs are there, and of the same attack. Raises ConfigError.

    The history has a series of each attack, or none yet.
    """
    if given == HISTORY:
        return
    try:
        for folder in stored.folders(given):
            found = same_attack.differences(scenario.public(), manifest.read(folder).scenario)
            if found:
                raise RunFolderError(f"{folder}: is another attack: {'; '.join(found)}, allowed: the same")
    except RunFolderError as error:
        raise ConfigError(SOURCE, "--baseline", str(error)) from None


def check_points(scenario: Scenario, file: Path | str) -> None:
    """Every point is known and every threshold can be read. Raises ConfigError."""
    try:
        registry.check(scenario.points, scenario.thresholds)
    except ValueError as error:
        raise ConfigError(file, "", str(error)) from None


def check_personas(scenario: Scenario, file: Path | str) -> None:
    """Every persona is known, its options are, and they fit the group's tools. Raises ConfigError."""
    for group, behaviour in zip(scenario.groups, job.group_behaviours(scenario), strict=True):
        try:
            options = check_persona(behaviour.persona, behaviour.options)
        except ValueError as error:
            raise ConfigError(file, f"{group.name}.persona", str(error)) from None
        if scenario.counts_effects and getattr(options, "fan_out", 1) > 1:
            raise ConfigError(file, f"{group.name}.persona", f"fan_out: {FAN_OUT}")
        exact = any(tool.expect is not None and tool.expect.contains is None for tool in group.tools)
        if exact and getattr(options, "vary", False):
            raise ConfigError(file, f"{group.name}.persona", f"vary: {VARY}")
