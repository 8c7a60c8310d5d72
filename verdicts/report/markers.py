"""Faults, phases and other events as marks that stand in every plot, and as lines of a list."""

from __future__ import annotations

from typing import Any, NamedTuple

from verdicts.run.reading import Event, Run

_SHOWN = ("fault", "control", "state")
_NAMED = ("fault", "phase", "run")  # in the plots; the list on the page names all


class Marker(NamedTuple):
    """Something that lasted (`end` is later than `start`) or happened at an instant."""

    start: float
    end: float
    kind: str
    label: str


def spans(run: Run) -> list[Marker]:
    """Phases of the scenario, then faults with their ends, then instants."""
    phases = [
        Marker(one["start"], one["end"], "phase", one["name"]) for one in run.scenario.get("phases", ())
    ]
    told = sorted((event for event in run.events if event.kind in _SHOWN), key=lambda event: event.t)
    stops = [] if run.stopped_at is None else [Marker(run.stopped_at, run.stopped_at, "run", "stopped")]
    return [*phases, *_paired(told, run.load_end), *stops]


def _paired(events: list[Event], last: float) -> list[Marker]:
    """Events as spans: a fault lasts until the event that ends it (by name and target), or the load's end."""
    found: list[Marker] = []
    in_force: dict[str, Marker] = {}
    for event in events:
        state, span = event.detail.get("state"), Marker(event.t, event.t, event.kind, _label(event))
        if event.kind == "fault" and state == "begins":
            in_force[span.label] = span
        elif event.kind == "fault" and state == "ends":
            found.append(in_force.pop(span.label, span)._replace(end=event.t))
        else:
            found.append(span)
    return [*found, *(span._replace(end=max(last, span.start)) for span in in_force.values())]


def _label(event: Event) -> str:
    target = event.detail.get("target")
    if event.kind == "state" and "to" in event.detail:
        return f"{event.detail.get('origin', event.name)} → {event.detail['to']}"
    return f"{event.name} ({target})" if target else event.name


def marks(found: list[Marker]) -> dict[str, Any]:
    """plotly's shapes and annotations for them."""
    shapes = [_band(span) if span.end > span.start else _instant(span) for span in found]
    named = [span for span in found if span.kind in _NAMED]
    return {"shapes": shapes, "annotations": [_name(span, place) for place, span in enumerate(named)]}


def _band(span: Marker) -> dict[str, Any]:
    color = "var(--mark-fault)" if span.kind == "fault" else "var(--mark-phase)"
    place = {"xref": "x", "x0": span.start, "x1": span.end, "yref": "paper", "y0": 0, "y1": 1}
    return {"type": "rect", **place, "fillcolor": color, "line": {"width": 0}, "layer": "below"}


def _instant(span: Marker) -> dict[str, Any]:
    place = {"xref": "x", "x0": span.start, "x1": span.start, "yref": "paper", "y0": 0, "y1": 1}
    return {"type": "line", **place, "line": {"color": "var(--muted)", "width": 1, "dash": "dash"}}


def _name(span: Marker, place: int) -> dict[str, Any]:
    spot = {"xref": "x", "x": span.start, "xanchor": "left", "yref": "paper", "y": 1, "yanchor": "bottom"}
    font = {"size": 11, "color": "var(--muted)"}
    return {**spot, "yshift": 12 * (place % 2), "text": span.label, "showarrow": False, "font": font}
