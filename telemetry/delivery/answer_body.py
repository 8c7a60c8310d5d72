"""The body of an answer, as far as it is wanted and while there is time for it.

urllib3 times out each read, not an answer: a peer that sends a byte now and then would hold its reader for
ever.
"""

from __future__ import annotations

import time
from typing import Final

from urllib3 import BaseHTTPResponse

MOST_BODY: Final = 64 * 1024  # bytes of an answer that are read


def read_body(answer: BaseHTTPResponse, deadline: float) -> bytes:
    """At most `MOST_BODY` bytes; an answer that has more, or breaks off, costs its connection.

    `deadline`: of time.monotonic(). Raises TimeoutError where the body is not there by then, and what
    urllib3 raises.
    """
    parts: list[bytes] = []
    left, whole = MOST_BODY, False
    try:
        while left > 0 and (piece := answer.read1(left)):
            parts.append(piece)
            left -= len(piece)
            if time.monotonic() > deadline:
                raise TimeoutError("the answer took too long to come")
        whole = left > 0
    finally:
        if not whole:
            answer.close()
        answer.release_conn()
    return b"".join(parts)
