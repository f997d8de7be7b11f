"""Messages to people, by kind: (English subject, French subject, English text, French text). Causes, by
kind: (English, French)."""

from typing import Final

MESSAGES: Final[dict[str, tuple[str, str, str, str]]] = {
    "test": (
        "A test from Glovebox",
        "Un essai de Glovebox",
        "This is how Glovebox tells you when something changes for your bookings.",
        "Voici comment Glovebox vous prévient quand vos réservations changent.",
    ),
    "booked_for_you": (
        "A car is booked for you",
        "Un véhicule est réservé pour vous",
        "{car} is booked for you: {when}, {place}.",
        "{car} est réservé pour vous : {when}, {place}.",
    ),
    "cancelled_for_you": (
        "Your booking is cancelled",
        "Votre réservation est annulée",
        "Your booking of {car} ({when}) was cancelled by your fleet manager.",
        "Votre réservation de {car} ({when}) a été annulée par votre gestionnaire de parc.",
    ),
}
