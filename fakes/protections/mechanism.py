"""From a protection's name to what carries it out: `PROTECTION` of the module that has its name.

edge       a layer, made by PROTECTION(inner, isolate)            fakes.edge_runtime.isolate.Layer
tool call  a gate, made by PROTECTION(settings, clock)            fakes.protections.gate.MakeGate
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from common.protections import TABLE
from fakes.edge_runtime.isolate import Layer
from fakes.protections.gate import MakeGate


def edge_layer(name: str) -> Layer:
    """The layer of a protection that stands at the edge."""
    return cast(Layer, _protection(name))


def tool_call_gates() -> dict[str, MakeGate]:
    """The gates of a tool call by name, in the table's order."""
    rows = [row for row in TABLE if row.place == "tool call"]
    return {row.name: cast(MakeGate, _protection(row.name)) for row in rows}


def _protection(name: str) -> object:
    return import_module(f"fakes.protections.{name.replace('-', '_')}").PROTECTION
