"""One page: the rate limit's error against the sync interval, as a plot and as a table."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape
from plotly import graph_objects as go

TITLE = "Rate-limit error against the interval of the database sync"


def page(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    errors: Sequence[tuple[float, float, float, float]],
    window: float,
    sentence: str,
) -> str:
    """HTML with plotly inside. `errors`: (interval, mean, least, worst error as shares); times in s."""
    plot = _figure(errors, window).to_html(full_html=False, include_plotlyjs=True)
    return str(
        Markup(
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            "<style>body{{font:16px system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}}"
            "td,th{{padding:.2rem .8rem;text-align:right}}</style></head>"
            "<body><h1>{title}</h1><p>{sentence}</p>{plot}<table>{table}</table></body></html>"
        ).format(title=TITLE, sentence=sentence, plot=Markup(plot), table=_table(head, rows))
    )


def _figure(errors: Sequence[tuple[float, float, float, float]], window: float) -> go.Figure:
    x, mean, least, worst = ([one[column] for one in errors] for column in range(4))
    percent = [[100 * value for value in values] for values in (mean, least, worst)]
    up = [high - middle for high, middle in zip(percent[2], percent[0], strict=True)]
    down = [middle - low for low, middle in zip(percent[1], percent[0], strict=True)]
    bars = {"type": "data", "symmetric": False, "array": up, "arrayminus": down}
    figure = go.Figure(
        go.Scatter(x=x, y=percent[0], mode="lines+markers", name="mean, least to worst", error_y=bars)
    )
    figure.add_vline(x=window, line_dash="dot")
    figure.update_xaxes(title=f"sync every … seconds (dotted: the window, {window:g} s)", type="log")
    figure.update_yaxes(title="over the limit, %", rangemode="tozero")
    return figure


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    lines = [("th", head), *(("td", row) for row in rows)]
    return Markup("").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(Markup(f"<{tag}>{escape(cell)}</{tag}>") for cell in cells)
        )
        for tag, cells in lines
    )
