"""Why what managers keep in order could not be stored, by error code: (English, French)."""

from typing import Final

FLEET_REFUSALS: Final[dict[str, tuple[str, str]]] = {
    "email_invalid": (
        "{text} is no e-mail address: write it as name@town.fr, or leave it empty.",
        "{text} n'est pas une adresse électronique : écrivez nom@ville.fr, ou laissez vide.",
    ),
    "licence_day": (
        "{text} is no last day of a licence: write 2031-05-14 or 14/05/2031, at most 20 years away.",
        "{text} n'est pas une date de fin de permis : écrivez 14/05/2031, à 20 ans au plus.",
    ),
    "open_already": ("The car is open already.", "Le véhicule est déjà ouvert."),
    "closed_already": ("The car is locked already.", "Le véhicule est déjà verrouillé."),
    "not_begun": (
        "The car is not yours yet: open it first.",
        "Vous n'avez pas encore pris ce véhicule : ouvrez-le d'abord.",
    ),
    "car_driving": (
        "The car is driving: this works once it stands.",
        "Le véhicule roule : cela fonctionnera une fois à l'arrêt.",
    ),
    "registration_exists": (
        "Another car has the plate {registration}.",
        "Un autre véhicule a l'immatriculation {registration}.",
    ),
    "bookings_ahead": (
        "This car has bookings ahead ({count}): move them first, on the timeline.",
        "Ce véhicule a des réservations à venir ({count}) : déplacez-les d'abord, sur le planning.",
    ),
    "no_such_right": ("There is no such right.", "Ce droit n'existe pas."),
    "right_exists": (
        "The person has this right for some of that time already.",
        "La personne a déjà ce droit sur une partie de cette période.",
    ),
    "no_such_bssid": (
        "Write the address as six pairs of digits and letters A to F: 24:6F:28:00:00:01.",
        "Écrivez l'adresse en six paires de chiffres et de lettres A à F : 24:6F:28:00:00:01.",
    ),
    "too_many_wifi": (
        "A site has at most {limit} access points; remove one first.",
        "Un site a au plus {limit} points d'accès ; retirez-en un d'abord.",
    ),
}
