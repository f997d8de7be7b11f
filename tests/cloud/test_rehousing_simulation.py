"""The seeded fleet lived through, a year of it in `make test-all`: nobody is left standing untold. Prints
what became of everybody concerned."""

import json
from collections import Counter

import pytest
from glovebox.messages.tables import messages
from glovebox.reservations.tables import rehousings
from glovebox.store import guard
from sqlalchemy import select
from support_fleet_year import Rates, live
from support_year_table import make_table

# Harder than a year is, so that days suffice to meet each kind.
HARD = Rates(breaks=0.05, silences=0.05, late=0.2)


def check(tx):
    """No two promises of a car overlap; each answer is told, and once."""
    guard.check(tx)
    keys = Counter(tx.execute(select(messages.c.message_key)).scalars())
    answers = [(row.reservation_id, row.cause, row.cause_id) for row in tx.execute(select(rehousings)).all()]
    assert len(answers) == len(set(answers))
    assert [one for one in answers if keys["rehouse-{}-{}-{}".format(*one)] != 1] == []


def check_sums(table):
    """Everybody is accounted for, and nobody was kept in the dark about what the product knew."""
    assert sum(table["refused when asked for"].values()) + table["booked"] == table["asked for"]
    assert sum(table["ended as"].values()) == table["due"]
    assert table["moved"] + table["offered"] + table["told"] == table["concerned"]
    told_late = table["told after it, because"]
    assert table["told before the start"] + sum(told_late.values()) == table["concerned"]
    assert [why for why in told_late if why.endswith("known")] == []
    assert table["standing though known"] == 0
    standing = ("standing, told before the start", "standing, told at the car")
    untold = sum(table["standing, never told"].values())
    assert sum(table[name] for name in standing) + untold == table["left standing"]
    assert table["freed and withheld"] == 0


def live_and_check(title, capsys, *args, **options):
    town = live(*args, **options)
    town.depot.read(check)
    table = town.depot.read(lambda tx: make_table(town, tx))
    town.depot.close()
    with capsys.disabled():
        print(f"\n{title}")
        print(json.dumps(table, indent=1))
    check_sums(table)
    return table


def test_whoever_loses_a_car_is_given_another_or_told_and_once(tmp_path, sqlite_template, capsys):
    table = live_and_check("two busy days, seed 1", capsys, tmp_path, sqlite_template, 1, 2, HARD, filled=0.9)
    assert table["concerned"] >= 5
    assert table["moved"] >= 3


@pytest.mark.sweep
def test_of_a_busy_fleet_those_who_cannot_be_moved_are_told_too(tmp_path, sqlite_template, capsys):
    title = "five days, seed 2, nine tenths of the gaps asked for"
    table = live_and_check(title, capsys, tmp_path, sqlite_template, 2, 5, HARD, filled=0.9)
    assert table["offered"] + table["told"] >= 5


@pytest.mark.sweep
def test_the_seeded_year(tmp_path, sqlite_template, capsys):
    table = live_and_check("365 days, seed 2", capsys, tmp_path, sqlite_template, 2, 365)
    assert table["asked for"] > 17_000
    assert table["concerned"] > 800
    # Who comes to a car that broke down within the hour, or that is late by less than five minutes, finds it
    # out before anybody can say so.
    assert table["told before the start"] >= 0.95 * table["concerned"]
