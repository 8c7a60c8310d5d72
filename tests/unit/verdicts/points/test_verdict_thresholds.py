from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verdicts.points import registry
from verdicts.thresholds import Bound, Threshold

UNITS = {"p95": "s", "5xx": "share", "memory": "bytes", "mean": "req/s", "in_flight": "", "cpu": "vCPU"}


@pytest.mark.parametrize(
    ("text", "values", "status"),
    [
        ("p95 <= 2 s", {"p95": 2.0}, "pass"),
        ("p95 <= 2 s", {"p95": 2.000001}, "fail"),
        ("p95 < 2 s", {"p95": 2.0}, "fail"),
        ("p95_ms <= 2000", {"p95": 1.9}, "pass"),
        ("p95<=2000ms", {"p95": 2.1}, "fail"),
        ("5xx <= 5 %", {"5xx": 0.05}, "pass"),
        ("5xx <= 0.05", {"5xx": 0.051}, "fail"),
        ("memory <= 200 MB", {"memory": 200e6}, "pass"),
        ("memory <= 200 MiB", {"memory": 210e6}, "fail"),
        ("mean >= 450 req/s", {"mean": 450}, "pass"),
        ("in_flight == 15", {"in_flight": 14}, "fail"),
        ("cpu < 80 %", {"cpu": 0.79}, "pass"),
        ("p95 <= 2 s and 5xx <= 5 %", {"p95": 1.0, "5xx": 0.2}, "fail"),
        ("p95 <= 2 s, 5xx <= 5 %", {"p95": math.nan, "5xx": 0.0}, "invalid"),
        ("p95 <= 2 s, 5xx <= 5 %", {"p95": math.nan, "5xx": 0.2}, "fail"),
        ("p95 <= 2 s", {"p95": math.nan}, "invalid"),
    ],
)
def test_a_threshold_holds_or_does_not(text: str, values: dict[str, float], status: str) -> None:
    threshold = Threshold.parse(text)
    threshold.check(UNITS)
    assert threshold.verdict(values, UNITS) == status


@pytest.mark.parametrize("op", ["<=", ">=", "=="])
def test_a_share_that_is_the_bound_holds_it(op: str) -> None:
    """95 of 100 are 95 %: 95 × 0.01 is more."""
    bounds = [Threshold.parse(f"5xx {op} {number / 10:g} %") for number in range(1001)]
    found = [bound.verdict({"5xx": number / 1000}, UNITS) for number, bound in enumerate(bounds)]
    assert set(found) == {"pass"}


LIKE = "like `p95 <= 2 s` or `errors <= 1 %, p99 < 500 ms`"
NO_COMPARISON = f" is no comparison, allowed: {LIKE}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", f"''{NO_COMPARISON}"),
        (" p95 ", f"'p95'{NO_COMPARISON}"),
        ("p95 ~ 3", f"'p95 ~ 3'{NO_COMPARISON}"),
        ("p95 <= fast", f"'p95 <= fast'{NO_COMPARISON}"),
        ("p95 <= 2 s,", f"'p95 <= 2 s,'{NO_COMPARISON}"),
        (
            " p95 <= 2 parsec ",
            "'p95 <= 2 parsec': unit 'parsec', "
            "allowed: %, /s, B, GB, GiB, KiB, MB, MiB, kB, min, ms, req/s, s, us, vCPU",
        ),
        (" p95_ms <= 2 s ", f"'p95_ms <= 2 s' has two units, allowed: one, {LIKE}"),
        ("<= 2 s", f"'<= 2 s'{NO_COMPARISON}"),
        ("p95 <= nan", f"'p95 <= nan'{NO_COMPARISON}"),
        ("p95 <= 2 s or p95 <= 3 s", f"'p95 <= 2 s or p95 <= 3 s'{NO_COMPARISON}"),
    ],
)
def test_what_is_no_threshold_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="allowed") as refused:
        Threshold.parse(text)
    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("text", "figures", "said"),
    [
        ("p96 <= 2 s", UNITS, "figure 'p96', allowed: p95, 5xx, memory, mean, in_flight, cpu"),
        ("p96 <= 2 s", {}, "figure 'p96', allowed: none"),
        ("p95 <= 2", UNITS, "p95 <= 2: unit is missing, allowed: us, ms, s, min"),
        ("p95 <= 1 s, 5xx <= 2 s", UNITS, "5xx <= 2 s: unit s, allowed: no unit, %"),
    ],
)
def test_a_threshold_must_fit_its_point(text: str, figures: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match="allowed") as refused:
        Threshold.parse(text).check(figures)
    assert str(refused.value) == said


def test_a_threshold_is_written_as_it_is_read() -> None:
    assert str(Threshold.parse("p95_ms<=2000 and 5xx < 5% , in_flight==15")) == (
        "p95 <= 2000 ms, 5xx < 5 %, in_flight == 15"
    )
    assert str(Threshold()) == ""
    assert Threshold.parse("p95 <= 1.5e3 ms").bounds == (Bound("p95", "<=", 1500.0, "ms"),)


def test_the_part_that_is_about_some_figures() -> None:
    threshold = Threshold.parse("p95 <= 2 s, 5xx <= 5 %, p95 >= 1 ms")
    assert str(threshold.about(["p95", "cpu"])) == "p95 <= 2 s, p95 >= 1 ms"
    assert threshold.about([]) == Threshold()


@pytest.mark.parametrize(("value", "status"), [(1.9, "pass"), (2.1, "fail"), (math.nan, "invalid")])
def test_a_bound_by_itself(value: float, status: str) -> None:
    (bound,) = Threshold.parse("p95 <= 2000 ms").bounds
    assert bound.verdict(value, "s") == status


def test_a_bound_in_the_base_unit() -> None:
    numbers = {"p95 <= 2 min": 120, "5xx <= 5 %": 0.05, "memory <= 2 KiB": 2048, "mean >= 3 /s": 3}
    for text, number in numbers.items():
        (bound,) = Threshold.parse(text).bounds
        assert bound.in_base_unit(UNITS[bound.figure]) == number


def test_a_broken_bound_is_told_in_its_own_unit() -> None:
    threshold = Threshold.parse("p95 <= 2000 ms, 5xx <= 5 %")
    assert threshold.broken({"p95": 2.5, "5xx": 0.2}, UNITS) == [
        "p95 is 2500 ms (allowed <= 2000 ms)",
        "5xx is 20 % (allowed <= 5 %)",
    ]
    held = Threshold.parse("in_flight == 15, mean >= 450, p95 <= 2 s")
    assert held.broken({"in_flight": 14, "mean": 123.456, "p95": math.nan}, UNITS) == [
        "in_flight is 14 (allowed == 15)",
        "mean is 123.5 (allowed >= 450)",
    ]


@pytest.mark.parametrize(
    ("text", "value", "told"),
    [
        ("5xx <= 5 %", 0.050001, "5xx is 5.0001 % (allowed <= 5 %)"),
        ("5xx >= 99 %", 0.98996, "5xx is 98.996 % (allowed >= 99 %)"),
        ("5xx < 7 %", 0.07, "5xx is 7 % (allowed < 7 %)"),
        ("p95 <= 2 s", 2.0003, "p95 is 2.0003 s (allowed <= 2 s)"),
        ("memory <= 268435456 B", 268435500, "memory is 2.6844e+08 B (allowed <= 268435456 B)"),
    ],
)
def test_a_broken_bound_has_the_digits_that_show_it(text: str, value: float, told: str) -> None:
    threshold = Threshold.parse(text)
    assert str(threshold) == text
    assert threshold.broken({threshold.bounds[0].figure: value}, UNITS) == [told]


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.sampled_from(["<=", "<", ">=", ">"]))
def test_a_broken_bound_never_reads_as_one_that_holds(value: float, bound: float, op: str) -> None:
    threshold = Threshold.parse(f"mean {op} {bound:g}")
    for told in threshold.broken({"mean": value}, UNITS):
        assert threshold.verdict({"mean": float(told.split()[2])}, UNITS) == "fail"


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.sampled_from(["<=", "<", ">=", ">"]))
def test_the_operator_means_what_it_says(value: float, bound: float, op: str) -> None:
    bound = float(f"{bound:g}")
    held = {"<=": value <= bound, "<": value < bound, ">=": value >= bound, ">": value > bound}[op]
    assert Threshold.parse(f"p95 {op} {bound:g} s").verdict({"p95": value}, UNITS) == (
        "pass" if held else "fail"
    )


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):  # no other error may come
        Threshold.parse(text).check(UNITS)


def test_a_scenario_is_checked_before_load_starts() -> None:
    registry.check(["P1.7", "P0.1"], {"P1.7": "p95 <= 2 s"})
    with pytest.raises(ValueError, match=r"points: 'P9.9', allowed: P0.1"):
        registry.check(["P9.9"], {})
    with pytest.raises(ValueError, match=r"thresholds.P1.7: figure 'p42', allowed: p50, p95"):
        registry.check(["P1.7"], {"P1.7": "p42 <= 2 s"})
