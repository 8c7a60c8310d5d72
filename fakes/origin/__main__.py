"""`python -m fakes.origin …`: the process; `fakes.http.serve` tells its options."""

from __future__ import annotations

from collections.abc import Sequence

from fakes.http import serve
from fakes.origin.origin import make_app


def main(words: Sequence[str] | None = None) -> None:
    """Serve, and never return."""
    serve.run("origin-a", make_app, words)


if __name__ == "__main__":
    main()
