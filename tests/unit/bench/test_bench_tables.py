from __future__ import annotations

from pathlib import Path

import pytest

from bench import tables
from bench.arrival_times import Delays
from bench.open_model import Open
from bench.peers import Speed


def test_speed_is_the_median_and_compared_to_stock() -> None:
    stock = [Speed(1000, 1.0, 2.0), Speed(3000, 1.0, 2.0), Speed(2000, 1.0, 2.0)]
    text = tables.speed_table({tables.STOCK: stock, "engine": [Speed(30_000, 3.0, 2.0)]})
    engine, last = text.splitlines()[-2:]
    assert engine == "| engine | 10,000 | 10,000–10,000 | 5.0 | 15,000 |"
    assert last == "| stock FastHttpUser | 2,000 | 1,000–3,000 | 1.0 | 1,000 |"


def test_speed_without_stock_compares_nothing() -> None:
    assert "| nan |" in tables.speed_table({"wrk": [Speed(10, 1.0, 1.0)]})


def test_a_fixed_rate_shows_the_worst_maximum_and_no_delay_for_stock() -> None:
    runs = [
        Open(7500, 500.0, 1500, cpu, Delays(0.5, 1.5, worst))
        for cpu, worst in ((1.5, 9), (3.0, 2), (0.75, 3))
    ]
    text = tables.open_table({"engine": runs, tables.STOCK: runs})
    engine, stock = text.splitlines()[-2:]
    assert engine == "| engine | 7,500 | 500.0 | 1,500 | 0.200 | 0.50 | 1.50 | 9.0 |"
    assert stock.endswith("| 0.200 | – | – | – |")


def test_a_section_is_replaced_and_the_rest_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("# A\n<!-- speed -->\nold\n<!-- /speed -->\nrest\n<!-- open -->\n<!-- /open -->\n")
    monkeypatch.setattr(tables, "PAGE", page)
    tables.write("speed", "new")
    tables.write("speed", "newer")
    assert page.read_text() == (
        "# A\n<!-- speed -->\nnewer\n<!-- /speed -->\nrest\n<!-- open -->\n<!-- /open -->\n"
    )
    with pytest.raises(RuntimeError, match="no section other"):
        tables.write("other", "x")
