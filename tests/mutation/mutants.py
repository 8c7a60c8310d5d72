"""The mutants of a file: mutmut says what they are, here each is a function that another can be made into.

mutmut would write them all into a copy of the file, with a switch before each function. Here the product's
own modules stay as they are, and a process that is to try a mutant gives the function the mutant's code. So
nothing is copied, no call pays for a switch, and properties have mutants as well.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final

from common.paths import ROOT

MUTMUT: Final = ROOT / ".cache" / "mutmut"
# mutmut passes decorated functions over, for it would have to call the decorator again. Here it need not.
DECORATOR: Final = re.compile(r"^( *)@(?:property|cached_property|lru_cache\(.*\))$", re.MULTILINE)
BETWEEN: Final = "ǁ"  # mutmut's, between class and method


@dataclass(frozen=True)
class Mutant:
    """One change of one function."""

    name: str  # shapes.search.Search.report 3
    function: FunctionType  # the product's own
    changed: FunctionType
    difference: str

    def put(self) -> None:
        """Make the product's function the mutant, in this process, for good."""
        self.function.__code__ = self.changed.__code__
        self.function.__defaults__ = self.changed.__defaults__
        self.function.__kwdefaults__ = self.changed.__kwdefaults__


def mutants(path: str) -> list[Mutant]:
    """Every mutant of a file of the checkout, in the order of its functions."""
    if str(MUTMUT) not in sys.path:
        sys.path.append(str(MUTMUT))
    from mutmut.mutation.file_mutation import mutate_file_contents

    source = DECORATOR.sub(r"\1# @", (ROOT / path).read_text())
    made = mutate_file_contents(path, source)
    module = import_module(".".join(Path(path).with_suffix("").parts))
    scratch = ModuleType(module.__name__)
    exec(compile(made.code, path, "exec"), scratch.__dict__)
    lines = made.code.splitlines()
    text = {name: lines[span.start - 1 : span.end] for name, span in made.line_span_by_function_name.items()}
    return list(_all(made.mutant_names, module, scratch, text))


def _all(
    names: list[str], module: ModuleType, scratch: ModuleType, text: dict[str, list[str]]
) -> Iterator[Mutant]:
    for name in names:
        function, _, number = name.partition("__mutmut_")
        *owner, own = function.removeprefix("x").removeprefix("_").strip(BETWEEN).split(BETWEEN)
        shown = ".".join([module.__name__, *owner, own])
        shown_as = f"def {own}("
        before, after = (
            [line.replace(f"def {one}(", shown_as) for line in text[one]]
            for one in (f"{function}__mutmut_orig", name)
        )
        difference = unified_diff(before, after, lineterm="", n=1)
        yield Mutant(
            f"{shown} {number}",
            _function(module, owner, own),
            _function(scratch, owner, name),
            "\n".join(list(difference)[2:]),
        )


def _function(module: ModuleType, owner: list[str], name: str) -> FunctionType:
    """The plain function beneath whatever stands in the module or the class."""
    place: Any = module
    for one in owner:
        place = vars(place)[one]
    found = vars(place)[name]
    if isinstance(found, property):
        found = found.fget
    elif isinstance(found, cached_property):
        found = found.func
    found = getattr(found, "__func__", getattr(found, "__wrapped__", found))
    assert isinstance(found, FunctionType)
    return found
