"""plotly.js out of the installed wheel, packed so that a report stays small and needs no network.

4.8 MB of script become 2.0 MB of text (gzip, base64); the browser unpacks it (docs/adr/ has the figures).
"""

from __future__ import annotations

import base64
import gzip
from importlib.util import find_spec
from pathlib import Path


def packed() -> str:
    """plotly.min.js, gzipped, as base64 text."""
    spec = find_spec("plotly")
    assert spec is not None and spec.origin is not None, "plotly is a locked dependency"
    script = Path(spec.origin).parent / "package_data" / "plotly.min.js"
    return base64.b64encode(gzip.compress(script.read_bytes(), 6, mtime=0)).decode("ascii")
