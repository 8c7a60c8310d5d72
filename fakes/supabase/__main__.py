"""`python -m fakes.supabase …`: the process; `fakes.http.serve` tells its options."""

from __future__ import annotations

from collections.abc import Sequence

from fakes.http import serve
from fakes.supabase.supabase import make_app


def main(words: Sequence[str] | None = None) -> None:
    """Serve, and never return."""
    serve.run("supabase", make_app, words)


if __name__ == "__main__":
    main()
