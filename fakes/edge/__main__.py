"""`python -m fakes.edge …`: the process; `fakes.http.serve` tells its options."""

from __future__ import annotations

from collections.abc import Sequence

from fakes.edge.edge import make_app
from fakes.http import serve


def main(words: Sequence[str] | None = None) -> None:
    """Serve, and never return."""
    serve.run("edge", make_app, words)


if __name__ == "__main__":
    main()
