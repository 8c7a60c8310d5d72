"""Where a call says which trace it is of, so that a slow one can be found where the target's traces are kept.

trace: true       `traceparent` of W3C Trace Context: a header of every request of the load, and in the
                  modern era in `params._meta`, too
"""

from __future__ import annotations

from typing import Final

TRACEPARENT: Final = "traceparent"
TRACE: Final = "{trace}"
"""What stands for its value, in headers and `_meta`."""
