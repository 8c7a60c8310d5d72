"""Where a database may be: this machine, or an owned host; and no way of writing hides another."""

from __future__ import annotations

import asyncpg
import pytest
from asyncpg import connect_utils
from hypothesis import given
from hypothesis import strategies as st

from common.addresses.dsn import DsnError, host_of, refuse_foreign

LOCAL = [
    "postgresql://u@127.0.0.1/d",
    "postgres://u:p4ss@127.0.0.1:5432/d",
    "postgresql://u:p4ss@localhost/d?sslmode=disable",
    "postgresql://u:p4ss@[::1]:5432/d",
    "postgresql://u@/d?host=/tmp/pg&port=5432",
]
FOREIGN = [
    ("postgresql://u:p4ss@db.example.org/d", "db.example.org"),
    ("postgresql://u:p4ss@DB.example.org:6543/d", "db.example.org"),
    ("postgresql://u:p4ss@192.0.2.7/d", "192.0.2.7"),
    ("postgresql://u:p4ss@[2001:db8::1]/d", "2001:db8::1"),
    ("postgresql://u:p4ss@postgres:5432/postgres", "postgres"),
]
TRICKS = [
    "postgresql://u:p4ss@db.example.org@127.0.0.1/d",  # asyncpg reads the first @, urllib the last
    "postgresql://u:p4ss@127.0.0.1,db.example.org/d",
    "postgresql://u@/d?host=/tmp,db.example.org",
    "postgresql://u@/d?host=db.example.org",
    "postgresql://u@127.0.0.1/d?host=/tmp/pg",
    "postgresql://u@/d?host=/tmp&host=db.example.org",
    "postgresql://u@%2Ftmp/d",
    "postgresql://u@db%2eexample.org/d",
    "postgresql://u@/d",  # PGHOST of the environment
    "postgresql:///d?host=/tmp",  # PGUSER
    "postgresql://u@127.0.0.1/",  # PGDATABASE
    "postgresql://u@127.0.0.1/d?service=elsewhere",
    "postgresql://u@127.0.0.1/d?passfile=/etc/shadow",
    "postgresql://u@127.0.0.1/d?options=-c%20x",
    "postgresql://u@2130706433/d",
    "postgresql://u@0x7f.1/d",
    "postgresql://u@127.0.0.1/d#x",
    "postgresql://u@127.0.0.1\\@db.example.org/d",
    "postgresql://u:p4ss@127.0.0.1/d\n",
    "mysql://u:p4ss@127.0.0.1/d",
    "host=127.0.0.1 user=u password=p4ss",
    "",
    "***",
]


@pytest.mark.parametrize("dsn", LOCAL)
def test_this_machines_are_taken(dsn: str) -> None:
    refuse_foreign(dsn, None)


@pytest.mark.parametrize(("dsn", "host"), FOREIGN)
def test_another_machines_is_taken_by_its_owner_alone(dsn: str, host: str) -> None:
    assert host_of(dsn) == host
    refuse_foreign(dsn, host)
    for owned in (None, "example.org", ""):
        with pytest.raises(
            DsnError, match=r"is not on loopback, allowed: a database of this machine"
        ) as refused:
            refuse_foreign(dsn, owned)
        assert "p4ss" not in str(refused.value)


@pytest.mark.parametrize("dsn", TRICKS)
def test_no_way_of_writing_hides_another_place(dsn: str) -> None:
    with pytest.raises(DsnError) as refused:
        refuse_foreign(dsn, "db.example.org")
    assert "p4ss" not in str(refused.value)
    assert "\n" not in str(refused.value)


def _asyncpgs_view(dsn: str) -> list[object]:
    """The places that the driver itself would go to."""
    names = (
        "host", "port", "user", "password", "passfile", "database", "ssl", "service", "servicefile",
        "direct_tls", "server_settings", "target_session_attrs", "krbsrvname", "gsslib",
    )  # fmt: skip
    places, _ = connect_utils._parse_connect_dsn_and_args(dsn=dsn, **dict.fromkeys(names))
    return list(places)


@pytest.mark.parametrize("dsn", [*LOCAL, *(dsn for dsn, _ in FOREIGN)])
def test_the_driver_goes_where_we_read(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "192.0.2.9")
    monkeypatch.setenv("PGSERVICE", "elsewhere")
    (place,) = _asyncpgs_view(dsn)
    host = host_of(dsn)
    if host.startswith("/"):
        assert str(place).startswith(f"{host}/.s.PGSQL.")
    else:
        assert isinstance(place, tuple)
        assert str(place[0]).lower() == host


@given(st.text(alphabet="u:p@/?#%,[].\\ &=host127.0db-é\n", max_size=40))
def test_any_text_is_a_place_that_the_driver_reads_alike_or_one_line(text: str) -> None:
    dsn = f"postgresql://{text}"
    try:
        host = host_of(dsn)
    except DsnError:
        return
    try:
        (place,) = _asyncpgs_view(dsn)
    except (TimeoutError, ValueError, asyncpg.InterfaceError):
        return
    assert str(place[0] if isinstance(place, tuple) else place).lower().startswith(host)
