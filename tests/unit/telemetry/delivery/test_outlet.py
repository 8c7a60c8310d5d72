"""Several sinks beside each other: what happens to one is nothing to the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from telemetry.delivery.outlet import Outlet
from telemetry.delivery.sink import WriteReply, WriteResult
from telemetry.points.point import DataPoint

POINTS = [DataPoint("m", {}, {"x": number}, number) for number in range(6)]


class Place:
    """Takes all, or nothing while it is `down`; what has an odd number it never wants."""

    most = 100

    def __init__(self, name: str, *, down: bool = False) -> None:
        self.name = self.place = name
        self.down = down
        self.lines: list[str] = []

    def encode(self, points: Iterable[DataPoint]) -> Iterator[list[str]]:
        yield [str(point.time_ns) for point in points if point.time_ns % 2 == 0]

    def write(self, lines: Sequence[str], timeout: float | None = None) -> WriteReply:
        if self.down:
            return WriteReply(WriteResult.LATER, 503, "down")
        self.lines += lines
        return WriteReply(WriteResult.TAKEN)

    def close(self) -> None:
        return


def finished(*outlets: Outlet) -> list[tuple[int, int, int]]:
    for outlet in outlets:
        outlet.start()
        outlet.put(POINTS)
    for outlet in outlets:
        outlet.end(5.0)
    for outlet in outlets:
        outlet.join()
    return [(one["written"], one["spooled"], one["dropped"]) for one in (x.counts() for x in outlets)]


def test_one_that_is_down_holds_up_no_other(tmp_path: Path) -> None:
    well, ill = Place("well"), Place("ill", down=True)
    outlets = [Outlet(place, tmp_path, "run-1", lambda text: None) for place in (ill, well)]
    assert finished(*outlets) == [(0, 3, 0), (3, 0, 0)]
    assert well.lines == ["0", "2", "4"]
    for outlet in outlets:
        outlet.close()
    assert [path.name for path in tmp_path.rglob("*.lp")] == ["000000001-3.lp"]
    ill.down = False
    again = Outlet(ill, tmp_path, "run-2", lambda text: None)
    again._sender._send_all()
    assert ill.lines == ["0", "2", "4"]
    assert again.counts()["replayed"] == 3
    again.close()


def test_each_has_its_own_room_on_disk(tmp_path: Path) -> None:
    outlets = [
        Outlet(Place(name, down=True), tmp_path, "run-1", lambda text: None, most)
        for name, most in {"small": 3, "large": 1000}.items()
    ]
    assert finished(*outlets) == [(0, 0, 3), (0, 3, 0)]
    for outlet in outlets:
        outlet.close()
