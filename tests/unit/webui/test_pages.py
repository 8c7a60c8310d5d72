"""The attack page costs a load as little as can be arranged before it."""

from __future__ import annotations

from flask import Flask

from webui import pages


def test_every_template_is_compiled_before_anybody_asks() -> None:
    app = Flask(__name__, template_folder=str(pages.TEMPLATES))
    pages.warm(app)
    cache = app.jinja_env.cache
    assert cache is not None
    assert len(cache) == len(list(pages.TEMPLATES.glob("*.html"))) >= 4
