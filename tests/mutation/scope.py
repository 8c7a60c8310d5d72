"""What `make mutants` changes, and the tests that have to notice: those that belong to a file, no others."""

from __future__ import annotations

from typing import Final

SHAPES: Final = "tests/unit/shapes"
ENGINE: Final = "tests/unit/users/engine"
CLUSTER: Final = "tests/unit/users/cluster"
MEASURE: Final = "tests/unit/verdicts/measure"
KINDS: Final = (f"{SHAPES}/test_shapes_kinds.py", f"{SHAPES}/test_shapes_registry.py")
LEDGER: Final = (f"{MEASURE}/test_verdict_ledger.py",)
SCOPE: Final = {
    "shapes/base.py": (f"{SHAPES}/test_shapes_base.py",),
    "shapes/constant.py": KINDS,
    "shapes/frontier/bisection.py": (f"{SHAPES}/frontier/test_bisection.py",),
    "shapes/frontier/search.py": (f"{SHAPES}/frontier/test_frontier.py",),
    "shapes/locust_shape.py": (f"{SHAPES}/test_shapes_locust.py",),
    "shapes/piecewise.py": (f"{SHAPES}/test_shapes_piecewise.py",),
    "shapes/poisson.py": (f"{SHAPES}/test_shapes_poisson.py",),
    "shapes/ramp.py": KINDS,
    "shapes/registry.py": (f"{SHAPES}/test_shapes_registry.py",),
    "shapes/schedule.py": (f"{SHAPES}/test_shapes_schedule.py",),
    "shapes/search.py": (f"{SHAPES}/test_shapes_search.py",),
    "shapes/seeded.py": (f"{SHAPES}/test_shapes_poisson.py", f"{SHAPES}/test_shapes_schedule.py"),
    "shapes/spike.py": KINDS,
    "shapes/stages.py": KINDS,
    "shapes/step.py": KINDS,
    "shapes/waves.py": KINDS,
    "users/cluster/outbox.py": ("tests/unit/telemetry/recording/test_journal.py",),
    "users/cluster/shares.py": (f"{CLUSTER}/test_shares.py",),
    "users/engine/dispatcher.py": (f"{ENGINE}/test_dispatcher.py",),
    "users/engine/ledger.py": (f"{ENGINE}/test_engine_ledger.py",),
    "users/engine/pace.py": (f"{ENGINE}/test_pace.py",),
    "verdicts/measure/arrivals/ledger.py": LEDGER,
    "verdicts/measure/arrivals/schedule.py": (f"{MEASURE}/test_verdict_schedule.py",),
    "verdicts/measure/arrivals/target_count.py": (f"{MEASURE}/test_target_count.py",),
    "verdicts/measure/arrivals/validity.py": (f"{MEASURE}/test_verdict_validity.py", *LEDGER),
    "verdicts/student_t.py": ("tests/unit/verdicts/test_student_t.py",),
    "verdicts/thresholds.py": ("tests/unit/verdicts/points/test_verdict_thresholds.py",),
}
