"""The edge's metrics beside the common ones: names and labels of docs/architecture.md."""

from __future__ import annotations

from fakes.edge.balancer_state import TABLE
from fakes.edge_runtime.metrics import LayerMetrics
from fakes.http.metrics import Metrics
from fakes.state_machine import states


class EdgeMetrics(LayerMetrics):
    """Those of the layers, of forwarding and of the balancer."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__(metrics)
        counter = metrics.counter
        self.forwarded = counter("mcpist_forwarded_total", "Requests sent on to the balancer.")
        self._isolates = counter("mcpist_isolate_requests_total", "Requests of one of several.", "isolate")
        self.lb_state = metrics.gauge("mcpist_lb_state", "1 for the balancer's state.", "state")
        self.lb_transitions = counter(
            "mcpist_lb_transitions_total", "Changes of the balancer's state.", "from", "to"
        )
        self.lb_forwarded = counter("mcpist_lb_forwarded_total", "Requests sent to an origin.", "origin")
        self.lb_is("primary")

    def served(self, place: int) -> None:
        """Count a request that went to one of several isolates."""
        self._isolates(str(place)).inc()

    def lb_changed(self, before: str, after: str) -> None:
        """Count one change of the balancer's state."""
        self.lb_transitions(before, after).inc()
        self.lb_is(after)

    def lb_is(self, now: str) -> None:
        """The balancer's state is `now`."""
        for state in states(TABLE):
            self.lb_state(state).set(state == now)
