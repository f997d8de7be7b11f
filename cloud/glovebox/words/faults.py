"""Faults of boxes, by the code's name: (English, French, what to do in English, in French)."""

from typing import Final

FAULTS: Final[dict[str, tuple[str, str, str, str]]] = {
    "reader_stuck": (
        "The badge reader does not answer",
        "Le lecteur de badges ne répond pas",
        "Open the car from the phone meanwhile. If it lasts an hour, check the reader's cable "
        "at the windscreen.",
        "Ouvrez le véhicule par téléphone en attendant. Si cela dure une heure, vérifiez le "
        "câble du lecteur au pare-brise.",
    ),
    "can_missing": (
        "The CAN chip does not answer",
        "La puce CAN ne répond pas",
        "Badges work, distance and fuel are missing. Have the box replaced at the next visit.",
        "Les badges marchent, distance et carburant manquent. Faites remplacer le boîtier à "
        "la prochaine visite.",
    ),
    "can_silent": (
        "The car's bus is silent with the ignition on",
        "Le bus du véhicule est muet contact mis",
        "Check the plug at the diagnostic socket; it may have been pulled in the workshop.",
        "Vérifiez la fiche à la prise diagnostic ; l'atelier l'a peut-être débranchée.",
    ),
    "gnss_silent": (
        "No satellite receiver is heard",
        "Le récepteur satellite est muet",
        "Trips end with the place unconfirmed. Check the antenna's cable.",
        "Les trajets se terminent sans lieu confirmé. Vérifiez le câble de l'antenne.",
    ),
    "accelerometer_missing": (
        "The motion sensor does not answer",
        "Le capteur de mouvement ne répond pas",
        "The car is parked without inhibiting the start until it is replaced. Have the box replaced.",
        "Le démarrage n'est plus bloqué au parking. Faites remplacer le boîtier.",
    ),
    "clock_chip_missing": (
        "The clock chip does not answer",
        "L'horloge ne répond pas",
        "After a loss of power the box waits for the network before it serves badges. Have it replaced.",
        "Après une coupure, le boîtier attend le réseau avant de servir les badges. Faites-le remplacer.",
    ),
    "relay_contact_disagrees": (
        "The start interlock does not follow",
        "L'anti-démarrage ne suit pas",
        "Do not rely on the interlock. Have the relay and its contact checked; the bypass "
        "plug frees the car.",
        "Ne comptez pas sur l'anti-démarrage. Faites vérifier relais et contact ; le "
        "connecteur de dérivation libère le véhicule.",
    ),
    "parked_not_inhibited": (
        "Parked, but the start is not inhibited",
        "Garé, mais démarrage non bloqué",
        "The box has no proof of standstill. Look whether the motion sensor or the receiver has a fault too.",
        "Le boîtier n'a pas de preuve d'arrêt. Regardez si le capteur ou le récepteur est aussi en défaut.",
    ),
    "ring_filling": (
        "The journal is four fifths full",
        "Le journal est rempli aux quatre cinquièmes",
        "The box has not reached the cloud for weeks. Park it where the network is good, or check its SIM.",
        "Le boîtier n'a pas joint le serveur depuis des semaines. Garez-le là où le réseau "
        "passe, ou vérifiez sa SIM.",
    ),
    "ring_full": (
        "The journal is full: no new trips",
        "Le journal est plein : plus de nouveaux trajets",
        "Bring the car to a place with network now; it frees itself within a minute.",
        "Amenez le véhicule là où le réseau passe ; il se libère en une minute.",
    ),
    "battery_low": (
        "The car's battery is low",
        "La batterie du véhicule est faible",
        "Drive it for half an hour or charge it; look whether a light was left on.",
        "Roulez une demi-heure ou rechargez-la ; regardez si une lumière est restée allumée.",
    ),
    "certificate_refused": (
        "The box refuses the server's certificate",
        "Le boîtier refuse le certificat du serveur",
        "Check the server's name and certificate (`glovebox ca`); the box works offline until then.",
        "Vérifiez le nom et le certificat du serveur (`glovebox ca`) ; le boîtier travaille "
        "hors ligne en attendant.",
    ),
    "snapshot_damaged": (
        "A stored file of the box was damaged",
        "Un fichier du boîtier était endommagé",
        "The older copy is in use, or the server sends it again. If it comes back, have the box replaced.",
        "La copie précédente est utilisée, ou le serveur le renvoie. Si cela revient, faites remplacer "
        "le boîtier.",
    ),
    "flash_damaged": (
        "The box's memory has a bad cell",
        "La mémoire du boîtier a une cellule défectueuse",
        "Nothing is lost yet. Plan to replace the box.",
        "Rien n'est perdu pour l'instant. Prévoyez de remplacer le boîtier.",
    ),
    "clock_unknown": (
        "The box does not know the time",
        "Le boîtier ne connaît pas l'heure",
        "It needs the network or the sky for a minute. Service badges work.",
        "Il lui faut une minute de réseau ou de ciel. Les badges de service marchent.",
    ),
    "door_left_open": (
        "A door was left open",
        "Une portière est restée ouverte",
        "Send somebody to shut it; the car cannot be locked.",
        "Envoyez quelqu'un la fermer ; le véhicule ne peut pas être verrouillé.",
    ),
    "task_hung": (
        "A part of the box's program hung",
        "Une partie du programme du boîtier s'est figée",
        "It restarted by itself. Report it with the journal if it comes back.",
        "Il a redémarré seul. Signalez-le avec le journal si cela revient.",
    ),
    "authorisations_damaged": (
        "The list of authorisations was damaged",
        "La liste des autorisations était endommagée",
        "The box fetches it anew. Until then badges ask the server.",
        "Le boîtier la redemande. En attendant, les badges interrogent le serveur.",
    ),
    "engine_warning": (
        "The engine warning light is on",
        "Le voyant moteur est allumé",
        "Read the codes in the journal and book the workshop.",
        "Lisez les codes dans le journal et prenez rendez-vous à l'atelier.",
    ),
    "safe_mode": (
        "The box runs in safe mode",
        "Le boîtier est en mode sûr",
        "Its program failed three times in a row. Badges work; distance, fuel and place are missing. The "
        "journal says what failed: report it, then unplug the box for a moment.",
        "Son programme a échoué trois fois de suite. Les badges marchent ; distance, carburant et lieu "
        "manquent. Le journal dit ce qui a échoué : signalez-le, puis débranchez le boîtier un instant.",
    ),
    "wifi_missing": (
        "No known Wi-Fi is heard",
        "Aucun Wi-Fi connu n'est entendu",
        "Check the access point at the site, and whether its password has changed.",
        "Vérifiez la borne du site, et si son mot de passe a changé.",
    ),
}
