"""plotly.js out of the installed wheel, packed so that a report stays small and needs no network.

4.8 MB of script become 2.0 MB of text (gzip, base64); the browser unpacks it (docs/adr/ has the figures).
"""

from __future__ import annotations

import base64
import gzip
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from common.files.derived import derived_text


@cache
def packed() -> str:
    """plotly.min.js, gzipped, as base64 text."""
    package = _package()
    release = next(package.parent.glob("plotly-*.dist-info")).stem  # importlib.metadata costs 40 ms
    return derived_text(f"{release}.b64", _pack)


def _package() -> Path:
    spec = find_spec("plotly")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _pack() -> str:
    script = _package() / "package_data" / "plotly.min.js"
    return base64.b64encode(gzip.compress(script.read_bytes(), 6, mtime=0)).decode("ascii")
