"""The fault that loses answers: those of tools that were carried out, so many and no more."""

from __future__ import annotations

from typing import Any

import pytest

from fakes import faults
from fakes.control.process_config import StackConfig
from fakes.control.state import Control
from fakes.http.answer_drop import AnswerDrop
from fakes.http.asgi import JSON, Reply

DONE = Reply(200, [JSON, (b"server-timing", b"upstream;dur=3.0")], b"{}")
OTHERS = [
    Reply(200, [JSON], b"{}"),  # no tool's, or given from memory
    Reply(502, [JSON, (b"server-timing", b"upstream;dur=3.0")], b"{}"),
]


def control(**params: Any) -> Control:
    made = Control(
        StackConfig.model_validate(
            {"control_token": "t", "gateway_secret": "s", "issuer": "i", "jwks_url": "http://127.0.0.1:1/j"}
        ),
        faults.of("origin"),
    )
    made.faults({"faults": [{"id": "one", "fault": "answer-drop", "target": "origin-a", **params}]})
    return made


def dropped(control: Control, answers: int, name: str = "origin-a") -> list[int]:
    drop = AnswerDrop(control, name)
    return [number for number in range(1, answers + 1) if drop.takes(DONE)]


@pytest.mark.parametrize(
    ("params", "lost"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7]),
        ({"every": 3}, [3, 6]),
        ({"every": 2, "count": 2}, [2, 4]),
        ({"count": 1}, [1]),
    ],
)
def test_each_so_many_th_is_lost_and_no_more_than_so_many(params: dict[str, int], lost: list[int]) -> None:
    told = control(**params)
    assert dropped(told, 7) == lost
    assert told.effects["one"] == len(lost)


def test_the_other_origin_loses_none() -> None:
    assert dropped(control(), 3, "origin-b") == []


@pytest.mark.parametrize("reply", OTHERS)
def test_what_was_not_carried_out_just_now_is_neither_lost_nor_counted(reply: Reply) -> None:
    told = control(every=2)
    drop = AnswerDrop(told, "origin-a")
    assert [drop.takes(one) for one in (reply, DONE, reply, DONE)] == [False, False, False, True]
