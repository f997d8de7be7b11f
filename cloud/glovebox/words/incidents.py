"""Incidents, by kind: (English, French)."""

from typing import Final

INCIDENTS: Final[dict[str, tuple[str, str]]] = {
    "used_though_promised": (
        "Used without reservation while promised to another",
        "Utilisé sans réservation alors que promis à quelqu'un",
    ),
    "another_cars_reservation": (
        "Taken on the reservation of another car",
        "Pris sur la réservation d'un autre véhicule",
    ),
    "another_persons_badge": (
        "Taken with a badge of somebody other than who reserved",
        "Pris avec le badge d'une autre personne que celle qui a réservé",
    ),
    "used_after_end": (
        "Taken on a reservation that was cancelled, given back, or no longer possible",
        "Pris sur une réservation annulée, rendue ou devenue impossible",
    ),
    "trip_without_start": ("A trip's end without its start", "La fin d'un trajet sans son début"),
    "silent_reservation": (
        "A reservation passed without word from the car",
        "Une réservation est passée sans nouvelles du véhicule",
    ),
    "journal_gap": ("Records of the box are missing", "Des enregistrements du boîtier manquent"),
    "journal_damaged": ("Records of the box do not verify", "Des enregistrements du boîtier sont invalides"),
    "journal_contradicts": (
        "The box sent other records under numbers already stored",
        "Le boîtier a envoyé d'autres enregistrements sous des numéros déjà connus",
    ),
    "alarm": ("Moved or ignition on without anybody's badge", "Déplacé ou contact mis sans badge"),
}
