"""What a service refused, by error code: (English, French)."""

from typing import Final

ERRORS: Final[dict[str, tuple[str, str]]] = {
    "internal": ("Something went wrong on our side.", "Une erreur s'est produite de notre côté."),
    "not_found": ("There is no such thing here.", "Cet élément n'existe pas."),
    "not_found_here": (
        "This address is not complete. Start again from the menu.",
        "Cette adresse est incomplète. Repartez du menu.",
    ),
    "forbidden": ("Your role does not allow this.", "Votre rôle ne le permet pas."),
    "conflict": ("That is not possible in the present state.", "Ce n'est pas possible dans l'état actuel."),
    "invalid": ("Please check what you entered.", "Veuillez vérifier la saisie."),
    "busy": (
        "Too much at once; try again in a moment.",
        "Trop de demandes à la fois ; réessayez dans un instant.",
    ),
    "store_away": (
        "The database does not answer: nothing was stored. Try again in a moment.",
        "La base de données ne répond pas : rien n'a été enregistré. Réessayez dans un instant.",
    ),
    "not_logged_in": ("Please log in.", "Veuillez vous connecter."),
    "exists_already": ("This exists already.", "Cet élément existe déjà."),
    "too_large": (
        "This is more than can be sent at once.",
        "C’est plus que ce qui peut être envoyé en une fois.",
    ),
    "method_not_allowed": (
        "This address does not do that: see its description at /api/v1/openapi.json.",
        "Cette adresse ne le permet pas : voir sa description, /api/v1/openapi.json.",
    ),
    "password_length": (
        "A password has {minimum} to {maximum} characters.",
        "Un mot de passe compte de {minimum} à {maximum} caractères.",
    ),
    "role": ("This role cannot be given there.", "Ce rôle ne peut pas être donné ici."),
    "no_such_vehicle": ("No car {registration} is known.", "Aucun véhicule {registration} n'est connu."),
    "no_such_person": (
        "Nobody has the staff number {staff_number}.",
        "Personne n'a le matricule {staff_number}.",
    ),
    "no_such_organisation": ("No body is called {name}.", "Aucun organisme ne s'appelle {name}."),
    "staff_number_exists": (
        "The staff number {staff_number} is taken.",
        "Le matricule {staff_number} est déjà pris.",
    ),
    "uid_not_hex": (
        "A badge number is written in hexadecimal digits (0-9, A-F).",
        "Le numéro de badge s'écrit en chiffres hexadécimaux (0-9, A-F).",
    ),
    "uid_length": (
        "A badge number has 4, 7 or 10 bytes; this one has {length}.",
        "Un numéro de badge a 4, 7 ou 10 octets ; celui-ci en a {length}.",
    ),
    "uid_random": (
        "This card shows a new random number each time (08...): it cannot identify anybody.",
        "Cette carte montre un nouveau numéro aléatoire à chaque fois (08...) : elle n'identifie personne.",
    ),
    "badge_exists": ("This badge belongs to somebody already.", "Ce badge appartient déjà à quelqu'un."),
    "column_missing": ("The column {column} is missing.", "La colonne {column} manque."),
    "value_missing": ("{column} is empty.", "{column} est vide."),
    "text_too_long": (
        "{column} has more than {limit} characters.",
        "{column} dépasse {limit} caractères.",
    ),
    "text_unprintable": (
        "{column} holds a line break or a character that cannot be printed.",
        "{column} contient un saut de ligne ou un caractère non imprimable.",
    ),
    "number_out_of_range": (
        "{column} must be {least} to {largest}.",
        "{column} doit être compris entre {least} et {largest}.",
    ),
    "language_unknown": (
        "{value} is no language here: fr or en.",
        "{value} n'est pas une langue ici : fr ou en.",
    ),
    "twice_in_file": (
        "{value} stands in line {line} already.",
        "{value} figure déjà à la ligne {line}.",
    ),
    "not_utf8": (
        "The file is not UTF-8 text. Save it from the spreadsheet as CSV UTF-8.",
        "Le fichier n'est pas un texte UTF-8. Enregistrez-le depuis le tableur en CSV UTF-8.",
    ),
    "not_csv": (
        "The file is no list of lines and columns ({reason}). Save it from the spreadsheet as CSV UTF-8.",
        "Le fichier n'est pas une liste de lignes et de colonnes ({reason}). Enregistrez-le depuis le "
        "tableur en CSV UTF-8.",
    ),
    "file_too_long": ("The file has more than {limit} lines.", "Le fichier a plus de {limit} lignes."),
    "claim_token_refused": (
        "This token is unknown, used or older than 15 minutes. Make a new one.",
        "Ce jeton est inconnu, déjà utilisé ou vieux de plus de 15 minutes. Créez-en un nouveau.",
    ),
    "hardware_id": ("The hardware's number is not readable.", "Le numéro du matériel est illisible."),
    "key_generations_used_up": (
        "This box has been claimed 255 times; replace it.",
        "Ce boîtier a été enrôlé 255 fois ; remplacez-le.",
    ),
    "no_box": ("This car has no box.", "Ce véhicule n'a pas de boîtier."),
    "no_such_command": ("There is no such command.", "Cette commande n'existe pas."),
    "refusal_reason_missing": (
        "Say why it is refused: the person reads it.",
        "Indiquez pourquoi vous refusez : la personne le lira.",
    ),
    "not_approver": (
        "Approvers and managers of this car's pool decide on it.",
        "Les approbateurs et gestionnaires du parc de ce véhicule en décident.",
    ),
    "not_waiting": (
        "This reservation no longer waits for an answer.",
        "Cette réservation n'attend plus de réponse.",
    ),
    "reason_missing": ("Say why: this is logged.", "Indiquez pourquoi : c'est consigné."),
    "already_taken": (
        "The car is reserved by another at that time.",
        "Le véhicule est déjà réservé à ce moment-là.",
    ),
    "series_no_car": ("Choose a car.", "Choisissez un véhicule."),
    "series_no_weekday": (
        "Choose at least one day of the week.",
        "Choisissez au moins un jour de la semaine.",
    ),
    "series_ends_before": (
        "The last day is before the first.",
        "Le dernier jour précède le premier.",
    ),
    "series_too_far": (
        "A series begins today or later and ends within {days} days.",
        "Une série commence aujourd'hui ou plus tard et finit dans les {days} jours.",
    ),
    "series_too_long": (
        "That is {count} times; a series has at most {limit}. An earlier last day would do.",
        "Cela fait {count} fois ; une série en compte {limit} au plus. Un dernier jour plus proche "
        "conviendrait.",
    ),
    "series_too_many_but": (
        "At most {limit} days can be left out one by one.",
        "On peut exclure {limit} jours au plus, un par un.",
    ),
    "series_hour_missing": (
        "The clock changes that day and leaves nothing of this time.",
        "L'heure change ce jour-là et ne laisse rien de cet horaire.",
    ),
    "series_interrupted": (
        "It was not reached: the server was busy or stopped meanwhile. Try this day again.",
        "Ce jour n'a pas été traité : le serveur était occupé ou s'est arrêté. Essayez-le de nouveau.",
    ),
    "series_nothing": (
        "Not one of these days can be had: nothing was done.",
        "Aucun de ces jours n'est possible : rien n'a été fait.",
    ),
    "swap_same_car": (
        "Both reservations are of the same car.",
        "Les deux réservations portent sur le même véhicule.",
    ),
    "swap_not_ahead": (
        "Cars are exchanged before they are taken: the reservation of {registration} is under way or over.",
        "Les véhicules s'échangent avant d'être pris : la réservation de {registration} est en cours ou "
        "terminée.",
    ),
    "swap_taken": (
        "{registration} is promised to somebody else at the time of the other reservation.",
        "{registration} est promis à quelqu'un d'autre au moment de l'autre réservation.",
    ),
    "waiting_first": (
        "{registration} was given back this moment, and somebody waits for it. Try again in half a minute, "
        "or take another car.",
        "{registration} vient d'être rendu et quelqu'un l'attend. Réessayez dans une demi-minute, "
        "ou prenez un autre véhicule.",
    ),
    "wait_needs_site": (
        "Say at which site you wait for a car.",
        "Indiquez sur quel site vous attendez un véhicule.",
    ),
    "wait_begun": (
        "One waits for a car for a time to come: this has begun.",
        "On attend un véhicule pour un moment à venir : celui-ci a commencé.",
    ),
    "wait_too_far": (
        "One waits for a car a year ahead at most.",
        "On attend un véhicule un an à l'avance au plus.",
    ),
    "too_many_waits": (
        "You wait for {limit} cars already. Leave one list first.",
        "Vous attendez déjà {limit} véhicules. Quittez d'abord une liste.",
    ),
    "waiting_already": (
        "You wait for a car at that time already.",
        "Vous attendez déjà un véhicule à ce moment-là.",
    ),
    "free_already": (
        "A car is free then: book it.",
        "Un véhicule est libre alors : réservez-le.",
    ),
    "wait_over": (
        "This is over: nothing is held for you any more. Search again.",
        "C'est terminé : plus rien n'est retenu pour vous. Cherchez à nouveau.",
    ),
    "car_elsewhere": (
        "{registration} will be at {site} then, not at {wanted}. Take it there, or take another car.",
        "{registration} sera alors à {site}, et non à {wanted}. Prenez-le là-bas, ou prenez un autre "
        "véhicule.",
    ),
    "counted_on_elsewhere": (
        "Somebody counts on finding {registration} at {site} on {at:when}. Bring it back there, or take "
        "another car.",
        "Quelqu'un compte trouver {registration} à {site} {at:when}. Ramenez-le là-bas, ou prenez un autre "
        "véhicule.",
    ),
    "person_missing": ("Say who will drive.", "Indiquez qui conduira."),
    "backup_missing": (
        "Say which backup: glovebox restore FILE.",
        "Indiquez la sauvegarde : glovebox restore FICHIER.",
    ),
    "no_such_pool": ("{organisation} has no pool {name}.", "{organisation} n'a pas de parc {name}."),
    "no_such_date": (
        "{text} is no date: write YYYY-MM-DD.",
        "{text} n'est pas une date : écrivez AAAA-MM-JJ.",
    ),
    "no_such_site": ("No site is called {name}.", "Aucun site ne s'appelle {name}."),
    "place_impossible": (
        "A site lies at -90 to 90 degrees north, -180 to 180 degrees east, and is 10 to 5000 m wide.",
        "Un site se trouve entre -90 et 90 degrés nord, -180 et 180 degrés est, sur 10 à 5000 m.",
    ),
    "sqlite_only": (
        "A file serves for SQLite only. Use pg_dump and pg_restore, then `glovebox restore` without a file.",
        "Un fichier ne sert que pour SQLite. Utilisez pg_dump et pg_restore, puis `glovebox restore` sans "
        "fichier.",
    ),
    "empty_interval": ("The end must be after the start.", "La fin doit être après le début."),
    "end_before_start": ("The end must be after the start.", "La fin doit être après le début."),
    "over_already": ("This end is in the past.", "Cette fin est déjà passée."),
    "starts_in_past": ("This start is too long ago.", "Ce début est trop ancien."),
    "not_in_service": ("{registration} is not in service.", "{registration} n'est pas en service."),
    "blocked": (
        "{registration} is out of service until {until}. Look for another car, or another time.",
        "{registration} est immobilisé jusqu'à {until}. Cherchez un autre véhicule ou un autre moment.",
    ),
    "no_such_block_kind": (
        "A car is blocked for the workshop or for damage.",
        "Un véhicule est immobilisé pour l'atelier ou pour un dommage.",
    ),
    "no_such_channel": (
        "Messages go by e-mail, to your devices, by SMS, or to the page alone.",
        "Les messages passent par courriel, sur vos appareils, par SMS ou par la page seule.",
    ),
    "no_device": (
        "No device shows your messages yet. Open this page on one and switch it on there.",
        "Aucun appareil n'affiche encore vos messages. Ouvrez cette page sur l'un d'eux pour l'activer.",
    ),
    "push_not_set_up": (
        "This server sends nothing to devices. Choose e-mail or SMS.",
        "Ce serveur n'envoie rien aux appareils. Choisissez le courriel ou le SMS.",
    ),
    "push_endpoint": (
        "This browser's push service is none that this server works with. Choose e-mail or SMS.",
        "Le service de notification de ce navigateur n'est pas pris en charge ici. Choisissez le courriel "
        "ou le SMS.",
    ),
    "push_keys": (
        "What this browser sent cannot be read. Switch it on again.",
        "Ce que ce navigateur a envoyé est illisible. Activez-le à nouveau.",
    ),
    "too_many_devices": (
        "{limit} devices show your messages already. Remove one first.",
        "{limit} appareils affichent déjà vos messages. Retirez-en un d'abord.",
    ),
    "phone_unreadable": (
        "Write the telephone number with its country: +33 6 12 34 56 78.",
        "Écrivez le numéro de téléphone avec son pays : +33 6 12 34 56 78.",
    ),
    "no_email_on_file": (
        "No e-mail address is on file for you. Ask your fleet manager to add it.",
        "Aucune adresse électronique n'est enregistrée pour vous. Demandez à votre gestionnaire de parc.",
    ),
    "message_not_failed": (
        "This message is on its way, or sent already.",
        "Ce message est en route ou déjà envoyé.",
    ),
    "block_over": ("The car is back in service already.", "Le véhicule est déjà remis en service."),
    "person_inactive": ("This person may no longer drive.", "Cette personne ne peut plus conduire."),
    "no_agreement": (
        "No agreement opens this car to this person's body at that time.",
        "Aucune convention n'ouvre ce véhicule à l'organisme de cette personne à ce moment.",
    ),
    "in_use": (
        "The car is in use: only the end can be moved.",
        "Véhicule en cours d'usage : seule la fin est modifiable.",
    ),
    "undo_over": (
        "It can be undone for {seconds} seconds only. Change or cancel the booking instead.",
        "L'annulation n'est possible que pendant {seconds} secondes. Modifiez ou annulez la réservation.",
    ),
    "undo_changed": (
        "The booking has changed since: look at it as it is now.",
        "La réservation a changé depuis : regardez son état actuel.",
    ),
    "undo_taken": (
        "The car has been promised to somebody else since: look for another one.",
        "Le véhicule a été promis à quelqu'un d'autre depuis : cherchez-en un autre.",
    ),
    "state_forbids": (
        "This reservation is over or in use.",
        "Cette réservation est terminée ou en cours.",
    ),
}
