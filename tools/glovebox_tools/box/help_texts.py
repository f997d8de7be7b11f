"""The texts of `--help`, English and French; they teach the order of the work. And argparse's complaints."""

# key: (English, French)
HELP: dict[str, tuple[str, str]] = {
    "options": ("options", "options"),
    "commands": ("commands", "commandes"),
    "usage": ("usage: ", "utilisation : "),
    "command": ("COMMAND", "COMMANDE"),
    "see_help": ("`{prog} --help` says what is possible.", "`{prog} --help` dit ce qui est possible."),
    "help": ("show this help and exit", "afficher cette aide"),
    "description": (
        "Set up and check a Glovebox box over a USB cable.",
        "Préparer et vérifier un boîtier Glovebox par un câble USB.",
    ),
    "epilog": (
        "A new box, in this order:\n"
        "  glovebox-box ports                      which port is the box\n"
        "  glovebox-box flash                      put the firmware on it\n"
        "  glovebox-box self-test                  are all parts wired and answering\n"
        "  glovebox-box provision --cloud URL --token TOKEN --wifi SSID\n"
        "                                          give it its identity (token: the vehicle's page "
        "in the console)\n"
        "  glovebox-box verify                     read back what it holds\n"
        "\n"
        "Every command may be interrupted and repeated. `glovebox-box COMMAND --help` says more.\n"
        "Before the first of these, MicroPython and the partition table go on the board: "
        "tools/README.md.\n"
        "Exit code: 0 done and good; 1 not done or a check is bad, with what to do; 2 wrong command "
        "line; 130 interrupted.",
        "Un boîtier neuf, dans cet ordre :\n"
        "  glovebox-box ports                      quel port est le boîtier\n"
        "  glovebox-box flash                      y mettre le logiciel\n"
        "  glovebox-box self-test                  tout est-il câblé, tout répond-il\n"
        "  glovebox-box provision --cloud URL --token JETON --wifi SSID\n"
        "                                          lui donner son identité (jeton : page du "
        "véhicule, console)\n"
        "  glovebox-box verify                     relire ce qu'il contient\n"
        "\n"
        "Toute commande peut être interrompue et recommencée. `glovebox-box COMMANDE --help` en dit "
        "plus.\n"
        "Avant la première, MicroPython et la table de partitions vont sur la carte : "
        "tools/README.md.\n"
        "Code de sortie : 0 fait et bon ; 1 pas fait ou contrôle mauvais, avec quoi faire ; 2 ligne "
        "de commande fausse ; 130 interrompu.",
    ),
    "port": (
        "the box's serial port, as /dev/ttyUSB0; needed if several ports can be a box",
        "port série du boîtier, par exemple /dev/ttyUSB0 ; nécessaire si plusieurs ports peuvent "
        "être un boîtier",
    ),
    "verbose": (
        "on failure show all that mpremote said",
        "en cas d'échec, montrer tout ce que mpremote a dit",
    ),
    "lang": (
        "language of the messages; default: the computer's",
        "langue des messages ; par défaut celle du poste",
    ),
    "ports": ("list the serial ports and what each is", "lister les ports série et dire ce qu'est chacun"),
    "ports_long": (
        "List the serial ports and what hangs on each. A box is taken without --port only if one "
        "port can be it.",
        "Lister les ports série et ce qui s'y trouve. Sans --port, un boîtier n'est pris que si un "
        "seul port peut l'être.",
    ),
    "partitions": (
        "write the partition table as a file for esptool",
        "écrire la table de partitions dans un fichier pour esptool",
    ),
    "partitions_long": (
        "Write hardware/partitions.csv as the binary that esptool puts at 0x8000 of a new board\n"
        "(tools/README.md, 'A new board'). Needs no board.",
        "Écrire hardware/partitions.csv sous la forme qu'esptool met à l'adresse 0x8000 d'une carte "
        "neuve\n"
        "(tools/README.md, « A new board »). Sans carte.",
    ),
    "flash": ("put the firmware on the box", "mettre le logiciel sur le boîtier"),
    "flash_long": (
        "Compile the firmware with mpy-cross, copy what differs, read it back and compare SHA-256, "
        "start the box.\n"
        "The box's data (identity, authorisations, journal) stay. The relay does not move.",
        "Compiler le logiciel avec mpy-cross, copier ce qui diffère, relire et comparer les SHA-256, "
        "démarrer le boîtier.\n"
        "Les données du boîtier (identité, autorisations, journal) restent. Le relais ne bouge pas.",
    ),
    "firmware": (
        "folder with boot.py, main.py and box/; default: this checkout's",
        "dossier avec boot.py, main.py et box/ ; par défaut celui de cette version",
    ),
    "dry_run": ("say what would be copied, change nothing", "dire ce qui serait copié, ne rien changer"),
    "provision": (
        "give the box its identity by a claim token",
        "donner au boîtier son identité par un jeton",
    ),
    "provision_long": (
        "First the box tries to join each Wi-Fi network, so that a wrong password costs no token.\n"
        "Then the claim token is used (made at the vehicle's page in the console, valid once and 15 "
        "minutes): the cloud\n"
        "makes the box's keys, they are written to the box, read back and compared. Keys never show "
        "on the screen and\n"
        "stay on no disk. A box that had an identity gets new keys and becomes the box of the "
        "token's car.",
        "D'abord le boîtier essaie chaque réseau Wi-Fi : un mauvais mot de passe ne coûte pas de "
        "jeton.\n"
        "Puis le jeton sert (créé sur la page du véhicule dans la console, valable une fois et 15 "
        "minutes) : le serveur\n"
        "crée les clés du boîtier, elles sont écrites, relues et comparées. Les clés ne s'affichent "
        "jamais et ne restent\n"
        "sur aucun disque. Un boîtier déjà identifié reçoit de nouvelles clés et devient celui de la "
        "voiture du jeton.",
    ),
    "cloud": (
        "address of the boxes' server, as https://cloud.example.org:8443",
        "adresse du serveur des boîtiers, par exemple https://cloud.example.org:8443",
    ),
    "token": ("the claim token", "le jeton"),
    "ca": (
        "the deployment's CA certificate (PEM), if the server's is not signed by a public authority",
        "certificat de l'autorité du déploiement (PEM), si celui du serveur n'est pas d'une autorité "
        "publique",
    ),
    "wifi": (
        "a Wi-Fi network the box may use; may be repeated; its password is asked for",
        "réseau Wi-Fi que le boîtier peut utiliser ; répétable ; son mot de passe est demandé",
    ),
    "wifi_password_file": (
        "file with the password of the --wifi in the same place",
        "fichier contenant le mot de passe du --wifi de même rang",
    ),
    "verify": ("read back identity and firmware", "relire l'identité et le logiciel"),
    "verify_long": (
        "Read back the firmware's SHA-256 and the identity (never the keys) and say what differs.",
        "Relire les SHA-256 du logiciel et l'identité (jamais les clés) et dire ce qui diffère.",
    ),
    "self-test": ("check every part that is wired to the box", "vérifier chaque élément câblé au boîtier"),
    "self-test_long": (
        "Ask each part: card reader, accelerometer, clock chip, CAN chip, relay contact, satellite "
        "receiver, 12 V,\n"
        "inputs, Wi-Fi. Says pass or fail and what to check. Moves nothing; with --move-relay it "
        "pulses the interlock\n"
        "relay both ways and reads the contact: only with the car standing and the engine off.",
        "Interroger chaque élément : lecteur de badges, accéléromètre, horloge, circuit CAN, contact "
        "du relais, récepteur\n"
        "satellite, 12 V, entrées, Wi-Fi. Dit bon ou mauvais et quoi vérifier. Ne commande rien ; "
        "avec --move-relay, le relais\n"
        "d'immobilisation est commandé dans les deux sens et son contact relu : voiture arrêtée, "
        "moteur coupé.",
    ),
    "move_relay": (
        "also move the interlock relay; the car must stand with its engine off",
        "commander aussi le relais d'immobilisation ; voiture arrêtée, moteur coupé",
    ),
    "log": (
        "show what the box prints, without disturbing it",
        "montrer ce que dit le boîtier, sans le déranger",
    ),
    "log_long": (
        "Show the box's console as it runs; Ctrl-C ends. Nothing is sent to the box.",
        "Montrer la console du boîtier en marche ; Ctrl-C pour finir. Rien n'est envoyé au boîtier.",
    ),
    "seconds": ("end by itself after S seconds", "finir après S secondes"),
    "measure": (
        "measure the times that the simulator models",
        "mesurer les durées que le simulateur modélise",
    ),
    "measure_long": (
        "Measure on this board the times in simulator/glovebox_sim/board_costs.json and write those "
        "it could measure.",
        "Mesurer sur cette carte les durées de simulator/glovebox_sim/board_costs.json et écrire "
        "celles qui ont pu l'être.",
    ),
    "output": ("file to write", "fichier à écrire"),
}

# argparse's English, as a pattern, and the French for it; all that match are applied, one after the other.
COMPLAINTS = (
    (r"^the following arguments are required: ", "il manque : "),
    (r"^unrecognized arguments: ", "arguments inconnus : "),
    (r"^argument (\S+): ", r"\1 : "),
    (r"expected one argument$", "une valeur est attendue"),
    (r"invalid choice: (.*) \(choose from (.*)\)$", r"\1 n'existe pas (au choix : \2)"),
    (r"invalid (?:float|int) value: ", "ce n'est pas un nombre : "),
    (r"ignored explicit argument ", "pas de valeur attendue ici : "),
)
