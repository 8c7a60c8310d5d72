"""plotly.js out of the installed wheel, packed so that a report stays small and needs no network.

4.8 MB of script become 2.0 MB of text (gzip, base64); the browser unpacks it (docs/adr/ has the figures).
"""

from __future__ import annotations

import base64
import gzip
from functools import cache
from importlib.metadata import version
from importlib.resources import files

from common.files.derived import derived_text


@cache
def packed() -> str:
    """plotly.min.js, gzipped, as base64 text."""
    return derived_text(f"plotly-{version('plotly')}.b64", _pack)


def _pack() -> str:
    script = files("plotly") / "package_data" / "plotly.min.js"
    return base64.b64encode(gzip.compress(script.read_bytes(), 6, mtime=0)).decode("ascii")
