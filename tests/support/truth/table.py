"""The truth table: what a careful engineer says of each made target. See `row`."""

from __future__ import annotations

from typing import Any, Final

from tests.support.truth.row import BURST, ECHO, PORT, Row

QUICK: Final[dict[str, Any]] = {"timeout": "1s"}
LOOP: Final = {"extends": "agent-loop", "duration": "2s"}
OUTAGE: Final[dict[str, Any]] = {
    "extends": "upstream-outage",
    "duration": "4s",
    "rate": 1,
    "service": "50 %",
    "faults": [{"at": "1s", "until": "2500ms", "fault": "upstream-error", "target": "notion"}],
    "phases": [
        {"name": "healthy", "start": "0s", "end": "1s"},
        {"name": "errors", "start": "1s", "end": "2500ms"},
        {"name": "healed", "start": "2500ms", "end": "4s"},
    ],
    "points": ["P0.4"],
    "thresholds": {"P0.4": "others_success >= 99 %"},
}
SPAM: Final = {
    "extends": "slow-api",
    "duration": "3s",
    "groups": [
        {"name": "spammers", "accounts": {"count": 10}, "rate": 2, "persona": {"name": "caller"}},
        {"name": "innocent-fast", "rate": 1},
        {"name": "innocent-jira", "rate": 1},
    ],
    "points": ["P0.2", "P0.3"],
    "thresholds": {"P0.3": "success >= 99 %, p95 <= 1 s, added <= 1 s"},
}
UNBOUND: Final = {
    "title": "No bounds",
    "duration": "2s",
    "accounts": {"count": 20},
    "rate": 4,
    "tools": [ECHO],
}
ONE_USER: Final = {"extends": "single-burst", "duration": "4s"}
HOSTS: Final = {"client_ip_header": "CF-Connecting-IP"}
SIGNED: Final = {**HOSTS, "auth": {"algorithm": "HS256", "key": {"env": "TRUTH_SECRET"}}}
SERVED: Final = {**HOSTS, "auth": {"algorithm": "EdDSA", "serve_jwks": "127.0.0.1:0"}}
PROMISED: Final = {"burst_per_s": 5, "ip_per_min": None, "rate_per_min": None}
BY_BURST: Final[dict[str, Any]] = {**HOSTS, "limits": PROMISED}


def burst_of(**how: Any) -> dict[str, Any]:
    """5 a second, promised in another way."""
    return {"limits": {**PROMISED, "burst_per_s": {"most": 5, **how}}}


NOTHING: Final = {"burst_per_s": None, "ip_per_min": None, "rate_per_min": None}
DAY: Final = {"most": 50, "reason": "daily limit"}
BY_DAY: Final[dict[str, Any]] = {
    "keys": {"limits": {**NOTHING, "quota_per_day": DAY}},
    "scenario": {**ONE_USER, "points": ["F1.2"], "expects": ["quota_exceeded"]},
}
ONE_TOKEN: Final = {"limits": PROMISED, "headers": {"Authorization": "Bearer one-for-all"}}


def flood(*kinds: str) -> dict[str, Any]:
    """Valid users and forgers of some kinds, all at once."""
    valid = {"name": "valid", "judge": True, "accounts": {"count": 10}, "rate": 4, "tools": [ECHO]}
    forgers = [
        {
            "name": kind, "attack": True, "accounts": {"count": 2}, "rate": 5, "tools": [ECHO],
            "persona": {"name": "forger", "options": {"kind": kind}},
        }
        for kind in kinds
    ]  # fmt: skip
    return {
        "title": "A flood of forged tokens",
        "duration": "2s",
        "groups": [valid, *forgers],
        "points": ["P3.4", "P3.5"],
        "thresholds": {"P3.5": "fetches <= 100"},
    }


def service(name: str, target: str, verdict: str = "fail", point: str = "service", **more: Any) -> Row:
    return Row(name, target, verdict, point, keys={**HOSTS, **QUICK, **more.pop("keys", {})}, **more)


def limited(name: str, target: str, verdict: str = "pass", **more: Any) -> Row:
    """One user, or two, at a limiter that is promised."""
    keys, more = {**BY_BURST, **more.pop("keys", {})}, {"scenario": ONE_USER, "point": "F1.1", **more}
    return Row(name, target, verdict, keys=keys, **more)


def fault(**change: Any) -> dict[str, Any]:
    """The outage with another fault."""
    return {**OUTAGE, "faults": [{**OUTAGE["faults"][0], **change}]}


SERVED_OR_NOT: Final = (
    service("serves everybody", "correct", "pass"),
    service("dies after a second", "dies"),
    service("hangs after a second", "hangs"),
    service("hangs from the start", "hangs-at-once"),
    service("nobody listens", "gone"),
    service("nine of ten accounts get 403", "mostly-403"),
    service("one of twenty accounts gets 403", "one-user-403"),
    service("every call gets 401", "all-401", scenario=LOOP),
    service("500 while /health says 200, and what it said is told", "all-500", keys={"health": "/health"},
            says="database is down, connection",
            expects={"failures.0.reason": "http_error", "failures.0.status": 500}),
    service("200 with a JSON-RPC error on every call", "rpc-error"),
    service("200 with isError on every call", "tool-error"),
    service("a web page", "web-page"),
    service("an empty 200", "empty"),
    service("the right JSON as text/plain", "plain-text"),
    service("JSON that was cut off", "truncated"),
    service("redirects to a login", "redirects"),
    service("answers for another id", "wrong-id"),
    service("a stream that stays open after the answer", "stream-stays-open", "pass"),
    service("a stream without an answer", "stream-says-nothing"),
    service("resets 5 % of the calls", "resets"),
    service("resets one call of 160", "resets-once", "pass"),
    service("closes each connection at once", "closes-at-once"),
    service("4 % of the answers are 503", "503-at-times"),
    service("429 without a reason, one in ten", "429-without-reason"),
    service("a scenario that expects such a 429", "429-without-reason", "pass",
            scenario={**BURST, "expects": ["burst_exceeded", "refused"]}),
    service("refuses everything, as expected", "refuses-everything"),
    service("a quota that nobody promised is used up", "quota"),
    service("its health check lies, and it serves", "unhealthy-but-serves", "pass",
            keys={"health": "/health"}),
    service("slow only for the innocent", "slow-for-innocents", point="P0.3", scenario=SPAM,
            keys={"timeout": "5s"}),
    service("every bound unseen", "correct", "inconclusive", status="pass", scenario=LOOP,
            says="P0.1"),
    service("a slow target within its deadline", "slow", point="P1.7", keys={"timeout": "5s"}),
    service("no bounds of its own, and nobody served", "all-500",
            scenario=UNBOUND),
    service("a bound of its own on the service", "resets", "pass", scenario={**BURST, "service": "90 %"}),
    service("its words hold what no XML may", "odd-letters", says="bad "),
)  # fmt: skip

WRITTEN: Final = (
    service("error: null beside a result", "null-error", "pass"),
    service("a text as error code and data", "text-data",
            expects={"failures.0.reason": "rpc_error"}, says="denied for account"),
    service("a list as error data", "list-data", expects={"failures.0.reason": "http_error"}),
    service("a byte order mark", "bom", "pass"),
    service("a content type in capitals", "loud-types", "pass"),
    service("a request of the server's with our id", "asks-with-our-id", "pass"),
    service("gzip where the file asks for it", "gzip", "pass", keys={"headers": {"Accept-Encoding": "gzip"}}),
    service("gzip that nobody asked for", "gzip-unasked", says="content-encoding"),
    service("an encoding that we cannot read", "correct", "refused",
            keys={"headers": {"Accept-Encoding": "zstd"}}, says="Accept-Encoding"),
)  # fmt: skip

TOKENS: Final = (
    Row("checks tokens by a secret", "hs256", "pass", "forged-tokens", keys=SIGNED,
        scenario=flood("bad-signature", "expired", "alg-none", "wrong-issuer", "garbage")),
    Row("a wrong issuer is accepted", "any-issuer", "fail", "forged-tokens", keys=SIGNED,
        scenario=flood("wrong-issuer", "expired")),
    Row("alg none is accepted", "alg-none", "fail", "forged-tokens", keys=SIGNED, scenario=flood("alg-none")),
    Row("expired tokens are accepted", "no-expiry", "fail", "forged-tokens", keys=SIGNED,
        scenario=flood("expired")),
    Row("HS256 with an unknown kid is no forgery", "hs256", "pass", "forged-tokens", keys=SIGNED,
        scenario=flood("unknown-kid", "expired")),
    Row("a forgery is answered 500", "forgery-500", "fail", "forged-tokens", keys=SIGNED,
        scenario=flood("bad-signature")),
    Row("a forgery is answered by a reset", "forgery-reset", "fail", "forged-tokens", keys=SIGNED,
        scenario=flood("garbage")),
    Row("valid users suffer from a flood", "forgers-hurt-users", "fail", keys=SIGNED,
        scenario=flood("bad-signature")),
    Row("checks tokens by the key set", "eddsa", "pass", "P3.5", keys=SERVED,
        scenario=flood("unknown-kid", "bad-signature")),
    Row("fetches the key set for each request", "fetch-each-request", "fail", "P3.5", keys=SERVED,
        scenario=flood("bad-signature")),
    Row("takes its key for any key id", "any-kid", "fail", "forged-tokens", keys=SERVED,
        scenario=flood("unknown-kid")),
)  # fmt: skip

LIMITS: Final = (
    limited("a limiter in fixed windows", "limiter"),
    limited("a limiter that writes dates", "limiter-dates"),
    limited("a limiter whose clock is 0.4 s ahead", "limiter-clock",
            evidence=r"clock is 0\.(3[5-9]|4[0-5]) s ahead of ours, by the phase of its windows"),
    limited("a sliding window", "limiter-sliding", keys=burst_of(window="sliding")),
    limited("a sliding window of 4 where 5 are promised", "limiter-sliding-4", "fail",
            keys=burst_of(window="sliding")),
    limited("a token bucket", "limiter-bucket", keys=burst_of(window="token-bucket")),
    limited("a bucket of 5 where 20 are promised", "limiter-bucket", "fail",
            keys=burst_of(window="token-bucket", size=20)),
    limited("a bucket that gets 2 a second of the 5 that are promised", "limiter-bucket-small", "fail",
            keys=burst_of(window="token-bucket")),
    limited("no limit where a bucket is promised", "correct", "fail", keys=burst_of(window="token-bucket")),
    limited("a limit that is promised and not there", "correct", "fail"),
    limited("a limit of 3 where 5 are promised", "limiter-strict", "fail"),
    limited("a limiter without Retry-After", "limiter-silent", "fail"),
    limited("a limiter that says 503 in words of its own", "limiter-in-its-words",
            keys=burst_of(status=503, reason="slow down, please")),
    limited("the same, and the file does not tell", "limiter-in-its-words", "fail", point="service"),
    limited("two accounts with one static token", "limiter-by-token", keys=ONE_TOKEN,
            evidence="2 accounts share one Authorization, so they are one user"),
    limited("one static token, and a limit for each address", "limiter", "fail", keys=ONE_TOKEN),
    limited("the day's quota is used up, as promised", "quota-a-day", point="F1.2.quota", **BY_DAY),
    limited("a quota that is promised and not there", "correct", "fail", point="F1.2.quota", **BY_DAY),
    limited("the day's quota was used before the run", "quota-used-before", point="F1.2.quota", status="info",
            evidence="they may have used it before the run", **BY_DAY),
)  # fmt: skip

OWN: Final = (
    service("our ports run out", "hangs-at-once", "invalid", "arrival", how="few-ports",
            says="EADDRNOTAVAIL", expects={"own_limits.EADDRNOTAVAIL": "some"}),
    service("our files run out", "hangs-at-once", "invalid", "arrival", how="few-files",
            says="EMFILE", expects={"own_limits.EMFILE": "some"}, keys={"timeout": "3s"}),
    service("our disk is full", "correct", "invalid", "", how="full-disk", says="ENOSPC"),
    service("our process stood still", "correct", "invalid", "arrival", how="stopped", says="late"),
)  # fmt: skip


def unmade(name: str, scenario: dict[str, Any], says: str) -> Row:
    """A fault that cannot be: refused before anything starts."""
    return Row(name, "correct", "refused", scenario=scenario, says=says)


def made(name: str, control: str, verdict: str = "invalid", **more: Any) -> Row:
    """A made stack whose control API is wrong in one way."""
    more = {"scenario": OUTAGE, **more}
    point = more.pop("point", "P0.4")
    return Row(name, "stack", verdict, point, control=control, **more)


def effects(name: str, target: str, verdict: str, said: str, **how: Any) -> Row:
    """80 wishes; the answer to each seventh call is lost after the work, and asked for again: 13 times."""
    scenario = {
        "extends": "twice-dropped",
        "duration": "4s",
        "accounts": {"count": 10},
        "rate": 2,
        "protocol": "none",
        "faults": [],
    }
    return Row(name, target, verdict, "E2", keys={**HOSTS, "effects": how}, scenario=scenario, evidence=said)


PAGE: Final[dict[str, Any]] = {"http": {"url": f"http://127.0.0.1:{PORT}/done"}}
TOOL: Final[dict[str, Any]] = {"tool": {"name": "list_done"}}
EFFECTS: Final = (
    effects("answers are lost after the work, and a page lists it", "loses-answers", "fail", "13", **PAGE),
    effects("answers are lost after the work, and a tool lists it", "loses-answers", "fail", "13", **TOOL),
    effects("it knows the repeats, and a page lists its work", "knows-repeats", "pass", "0", **PAGE),
    effects("it knows the repeats, and a tool lists its work", "knows-repeats", "pass", "0", **TOOL),
)

FAULTS: Final = (
    unmade("a misspelt fault", fault(fault="upstream-eror"), "upstream-error"),
    unmade("a process that there is not", fault(fault="process-down", target="origin-c"), "origin-a"),
    unmade("an upstream that there is not", fault(target="notoin"), "notion"),
    unmade("a parameter that there is not", fault(params={"stauts": 500}), "stauts.*allowed"),
    unmade("a parameter out of its range", fault(fault="db-idle-transaction", target=None,
           params={"connections": 0}), "connections.*allowed"),
    made("every fault happens", "right", "pass"),
    made("the control API refuses", "refuses"),
    made("it obeys 0.9 s late", "late"),
    made("it lifts the fault 0.9 s late", "ends-late"),
    made("it never lifts the fault", "never-ends"),
    made("its fault has no effect", "without-effect"),
    made("it says yes and does nothing", "lies"),
    made("it gives no answer", "hangs"),
    made("it dies when it is asked", "dies"),
    made("the first of two faults is refused, the second is made all the same", "refuses-the-first",
         point="service",
         scenario={**OUTAGE, "faults": [
             {"at": "500ms", "until": "900ms", "fault": "upstream-error", "target": "notion"},
             *OUTAGE["faults"]]},
         expects={"faults.planned": 2, "faults.begun": 1}),
    service("no control: no fault, no pass", "correct", "inconclusive", "P0.4", status="info",
            scenario=OUTAGE),
)  # fmt: skip

TABLE: Final = (*SERVED_OR_NOT, *WRITTEN, *TOKENS, *LIMITS, *EFFECTS, *OWN, *FAULTS)
