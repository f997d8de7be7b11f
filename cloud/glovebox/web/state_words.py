"""What states, kinds and codes are called on pages: a word, or a word with a tone and a shape."""

from typing import Final

from glovebox.web.i18n import _

RESERVATION_STATES: Final = {
    "pending": (_("Waiting for approval"), "warn", "clock"),
    "confirmed": (_("Booked"), "busy", "calendar"),
    "in_use": (_("In use"), "busy", "key"),
    "moving": (_("Being moved"), "warn", "clock"),
    "completed": (_("Done"), "idle", "check"),
    "cancelled": (_("Cancelled"), "idle", "cross"),
    "no_show": (_("Not used, given back"), "warn", "cross"),
    "expired": (_("Ended without news from the car"), "warn", "question"),
}
BOX_STATES: Final = {
    "parked": (_("Free"), "good", "check"),
    "asking": (_("A badge is being checked"), "busy", "clock"),
    "open": (_("Taken, standing"), "busy", "key"),
    "driving": (_("Driving"), "busy", "wheel"),
    "stopover": (_("Stopover, locked"), "busy", "pause"),
    "ending": (_("Just returned"), "good", "check"),
}
ENERGIES: Final = {
    "petrol": _("Petrol"),
    "diesel": _("Diesel"),
    "electric": _("Electric"),
    "hybrid": _("Hybrid"),
    "lpg": _("LPG"),
    "cng": _("Natural gas"),
}
INTERLOCKS: Final = {
    "none": _("not prevented: only the doors are locked"),
    "starter_wire": _("prevented: the starter gets no current"),
    "start_button": _("prevented: the start button does nothing"),
    "fob_supply": _("prevented: the car does not see its key"),
}
COMMANDS: Final = {
    "open_for": _("Open the car"),
    "lock": _("Lock"),
    "end_session": _("End the session"),
    "flash_lights": _("Flash the lights"),
    "self_test": _("Self-test"),
    "refresh": _("Send everything again"),
    "garage": _("Garage mode"),
    "track": _("Track after theft"),
}
COMMAND_HINTS: Final = {
    "lock": _("Locks the doors if they are shut. Inside handles keep working."),
    "end_session": _("Ends a forgotten session. The box does it only when the car is parked."),
    "flash_lights": _("Helps to find the car on the car park."),
    "self_test": _(
        "The box checks reader, relay, satellites and car bus, and writes the result in its journal."
    ),
    "refresh": _("The box asks for all its authorisations again."),
    "garage": _("For the workshop: the car starts without a badge for one day; every start is journalled."),
}
COMMAND_STATES: Final = {
    "queued": (_("Waiting for the car"), "busy", "clock"),
    "sent": (_("Sent to the car"), "busy", "clock"),
    "done": (_("Done"), "good", "check"),
    "refused": (_("Refused by the car"), "bad", "cross"),
    "expired": (_("The car did not answer in time"), "warn", "question"),
    "unknown": (_("The car does not know this command"), "bad", "cross"),
}
REASONS: Final = {
    "range": _("Goes %(distance)s on its charge, a fifth of the battery kept in reserve."),
    "only_one": _("The only car that fits."),
    "range_known": _("Its charge is known to be enough."),
    "heard_lately": _("Heard from lately."),
    "opened_by_badge": _("Your badge opens it."),
    "right_size": _("Leaves the large cars to those who need the seats."),
    "nearest": _("The nearest, %(distance)s away."),
    "fills_gap": _("Fits its day best, so that other cars stay free for longer trips."),
    "most_range": _("Goes the furthest on its charge."),
    "as_good": _("As good as the others that fit."),
}
REFUSALS_TODO: Final = {
    "unknown_badge": _("Ask your fleet manager to add this badge."),
    "too_late": _("Book the car again, or look for another one."),
    "another_car": _("Look at your booking: it names the car and where it stands."),
    "revoked": _("Ask your fleet manager for another badge."),
    "yields_to_reservation": _("Look for another car."),
    "rights_lapsed": _("Book the car, or take it where it has network."),
    "several_badges": _("Hold one badge alone to the windscreen."),
    "random_uid": _("Use a card that keeps its number."),
    "not_fitted": _("This car cannot do that; call your fleet manager."),
    "too_early": _("Come back 15 minutes before the start."),
    "held_by_another": _(
        "Whoever has it must end the trip first. Call your fleet manager, or look for another car."
    ),
    "door_open": _("Shut all doors and the boot, then try again."),
    "key_missing": _("Put the key back into its holder, then try again."),
    "ignition_on": _("Switch the ignition off, then try again."),
    "journal_full": _("Call your fleet manager: the box must reach the network first."),
    "clock_unknown": _("Leave the car under open sky for some minutes, then try again."),
    "expired": _("The network is slow here. Try again."),
    "battery_low": _("Look for another car and tell your fleet manager."),
    "driving": _("It works once the car is parked."),
    "not_parked": _("It works once the car is parked."),
    "no_proof_of_standstill": _("Wait half a minute without moving the car, then try again."),
}
TRIP_KINDS: Final = {
    "reservation": _("With a reservation"),
    "standing": _("Without a reservation, by standing right"),
    "service": _("Service"),
    "unreserved": _("Without a reservation"),
}
END_REASONS: Final = {
    "badge": _("Ended by badge"),
    "taken_over": _("Taken over by the next driver"),
    "forgotten": _("Ended by the car: forgotten"),
    "command": _("Ended from the console"),
    "not_begun": _("Not begun: the box lost its power before the car opened"),
}
END_FLAGS: Final = {
    "door_open": _("A door was open"),
    "key_missing": _("The key was not in its holder"),
    "place_unconfirmed": _("The place could not be confirmed"),
    "driven_off": _("Driven off during the return"),
    "time_unsure": _("The box was not sure of the time"),
}
ROLES: Final = {
    "driver": _("Driver"),
    "approver": _("Approver"),
    "manager": _("Fleet manager"),
    "site_staff": _("Site staff"),
    "prescriber": _("Prescriber"),
    "installer": _("Installer"),
    "administrator": _("Administrator"),
    "auditor": _("Auditor"),
}
BLOCKS: Final = {
    "workshop": (_("In the workshop"), "warn", "tool"),
    "damage": (_("Damaged"), "warn", "warning"),
}
OUTCOMES: Final = {
    "moved": _("Given another car of its site."),
    "offered": _("What is free is offered to the driver."),
    "told": _("Nothing else is free: the driver is told."),
    "declined": _("The driver went back to the first car."),
}
VEHICLE_STATUSES: Final = {
    "in_service": (_("In service"), "good", "check"),
    "workshop": (_("In the workshop"), "warn", "tool"),
    "retired": (_("Retired"), "idle", "cross"),
}
