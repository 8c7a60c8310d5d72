"""Every rule of the plan fires on numbers that ask for it, and is silent on those that do not."""

from __future__ import annotations

import re
from string import Formatter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.load import load
from scenarios.plan_runs import RUNS
from verdicts.language import catalogue
from verdicts.plan import numbers, rules
from verdicts.plan.numbers import Number, Numbers
from verdicts.plan.rule import Advice, AdviceRule
from verdicts.plan.rules import DERIVED, RULES
from verdicts.points.point import MILESTONES
from verdicts.points.registry import POINTS, QUESTIONS

LIMITER = {"most": 15, "limit": 10, "blocked": 50, "kept": 30, "kept_bytes": 8580}
BURST = {"most": 10, "kept": 300, "writes": 300, "wait": 0.05}
COMMON = {"by", "basis", "value", "fails", "offered", "time_scale", "load_s"}
NOTICED = {"real": 70.5, "least": 60.0, "most": 90.0}
# (point, numbers on which the rule fires, numbers on which it is silent), in the order of RULES
EXAMPLES: list[tuple[str, dict[str, float], dict[str, float]]] = [
    (
        "P0.1",
        {"limit": 6134, "room": 4277, "users": 100},
        {"limit": 100, "room": 4277, "users": 100, "in_flight": 3},
    ),
    ("P0.1", {"limit": 100, "room": 4277}, {"limit": 6134, "room": 4277}),
    ("P0.1", {"in_flight": 9}, {"in_flight": 9, "limit": 100}),
    ("P0.2", {"nano_memory": 201e6, "goroutines": 9}, {"nano_memory": 200e6, "goroutines": 9}),
    ("P0.2", {"memory": 200e6, "goroutines": 9}, {"memory": 201e6, "goroutines": 9}),
    ("P0.3", {"kills": 1, "goroutines": 9}, {"kills": 0, "goroutines": 9}),
    ("P0.3", {"phase2_success": 0.1, "success": 1}, {"phase2_success": 0.99, "success": 1}),
    ("P0.3", {"success": 0.98}, {"success": 0.99}),
    ("P0.3", {"kills": 0, "goroutines": 9}, {"kills": 1, "goroutines": 9}),
    ("P0.3", {"borne_none": 200}, {"kills": 0}),
    (
        "P0.4",
        {"others_success": 1, "success": 0.92, "phase2_others_success": 0.3, "phase2_success": 0.56},
        {"others_success": 1, "success": 0.92, "phase2_others_success": 0.99, "phase2_success": 0.9},
    ),
    (
        "P0.4",
        {"others_success": 0.98, "phase2_others_success": 1},
        {"others_success": 0.98, "phase2_others_success": 0.3},
    ),
    ("P0.4", {"wait": 5.1}, {"wait": 5}),
    ("P0.4", {"recovery": 15.1}, {"recovery": 15}),
    ("P0.4", {"others_success": 0.99}, {"others_success": 0.98}),
    ("P1.1", {"kv_error": 0.06}, {"kv_error": 0.05}),
    ("P1.1", {"kv_error": 0.05}, {"kv_error": 0.06}),
    (
        "P1.2",
        {"excess": 1.2, "after": 300, "offered": 300},
        {"excess": 1.1, "after": 300, "offered": 300},
    ),
    (
        "P1.2",
        {"excess": 0, "let_through": 0.09, "after": 1, "offered": 300},
        {"excess": 0, "let_through": 0.1, "after": 1, "offered": 300},
    ),
    (
        "P1.2",
        {"excess": 1.1, "let_through": 0.5, "after": 9},
        {"excess": 1.2, "let_through": 0.5, "after": 9},
    ),
    ("P1.3", {"seen": 0.06}, {"seen": 0.05}),
    ("P1.3", {"seen": 0.05, "failures": 3}, {"seen": 0.06, "failures": 3}),
    ("P1.4", {"max": 6, "isolates": 4}, {"max": 5, "isolates": 4}),
    ("P1.4", {"max": 5}, {"max": 6}),
    ("P1.5", {"mean": 49, "offered": 100}, {"mean": 50, "offered": 100}),
    ("P1.5", {"mean": 90, "offered": 100}, {"mean": 89, "offered": 100}),
    ("P1.5", {"mean": 89, "offered": 100}, {"mean": 90, "offered": 100}),
    (
        "P1.6",
        {"nano_demand": 0.081, "nano_memory": 1e6},
        {"nano_demand": 0.08, "nano_memory": 1e6},
    ),
    (
        "P1.6",
        {
            **{"nano_demand": 0.05, "nano_cpu": 0.05, "nano_memory": 1e6, "nano_rate": 500},
            **{"nano_cost": 1e-4},
        },
        {
            **{"nano_demand": 0.05, "nano_cpu": 0.05, "nano_memory": 201e6, "nano_rate": 500},
            **{"nano_cost": 1e-4},
        },
    ),
    (
        "P1.6",
        {"full": 300, "nano_cpu": 0.081, "nano_memory": 1e6, "offered": 500},
        {"full": 300, "nano_cpu": 0.08, "nano_memory": 200e6, "offered": 500},
    ),
    (
        "P1.6",
        {"full": 300, "nano_cpu": 0.08, "nano_memory": 200e6},
        {"full": 300, "nano_cpu": 0.08, "nano_memory": 201e6},
    ),
    ("P1.6", {"cpu": 0.81}, {"cpu": 0.81, "nano_cpu": 0.01}),
    ("P1.6", {"cpu": 0.8}, {"cpu": 0.8, "nano_cpu": 0.01}),
    ("P1.7", {"served": 0.94, "p95": 0.1}, {"served": 0.95, "p95": 0.1}),
    ("P1.7", {"p95": 2.1, "p99": 3}, {"p95": 2.1, "p99": 3, "served": 0.9}),
    ("P1.7", {"p50": 1, "p95": 2, "p99": 3}, {"p50": 1, "p95": 2, "p99": 3, "served": 0.9}),
    ("P1.8", {"5xx": 0.06, "errors": 0.06}, {"5xx": 0.05, "errors": 0.05}),
    (
        "P1.8",
        {"5xx": 0.05, "errors": 0.05, "refusals": 0.1},
        {"5xx": 0.01, "errors": 0.06, "refusals": 0.1},
    ),
    ("P1.9", {"limit": 57}, {"off": 0}),
    ("P1.10", {"unclear": 0.02}, {"unclear": 0.01}),
    ("P1.10", {"unclear": 0.01}, {"unclear": 0.02}),
    ("P1.11", {"seconds": 16}, {"seconds": 15}),
    ("P1.11", {"watched": 16}, {"watched": 16, "seconds": 3}),
    ("P1.11", {"watched": 15}, {"watched": 15, "seconds": 3}),
    ("P1.11", {"restarted": 1}, {"restarted": 0}),
    ("P1.11", {"seconds": 15, "restarted": 0}, {"seconds": 15, "restarted": 1}),
    ("P3.1", {"max": 0.11}, {"max": 0.1}),
    ("P3.1", {"max": 0.1}, {"max": 0.11}),
    ("P3.2", {"mean": 0.11, "interval": 600}, {"mean": 0.1, "interval": 600}),
    ("P3.2", {"mean": 0.1, "interval": 2}, {"mean": 0.11, "interval": 2}),
    ("P3.3", {"hits": 100}, {"hits": 101}),
    ("P3.3", {"hits": 101}, {"hits": 100}),
    ("P3.4", {"mean": 0.0101}, {"mean": 0.01}),
    ("P3.4", {"valid_users_value": 99.9}, {"valid_users_value": 100}),
    ("P3.4", {"mean": 0.01}, {"mean": 0.0101}),
    ("P3.5", {"fetches": 1.1}, {"fetches": 1}),
    (
        "P3.5",
        {"fetches": 1, "caused": 0, "unknown": 840, "ttl": 300},
        {"fetches": 1.1, "caused": 0, "unknown": 840, "ttl": 300},
    ),
    (
        "P3.5",
        {"key_rotation_taken_up": 299.5, "key_rotation_turned_away": 900, "ttl": 300},
        {"key_rotation_taken_up": 60, "key_rotation_turned_away": 9, "ttl": 300},
    ),
    ("P3.6", {"share": 0.1345, "days": 194}, {"share": 1 / 1500, "days": 0.9}),
    ("P3.6", {"origin_value": 1}, {"origin_value": 0}),
    ("P3.6", {"share": 1 / 1500}, {"share": 0.1345}),
    ("F1.1", {"fails": 1, "value": 6}, {"fails": 0, "value": 5}),
    ("F1.1", {"fails": 0, "value": 5}, {"fails": 1, "value": 6}),
    ("F1.2", {"fails": 1, "value": 61}, {"fails": 0, "value": 60}),
    ("F1.2", {"fails": 0, "value": 60, "headers_value": 0}, {"fails": 1, "value": 60, "headers_value": 0}),
    ("F1.2", {"edge_value": 120, "value": 60}, {"edge_value": 60, "value": 60}),
    ("F1.3", {"fails": 1, **NOTICED}, {"fails": 0, **NOTICED}),
    ("F1.3", {"fails": 0, "errors": 1, **NOTICED}, {"fails": 0, "errors": 0, **NOTICED}),
    ("F1.3", {"fails": 0, "errors": 0, **NOTICED}, {"fails": 0, "errors": 1, **NOTICED}),
    ("C1", {**LIMITER, "over": 5, "unanswered": 50}, {**LIMITER, "over": 0, "unanswered": 0}),
    ("C1", {**LIMITER, "over": 0, "unanswered": 0}, {**LIMITER, "over": 0, "unanswered": 1}),
    ("C2", {**BURST, "failed": 0.8, "over": 0}, {**BURST, "failed": 0, "over": 0}),
    ("C2", {**BURST, "failed": 0, "over": 0}, {**BURST, "failed": 0, "over": 5}),
]


def advise(rule: AdviceRule, known: dict[str, float], language: str = "en") -> Advice | None:
    return rule.advise(rules.derived(rule.point, Numbers(known)), language, "at 100 MAU", "modelled")


def names(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def test_there_is_an_example_for_each_rule() -> None:
    assert [point for point, _, _ in EXAMPLES] == [rule.point for rule in RULES]


@pytest.mark.parametrize("number", range(len(RULES)), ids=lambda at: f"{RULES[at].point}-{at}")
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_rule_fires_and_is_silent(number: int, language: str) -> None:
    rule, (_, fires, silent) = RULES[number], EXAMPLES[number]
    found = advise(rule, fires, language)
    assert found is not None
    assert re.search(r"\d", found.text)
    assert "{" not in found.text
    assert advise(rule, silent, language) is None


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.point)
def test_a_rule_quotes_the_same_numbers_in_both_languages(rule: AdviceRule) -> None:
    english, japanese = rule.texts("en"), rule.texts("ja")
    for text in ("advice", "also"):
        assert names(english[text]) == names(japanese[text])
    assert names(english["advice"]) - {"by"}, "a recommendation quotes the number that it follows from"
    for text in ("rule", "advice"):
        assert english[text]
        assert re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", japanese[text])
        assert not re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", english[text])


def test_the_catalogue_has_the_texts_of_every_rule_in_each_language_and_no_others() -> None:
    english, japanese = (catalogue.advice(language) for language in ("en", "ja"))
    assert list(english.rules) == list(japanese.rules) == [rule.key for rule in RULES]
    for key, texts in english.rules.items():
        assert list(texts) == list(japanese.rules[key])
        assert {"rule", "advice"} <= set(texts) <= {"rule", "advice", "also"}


def test_every_question_has_a_rule_and_every_rule_a_question() -> None:
    assert {rule.point for rule in RULES} == set(QUESTIONS)
    assert set(DERIVED) <= set(QUESTIONS)
    assert {question.when for question in QUESTIONS.values()} == set(MILESTONES)
    for language in catalogue.LANGUAGES:
        texts = catalogue.advice(language)
        assert list(texts.when) == list(texts.by) == list(MILESTONES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.point)
def test_without_numbers_there_is_no_recommendation(rule: AdviceRule) -> None:
    assert advise(rule, {}) is None


@pytest.mark.parametrize(
    ("basis", "language", "word"), [("measured", "en", "(measured)"), ("modelled", "ja", "(モデル計算)")]
)
def test_advice_says_whether_its_limit_was_measured(basis: str, language: str, word: str) -> None:
    known = Numbers({"limit": 6134, "room": 4277, "users": 100, "each": 42})
    (rule,) = (one for one in RULES if one.key == "P0.1.only-memory-limits")
    found = rule.advise(known, language, "at 100 MAU", basis)
    assert found is not None
    assert word in found.text


def test_what_another_run_shows_is_added_where_it_is_known() -> None:
    rule = next(rule for rule in RULES if rule.point == "P0.4" and "wait" in rule.key)
    beside = {"4s_wait": 4.0, "4s_recovery": 6.4, "4s_success": 0.73, "success": 0.92}
    alone, both = (advise(rule, known) for known in ({"wait": 25.0}, {"wait": 25.0, **beside}))
    assert alone is not None
    assert both is not None
    assert "phase2" not in alone.text
    assert both.text == (
        f"{alone.text} With phase2 and 4 s they waited 4 s, recovery took 6.4 s, and 73 % of all calls were "
        "served (92 % without): what a short timeout cuts off is lost."
    )


def test_a_cache_that_refuses_a_rotated_key_is_not_to_be_kept() -> None:
    known = {"fetches": 0.2, "caused": 0, "unknown": 840, "ttl": 300}
    rotated = {**known, "key_rotation_taken_up": 296, "key_rotation_turned_away": 561}
    for numbers_, keys in ((known, ["cache-holds"]), (rotated, ["rotation-refuses"])):
        fired = [rule.name for rule in RULES if rule.point == "P3.5" and advise(rule, numbers_)]
        assert fired == keys


def test_advice_names_only_numbers_that_some_run_of_the_plan_gives() -> None:
    points = {name: load(name).points for name in {run.scenario for run in RUNS}}
    for rule in RULES:
        own = {*POINTS[rule.point].figures, *DERIVED.get(rule.point, {}), *COMMON}
        runs = [run for run in RUNS if rule.point in points[run.scenario]]
        scenario = QUESTIONS[rule.point].scenario
        labels = {run.label if run.label and run.name.startswith(scenario) else run.name for run in runs}
        for name in names(rule.texts("en")["advice"]) | names(rule.texts("en")["also"]):
            known = name in own or name.endswith("_value") or name.startswith("borne_")
            assert known or any(name.startswith(one.replace("-", "_") + "_") for one in labels), (
                rule.key,
                name,
            )


def test_the_mended_code_stands_beside_its_advice_in_five_lines() -> None:
    mended = {rule.key: rule.mend for rule in RULES if rule.mend}
    assert set(mended) == {"C1.as-written-fails", "C2.as-written-fails"}
    assert [mend.count("\n") + 1 for mend in mended.values()] == [5, 5]
    found = advise(next(one for one in RULES if one.mend), {**LIMITER, "over": 5, "unanswered": 50})
    assert found is not None
    assert found.mend.startswith("mu.Lock()")


def test_advice_may_be_due_before_its_question_is_wanted() -> None:
    rule = next(rule for rule in RULES if rule.key == "P1.1.kv-fails-calls")
    found = advise(rule, {"kv_error": 1.0})
    assert found is not None
    assert found.due == "before the MVP"
    assert "before the MVP" in found.text


def test_a_number_may_follow_from_one_that_follows() -> None:
    known = {"nano_memory": 98e6, "goroutines": 3040.0, "per_goroutine": 18432.0}
    texts = [found.text for rule in RULES if rule.point == "P0.2" and (found := advise(rule, known))]
    assert texts == [
        "Nothing to change at this load: 98 MB with 3,040 goroutines. At 18 KiB each, the alert at 200 MB is "
        "due at about 8,573 goroutines."
    ]


def test_arithmetic_that_a_rule_states() -> None:
    counts = advise(next(rule for rule in RULES if rule.point == "P1.4"), {"max": 15.0, "isolates": 4.0})
    assert counts is not None
    assert "for 20 calls per user and second, not 5, at 100 MAU (15 were seen)" in counts.text.replace(
        "before", "at"
    )
    pool = next(rule for rule in RULES if rule.point == "P1.9")
    found = advise(pool, {"limit": 57.0})
    assert found is not None
    assert "at 26 connections or fewer" in found.text
    flood = advise(next(rule for rule in RULES if rule.point == "P3.6"), {"share": 0.125, "days": 180.0})
    assert flood is not None
    assert "last 8 minutes" in flood.text


class Asked(Numbers):
    """Numbers that remember which names were asked for; all of them are 1."""

    def __init__(self) -> None:
        super().__init__({})
        self.names: set[str] = set()

    def __missing__(self, name: str) -> Number:
        self.names.add(name)
        return Number(1.0)


def own_names(point: str) -> list[str]:
    """The names of a question's own numbers, as its rules use them."""
    asked = Asked()
    for rule in RULES:
        if rule.point == point:
            rule.when(asked)
            asked.names |= names(rule.texts("en")["advice"]) - {"by"}
    for work in DERIVED.get(point, {}).values():
        work(asked)
    return sorted(name for name in asked.names if not name.startswith(("phase2_", "borne_")))


POSITIVE = st.floats(min_value=1e-3, max_value=1e6)


@given(data=st.data(), point=st.sampled_from(sorted(QUESTIONS)))
def test_whatever_the_numbers_a_question_that_has_all_gets_a_recommendation(data: Any, point: str) -> None:
    known = {name: data.draw(POSITIVE, label=name) for name in own_names(point)}
    found = [advise(rule, known) for rule in RULES if rule.point == point]
    assert any(found)


@given(
    known=st.dictionaries(
        st.sampled_from(sorted({name for point in QUESTIONS for name in own_names(point)})),
        st.floats(min_value=1e-9, max_value=1e12)
        | st.floats(min_value=-1e12, max_value=-1e-9)
        | st.just(0.0),
    )
)
def test_no_numbers_break_a_rule_or_show_as_nan(known: dict[str, float]) -> None:
    for rule in RULES:
        for language in ("en", "ja"):
            found = advise(rule, known, language)
            assert found is None or not re.search(r"\b(nan|inf)\b", found.text)


@pytest.mark.parametrize(
    ("value", "spec", "shown"),
    [
        (1698.4, "", "1,698"),
        (5, "", "5"),
        (0.2678, "", "0.268"),
        (0.1346, "%", "13.5 %"),
        (1, "%", "100 %"),
        (0.0241, "ms", "24.1 ms"),
        (70.52, "s", "70.5 s"),
        (97.9e6, "MB", "97.9 MB"),
        (18432, "KiB", "18 KiB"),
        (1.5, ".2f", "1.50"),
    ],
)
def test_numbers_as_a_reader_wants_them(value: float, spec: str, shown: str) -> None:
    assert format(Number(value), spec) == shown


def test_the_numbers_of_a_run() -> None:
    results: list[dict[str, Any]] = [
        {"id": "P1.6.nano-cpu", "status": "pass", "value": 0.01, "figures": {"nano_cpu": 0.01}},
        {"id": "P1.6", "status": "fail", "value": "none", "figures": {"cpu": None, "seen": True}},
    ]
    found = {"time_scale": 2, "duration_s": 10.0, "arrivals": {"sent": 50}}
    assert numbers.of(results, found, "sync-30s") == {
        "sync_30s_time_scale": 2, "sync_30s_load_s": 10.0, "sync_30s_offered": 5.0, "sync_30s_fails": 1,
        "sync_30s_nano_cpu_value": 0.01, "sync_30s_nano_cpu": 0.01,
    }  # fmt: skip
