"""A box full of rights without a network: what goes on, what lapses, and how far a revocation reaches."""

import struct

import pytest
from box.access.rights import NOT, SERVICE, STARTED, VALID, Circumstances, assess
from box.config import Settings
from box.protocols import authorisation, codes
from box.protocols.crypto import Hmac
from box.storage.authorisations import MAX_ENTRIES, Authorisations

KEY = Hmac(b"a" * 32)
NOW = 1_000_000_000
DAY, HOUR = 86_400, 3_600
RESERVATION, STANDING, SERVICE_KIND = (
    codes.AUTHORISATION_KIND_RESERVATION,
    codes.AUTHORISATION_KIND_STANDING,
    codes.AUTHORISATION_KIND_SERVICE,
)
DRIVER, COLLEAGUE, FITTER = 1, 2, 3  # of the reservation on day 80, of the group, of the site
RESERVED_DAY = 80


def badge(who):
    return struct.pack(">I", who * 2654435761 & 0xFFFFFFFF) + bytes(4)


def make_entries():
    entries = [
        (badge(DRIVER), 1, NOW + RESERVED_DAY * DAY, NOW + RESERVED_DAY * DAY + HOUR, RESERVATION, 0, 0),
        (badge(COLLEAGUE), 2, NOW, NOW + 30 * DAY, STANDING, 0, 0),
        (badge(FITTER), 3, NOW, NOW + 90 * DAY, SERVICE_KIND, 0, 0),
    ]
    for who in range(4, MAX_ENTRIES + 1):
        if who < 82:  # a reservation of four hours each day
            start = NOW + (who - 3) * DAY + 20 * HOUR
            entries.append((badge(who), who, start, start + HOUR, RESERVATION, 0, 0))
        else:
            entries.append((badge(who), who, NOW, NOW + 30 * DAY, STANDING, 0, 0))
    return entries


def take_set(held, version, entries):
    rows = sorted(authorisation.pack(entry) for entry in entries)
    pages = [rows[at : at + 170] for at in range(0, len(rows), 170)]
    held.begin_set(version, len(pages))
    for page, some in enumerate(pages):
        held.put_page(version, page, b"".join(some))
    mac = KEY.digest(struct.pack("<II", version, len(rows)), b"".join(rows))[:16]
    for _ in held.finish_set(version, len(rows), mac):
        pass


@pytest.fixture
def held(tmp_path):
    held = Authorisations(str(tmp_path), KEY)
    take_set(held, 1, make_entries())
    return held


def judge(held, who, now_s, **settings):
    """The class of a badge, and the refusal: the cloud was heard at NOW for the last time."""
    around = Circumstances(now_s, Settings(settings), held.reservations_between, 0, NOW)
    badge_class, _, refusal = assess(held.find(badge(who)), around)
    return badge_class, refusal


@pytest.mark.parametrize(
    ("who", "silent_s", "settings", "answer"),
    [
        (COLLEAGUE, 7 * DAY, {}, (VALID, 0)),
        (COLLEAGUE, 7 * DAY + 1, {}, (NOT, codes.REFUSAL_RIGHTS_LAPSED)),
        (COLLEAGUE, DAY + 1, {"standing_offline_s": DAY}, (NOT, codes.REFUSAL_RIGHTS_LAPSED)),
        (COLLEAGUE, 30 * DAY - 1, {"standing_offline_s": 90 * DAY}, (VALID, 0)),
        (COLLEAGUE, 30 * DAY, {"standing_offline_s": 90 * DAY}, (NOT, codes.REFUSAL_EXPIRED)),
        (MAX_ENTRIES, 7 * DAY, {}, (VALID, 0)),
        (DRIVER, RESERVED_DAY * DAY, {}, (STARTED, 0)),
        (DRIVER, RESERVED_DAY * DAY + HOUR, {}, (NOT, codes.REFUSAL_TOO_LATE)),
        (FITTER, 89 * DAY, {}, (SERVICE, 0)),
        (FITTER, 90 * DAY, {}, (NOT, codes.REFUSAL_EXPIRED)),
        (MAX_ENTRIES + 1, HOUR, {}, (NOT, codes.REFUSAL_UNKNOWN_BADGE)),
    ],
)
def test_without_a_network_reservations_stand_and_standing_rights_lapse(
    held, who, silent_s, settings, answer
):
    assert judge(held, who, NOW + silent_s, **settings) == answer


def test_a_revocation_that_reached_the_box_holds_at_once_and_after_a_restart(tmp_path, held):
    gone = [entry for entry in make_entries() if entry[1] in (DRIVER, COLLEAGUE, FITTER)]
    held.apply_delta(1, 2, b"".join(b"\2" + authorisation.pack(entry) for entry in sorted(gone)))
    for view in (held, Authorisations(str(tmp_path), KEY)):
        for who, at_s in ((DRIVER, RESERVED_DAY * DAY), (COLLEAGUE, HOUR), (FITTER, HOUR)):
            assert judge(view, who, NOW + at_s) == (NOT, codes.REFUSAL_UNKNOWN_BADGE)
        assert judge(view, MAX_ENTRIES, NOW + HOUR) == (VALID, 0), "nobody else's right went with them"


def test_a_revocation_by_a_full_set_holds_only_when_the_set_is_whole(tmp_path, held):
    rest = [entry for entry in make_entries() if entry[1] != COLLEAGUE]
    rows = sorted(authorisation.pack(entry) for entry in rest)
    held.begin_set(2, 59)
    held.put_page(2, 0, b"".join(rows[:170]))
    again = Authorisations(str(tmp_path), KEY)  # power failed between two pages
    assert judge(again, COLLEAGUE, NOW + HOUR) == (VALID, 0)
    take_set(again, 2, rest)
    assert judge(again, COLLEAGUE, NOW + HOUR) == (NOT, codes.REFUSAL_UNKNOWN_BADGE)
    assert again.count == MAX_ENTRIES - 1


def test_one_more_than_fits_is_refused_and_the_set_in_force_stays(held):
    with pytest.raises(ValueError, match="too many"):
        take_set(held, 2, [*make_entries(), (badge(77_777), 77_777, NOW, NOW + 1, STANDING, 0, 0)])
    assert (held.version, held.count) == (1, MAX_ENTRIES)
