"""What can be done about each kind of incident: one table for pages, API and tests.

| step | what the system does | then |
|---|---|---|
| `ask_driver` | asks who had the car, by message | it stays open |
| `take_out` | takes the car out of service from now on, as damaged | it stays open |
| `self_test` | has the box test itself | it stays open |
| `car_changed` | the reservation gets the car that was really taken | closed |
| `reservation_ended` | gives the promise back that will not be kept | closed |
| `place_confirmed` | notes at which site the car stands | closed |
| `repaired` | puts the car back into service | closed |
| `talked`, `checked`, `nothing` | nothing: a person has dealt with it | closed |

The first step of a kind that is possible now is its proposed resolution.
"""

from typing import Final, Literal, get_args

Step = Literal[
    "ask_driver",
    "take_out",
    "self_test",
    "car_changed",
    "reservation_ended",
    "place_confirmed",
    "repaired",
    "talked",
    "checked",
    "nothing",
]
STEPS: Final[tuple[Step, ...]] = get_args(Step)
LEAVE_OPEN: Final[frozenset[Step]] = frozenset({"ask_driver", "take_out", "self_test"})
BY_HAND: Final[tuple[Step, ...]] = ("talked", "checked", "nothing")
"""Ways to close any incident, without anything done by the system."""

PROPOSED: Final[dict[str, tuple[Step, ...]]] = {
    "used_though_promised": ("ask_driver", "reservation_ended"),
    "another_cars_reservation": ("car_changed", "ask_driver"),
    "another_persons_badge": ("ask_driver",),
    "used_after_end": ("ask_driver",),
    "trip_without_start": ("self_test",),
    "silent_reservation": ("ask_driver", "self_test"),
    "journal_gap": ("self_test",),
    "journal_damaged": ("self_test",),
    "journal_contradicts": ("self_test",),
    "alarm": ("ask_driver",),
    "damage": ("take_out", "repaired", "ask_driver"),
    "place_unconfirmed": ("place_confirmed", "ask_driver"),
}
"""Kind -> the steps that may help, the proposed one first."""
