"""A made stack: a target and the control API that makes its faults, or only says that it does.

`options["control"]`: what is wrong with it. The run attaches to it by a state file (`STACK_STATE`).
Its books balance.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fakes.settings import StackSettings
from tests.support.truth.replies import ok, plain, refused
from tests.support.truth.server import HANG, RESET, Answer, Reply, Request, Target, behaviour
from tests.support.truth.tokens import token_of

PROCESSES = ("edge", "origin-a", "origin-b", "upstream", "supabase", "postgres", "stack")


@behaviour("stack")
async def stack(target: Target, request: Request) -> Reply:
    if request.path.startswith("/control/"):
        return await control(target, request)
    if any(fault["fault"] == "upstream-error" for fault in in_force(target)) and request.module == "notion":
        for fault in in_force(target):
            fault["seen"] = fault.get("seen", 0) + 1
        if target.options["control"] != "without-effect":
            return refused(request, 502, "upstream_error")
    if request.message.get("method") == "tools/call":
        charged(target)[user_of(request)] += 1
    return ok(request)


def charged(target: Target) -> Counter[str]:
    """Its books: a credit a call that it served, by user."""
    books: Counter[str] = target.kept.setdefault("charged", Counter())
    return books


def user_of(request: Request) -> str:
    claims: dict[str, Any] = jwt.decode(token_of(request), options={"verify_signature": False})
    return str(claims["sub"])


def audit(target: Target) -> dict[str, Any]:
    """As `fakes.database.audit` tells it, of books that balance."""
    books = charged(target)
    whole = dict.fromkeys(("consumed", "written", "transactions", "finished"), books.total())
    wrong = dict.fromkeys(("failed", "unbalanced", "repeated", "negative", "uncharged", "unfinished"), 0)
    by_user = {user: [count, 0] for user, count in books.items()}
    return {**whole, **wrong, "accounts": len(books), "by_user": by_user, "settled": True, "problems": []}


def in_force(target: Target) -> list[dict[str, Any]]:
    faults: list[dict[str, Any]] = target.kept.setdefault("faults", [])
    return faults


async def control(target: Target, request: Request) -> Reply:
    """`target.options["control"]` names what is wrong with it."""
    path, wrong = request.path.removeprefix("/control"), target.options["control"]
    if path == "/faults" and request.method == "POST":
        return await begin(target, request, wrong)
    if path.startswith("/faults/"):
        return await end(target, path.removeprefix("/faults/"), wrong)
    if path == "/consistency":
        return Answer(plain(audit(target)))
    if path == "/connections":
        return Answer(plain({"error": "there is no database"}), 400)
    settings = {"parts": StackSettings().parts.model_dump()}
    processes = {name: {"up": True, "pid": 1} for name in PROCESSES}
    said = {
        "faults": in_force(target),
        "processes": processes,
        "settings": settings,
        "events": [],
        "stale": [],
    }
    return Answer(plain(said))


async def begin(target: Target, request: Request, wrong: str) -> Reply:
    """One more fault, or not."""
    target.kept["asked"] = asked = target.kept.get("asked", 0) + 1
    if wrong == "refuses" or (wrong == "refuses-the-first" and asked == 1):
        return Answer(plain({"error": "process: upstream is down; allowed: one that runs"}), 400)
    if wrong == "hangs":
        return HANG
    if wrong == "dies":
        target.die()
        return RESET
    if wrong == "late":
        await asyncio.sleep(0.9)
    if wrong == "lies":
        return Answer(plain({"id": "fault-0"}))
    fault = {**json.loads(request.body), "id": f"fault-{asked}"}
    in_force(target).append(fault)
    return Answer(plain({"id": fault["id"]}))


async def end(target: Target, fault_id: str, wrong: str) -> Reply:
    """Lift it, or not; tell how often its effect was seen."""
    if wrong == "never-ends":
        return Answer(plain({"error": "process: upstream did not come back"}), 400)
    if wrong == "ends-late":
        await asyncio.sleep(0.9)
    gone = [fault for fault in in_force(target) if fault["id"] == fault_id]
    target.kept["faults"] = [fault for fault in in_force(target) if fault not in gone]
    seen = sum(fault.get("seen", 0) for fault in gone)
    return Answer(plain({"observed": 0 if wrong == "without-effect" else seen}))


def state(target: Target) -> dict[str, Any]:
    """The state file of this stack."""
    private = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    url = f"http://127.0.0.1:{target.port}"
    return {
        "base_url": url,
        "metrics": {},
        "control_url": f"{url}/control",
        "control_token": "token",
        "signing": {"key": private.decode(), "kid": "key-1", "issuer": "issuer", "algorithm": "EdDSA"},
        "pids": dict.fromkeys(PROCESSES, 1),
    }
