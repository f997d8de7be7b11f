"""A badge at the windscreen while the cloud tells the box much: it is kept when the badge has been served."""

import pytest
from support_story import MINUTE

pytestmark = [pytest.mark.story, pytest.mark.timeout(300)]

DAY = 86_400
ENTRIES = 3_000
"""18 pages, 45 ms of erase each: a second and more of flash."""
BUDGET_S = 0.3
SERVED_S = 0.01
"""Of the 100 ms and less between the card and the door the last 10 are the decision."""
ERASES_A_POLL = 2
"""The reader looks each 100 ms: as many pages may come before it sees the card."""
SET_S = 60


class Flash:
    """What the box's flash did, with the moment."""

    def __init__(self, story):
        self.done = []
        self._story = story
        story.sim.on_event.append(self._note)

    def _note(self, now, _box, source, name, data):
        if source == "flash":
            self.done.append((now, name))
        elif source == "door" and name == "unlock":  # told when the pulse is over
            self.done.append((now - data["length_us"] / 1e6, name))
            self.done.sort()

    def list_since(self, at):
        return [name for now, name in self.done if now > at]

    def list_between(self, from_s, to_s):
        return [name for now, name in self.done if from_s < now < to_s]


@pytest.fixture(autouse=True)
def parked(linked):
    """The car stands inhibited, and Alice may take it."""
    linked.book(linked.alice, linked.now - 60, linked.now + 3600)
    linked.wait(lambda: linked.contact == "inhibit", 10 * MINUTE, "the parked box inhibits")


def add_many(story):
    """The cloud has a set of thousands for this car, far ahead, and has not told it yet."""

    def add(tx):
        run = tx.exec_driver_sql
        (badge,) = run("SELECT id FROM badges WHERE person_id = ?", (story.bob.id,)).one()
        (version,) = run(
            "SELECT 1 + max((SELECT max(version) FROM authorisation_versions),"
            " (SELECT max(version) FROM pool_versions))"
        ).one()
        for number in range(ENTRIES):
            starts = story.now + 40 * DAY + number * 60
            run(
                "INSERT INTO authorisations (vehicle_id, badge_id, authorisation_id, starts_at, ends_at,"
                " kind, flags, place, version)"
                " VALUES (?, ?, ?, ?, ?, 1, 0, 0, ?)",
                (story.vehicle, badge, 1_000_000 + number, starts, starts + 60, version),
            )
        run(
            "UPDATE authorisation_versions SET version = ?, oldest_base = ? WHERE vehicle_id = ?",
            (version, version, story.vehicle),
        )

    story.cloud.writer.run(add)


def held_version(story):
    return story.cloud.writer.run(
        lambda tx: tx.exec_driver_sql(
            "SELECT a.version, b.held_version FROM authorisation_versions a JOIN boxes b"
            " ON b.vehicle_id = a.vehicle_id"
        ).one()
    )


@pytest.mark.parametrize("after_s", [0.05, 0.4])
def test_a_tap_during_the_arrival_of_a_large_set_is_two_programs_and_no_erase(story, after_s):
    network = story.box.network
    story.world.set_network(False)
    story.wait(lambda: not network.is_joined, MINUTE, "the network is gone")
    add_many(story)
    story.run(5)
    story.world.set_network(True)
    flash = Flash(story)
    story.wait(lambda: "erase" in flash.list_since(0), MINUTE, "the set begins to arrive")
    story.run(after_s)
    tapped_at = story.tap(story.alice.uid, 1.2)
    story.wait(lambda: "unlock" in flash.list_since(tapped_at), 5, "the badge opens")
    unlocked_at = next(now for now, name in flash.done if name == "unlock" and now > tapped_at)
    assert unlocked_at - tapped_at < BUDGET_S
    before = flash.list_between(tapped_at, unlocked_at)
    assert before.count("erase") <= ERASES_A_POLL
    record_and_session = ["program", "program"]
    assert flash.list_between(unlocked_at - SERVED_S, unlocked_at) == record_and_session
    story.run(2)
    assert "erase" not in flash.list_between(unlocked_at, unlocked_at + 2)
    story.wait(lambda: len(set(held_version(story))) == 1, SET_S, "the car knows the set")
