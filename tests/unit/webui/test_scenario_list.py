"""The picker's families: every scenario once, variants under the one that they are of."""

from __future__ import annotations

from scenarios import load
from webui.scenario_list import entries


def test_every_scenario_is_in_one_family_after_the_one_it_is_named_after() -> None:
    families = entries(load.names(), "en")
    names = [one.name for family in families for one in family]
    assert sorted(names) == sorted(load.names())
    for first, *variants in families:
        assert not first.variant_of
        family = {first.name, *(one.name for one in variants)}
        assert {one.variant_of for one in variants} <= family
        assert [one.name for one in variants if not one.title] == []
    assert len(families) < len(names) / 2


def test_a_variant_says_in_a_sentence_what_is_other() -> None:
    [burst] = [family for family in entries(load.names(), "en") if family[0].name == "burst"]
    [one_ip] = [one for one in burst if one.name == "burst-one-ip"]
    assert one_ip.title.startswith("All 100 accounts come from one IP address")
    [failover] = [family for family in entries(load.names(), "en") if family[0].name == "failover"]
    [quick] = [one for one in failover if one.name == "failover-sync-2s"]
    assert quick.title == "Failover: the origins sync their counts every 2 s"
    [japanese] = entries(["burst"], "ja")
    assert japanese[0].title == load.load("burst").title.ja


def test_what_cannot_be_read_is_a_family_of_its_name() -> None:
    assert [[one.name for one in family] for family in entries(["no-such", "burst"], "en")] == [
        ["burst"],
        ["no-such"],
    ]
