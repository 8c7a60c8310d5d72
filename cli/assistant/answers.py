"""What each tool answers, as values with a schema: an assistant reads fields, never prose alone."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

Number = float | int | None


class ScenarioLine(BaseModel):
    """A scenario of the list; `duration_s` is that of the load."""

    name: str
    title: str
    priority: str
    variant_of: str | None
    duration_s: float
    points: list[str]


class ScenarioList(BaseModel):
    """Every scenario."""

    scenarios: list[ScenarioLine]


class AskedPoint(BaseModel):
    """A question that a scenario asks, and the bound it sets; "" where the figure alone is wanted."""

    id: str
    question: str
    bound: str


class ScenarioDescription(BaseModel):
    """One scenario: what it sends (without repeats), with which protections, what it asks."""

    name: str
    title: str
    description: str
    priority: str
    variant_of: str | None
    variants: list[str]
    duration_s: float
    accounts: int
    requests: int
    most_in_a_second: int
    protections: str
    points: list[AskedPoint]
    expects: list[str]


class TargetCheck(BaseModel):
    """A few requests to a target: `works` where all went well; `lines` is the table as people read it."""

    works: bool
    exit_code: int
    lines: list[str]


class PointShort(BaseModel):
    """A point's answer in short."""

    id: str
    question: str
    value: float | int | str | None
    unit: str
    status: str
    threshold: str
    basis: str
    subject: str


class RunVerdict(BaseModel):
    """What a run came to. `exit_code`: 0 pass, 1 fail, 3 it does not count; null of a stored run."""

    run: str
    scenario: str
    target: str
    started: str
    duration_s: float
    protections: list[str]
    verdict: str
    stop_reason: str
    invalid_because: list[str]
    broke_first: str
    arrivals: dict[str, Any]
    response_ms: dict[str, Number]
    errors: dict[str, int]
    refusals: dict[str, int]
    points: list[PointShort]
    report: str
    exit_code: int | None = None


class PointExplanation(BaseModel):
    """A question in full: who answers it within which bound, and what a run found, with its evidence."""

    id: str
    question: str
    answered_by: str
    wanted: str
    bounds: dict[str, str]
    run: str | None
    findings: list[dict[str, Any]]


class ComparisonAnswer(BaseModel):
    """B against A, figure by figure: better, worse or not told apart."""

    comparison: str
    verdict: str
    sentence: str
    figures: list[dict[str, Any]]
    notes: list[str]


class BreakpointAnswer(BaseModel):
    """The highest rate that was borne, by protections: each row as the table of the page has it."""

    breakpoint: str
    sentence: str
    rows: list[dict[str, str]]
    exit_code: int


class AnsweredQuestion(BaseModel):
    """A question of the plan; `values` are the findings, `reason` stands where there is none."""

    id: str
    question: str
    state: str
    status: str
    values: list[str]
    reason: str
    run: str | None
    advice: list[str]


class PlanAnswers(BaseModel):
    """The answers of a plan's runs."""

    plan: str
    mode: str
    headline: str
    sentence: str
    exit_code: int
    questions: list[AnsweredQuestion]
