"""Bounds and refusals that every schedule shares, and the purity of the whole room."""

import ast
import math
import re
from pathlib import Path

import pytest

from common.paths import ROOT
from shapes.base import MAX_ARRIVALS, check_count, check_duration, check_index, check_rate, number, whole

ROOM = ROOT / "shapes"
PURE = {
    "__future__",
    "collections",
    "dataclasses",
    "fractions",
    "functools",
    "itertools",
    "math",
    "numpy",
    "typing",
}


@pytest.mark.parametrize("value", [0, 0.0, 1, 0.5, 5e-324, 1e9])
def test_a_rate_within_bounds_is_read_as_float(value: float) -> None:
    assert check_rate(value) == value
    assert isinstance(check_rate(value), float)


@pytest.mark.parametrize(
    "value", [-1, -5e-324, 1e9 + 1, math.inf, -math.inf, math.nan, 10**400, True, "5", None]
)
def test_any_other_rate_is_refused_in_one_line(value: object) -> None:
    with pytest.raises(ValueError, match=r"^rate must be a number from 0 to 1e\+09, not [^\n]*$"):
        check_rate(value)


@pytest.mark.parametrize("value", [0, 2.5, 1e7])
def test_a_duration_within_bounds_is_read_as_float(value: float) -> None:
    assert check_duration(value) == value
    assert isinstance(check_duration(value), float)


@pytest.mark.parametrize("value", [-0.001, 1e7 + 1, math.inf, math.nan, False, [], "60s"])
def test_a_bad_duration_is_refused(value: object) -> None:
    said = re.escape(f"duration must be a number from 0 to 1e+07, not {value!r}")
    with pytest.raises(ValueError, match=f"^{said}$"):
        check_duration(value)


@pytest.mark.parametrize("value", [-1, 11, 1.0, True, None])
def test_a_whole_number_is_an_int_in_bounds(value: object) -> None:
    assert whole("n", 10, 0, 10) == 10
    with pytest.raises(ValueError, match=rf"^n must be a whole number from 0 to 10, not {value!r}$"):
        whole("n", value, 0, 10)


@pytest.mark.parametrize("value", [0, 10])
def test_the_bounds_of_a_whole_number_are_in_bounds(value: int) -> None:
    assert whole("n", value, 0, 10) == value


def test_minus_zero_is_zero() -> None:
    assert number("x", -0.0, 0, 1) == 0


def test_too_many_arrivals_are_refused_with_both_numbers() -> None:
    check_count(MAX_ARRIVALS)
    with pytest.raises(ValueError, match=r"^at most 20,000,000 arrivals can be planned, not 20,000,001$"):
        check_count(MAX_ARRIVALS + 0.5)


@pytest.mark.parametrize(("i", "count"), [(-1, 3), (3, 3), (0, 0), (2**70, 3)])
def test_an_index_outside_is_refused(i: int, count: int) -> None:
    with pytest.raises(IndexError, match=f"^arrival {i} is not one of the {count} planned$"):
        check_index(i, count)


def test_the_first_and_the_last_index_are_planned() -> None:
    check_index(0, 1)
    check_index(2, 3)


@pytest.mark.parametrize("path", sorted(ROOM.glob("*.py")), ids=lambda path: path.name)
def test_the_room_imports_nothing_but_numpy_and_itself(path: Path) -> None:
    tree = ast.parse(path.read_text())
    imported = {name for node in ast.walk(tree) for name in _modules(node)}
    allowed = PURE | {"shapes"} | ({"locust"} if path.name == "locust_shape.py" else set())
    assert imported <= allowed
    at_load = {name for node in tree.body for name in _modules(node)}
    assert "locust" not in at_load


def _modules(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    return {str(node.module).split(".")[0]} if isinstance(node, ast.ImportFrom) else set()
