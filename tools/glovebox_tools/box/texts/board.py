"""What the tool says of ports, boards and firmware: key: (English, French)."""

TEXTS: dict[str, tuple[str, str]] = {
    # --- ports ---
    "ports_none": ("No serial port on this computer.", "Aucun port série sur cet ordinateur."),
    "ports_may_be": ("can be a box", "peut être un boîtier"),
    "ports_not": ("not a box", "pas un boîtier"),
    "using_port": ("Port {port}.", "Port {port}."),
    "no_port": (
        "No box found on this computer's USB ports.\n"
        "  Plug the box in with a USB cable that carries data (many only charge), then run "
        "`glovebox-box ports`.\n"
        "  A port of another kind can be named with --port.",
        "Aucun boîtier sur les ports USB de cet ordinateur.\n"
        "  Branchez le boîtier avec un câble USB de données (beaucoup ne font que charger), puis "
        "lancez `glovebox-box ports`.\n"
        "  Un port d'un autre genre se désigne avec --port.",
    ),
    "several_ports": (
        "Several ports can be a box: {ports}.\n"
        "  Name the one you mean with --port. Unplug the box and run `glovebox-box ports` to see "
        "which one goes.",
        "Plusieurs ports peuvent être un boîtier : {ports}.\n"
        "  Désignez le bon avec --port. Débranchez le boîtier et lancez `glovebox-box ports` pour "
        "voir lequel disparaît.",
    ),
    # --- what goes wrong with the board ---
    "port_gone": (
        "There is no port {port}.\n  Run `glovebox-box ports` to see which there are; check the cable.",
        "Le port {port} n'existe pas.\n"
        "  Lancez `glovebox-box ports` pour voir lesquels existent ; vérifiez le câble.",
    ),
    "not_a_port": (
        "{port} is no serial port.\n  Run `glovebox-box ports` to see which there are.",
        "{port} n'est pas un port série.\n  Lancez `glovebox-box ports` pour voir lesquels existent.",
    ),
    "port_forbidden": (
        "You may not use {port}.\n"
        "  On Debian and Ubuntu: `sudo usermod -aG dialout $USER`, then log out and in again.",
        "Vous n'avez pas le droit d'utiliser {port}.\n"
        "  Sous Debian et Ubuntu : `sudo usermod -aG dialout $USER`, puis fermez et rouvrez la "
        "session.",
    ),
    "port_busy": (
        "{port} is in use by another program.\n"
        "  Close the terminal, editor or other glovebox-box that has it open, then repeat.",
        "{port} est utilisé par un autre programme.\n"
        "  Fermez le terminal, l'éditeur ou l'autre glovebox-box qui l'occupe, puis recommencez.",
    ),
    "unplugged": (
        "The box went away while it was being talked to ({port}).\n"
        "  Plug the cable back in and run the same command again: it goes on where it stopped.",
        "Le boîtier a disparu pendant l'échange ({port}).\n"
        "  Rebranchez le câble et relancez la même commande : elle reprend là où elle s'est arrêtée.",
    ),
    "not_micropython": (
        "What is behind {port} does not answer as MicroPython.\n"
        "  Is it the right port (`glovebox-box ports`)? Is MicroPython on the board yet "
        "(tools/README.md, 'A new board')? Press its reset button and repeat.",
        "Ce qui est derrière {port} ne répond pas comme MicroPython.\n"
        "  Est-ce le bon port (`glovebox-box ports`) ? MicroPython est-il déjà sur la carte "
        "(tools/README.md, « A new board ») ? Appuyez sur son bouton de réinitialisation et "
        "recommencez.",
    ),
    "silent": (
        "The box on {port} has said nothing for {seconds} s.\n"
        "  Press its reset button and run the same command again.",
        "Le boîtier sur {port} n'a rien dit depuis {seconds} s.\n"
        "  Appuyez sur son bouton de réinitialisation et relancez la même commande.",
    ),
    "no_answer": (
        "The box on {port} ran the program but gave no answer.\n  Run `glovebox-box flash`, then repeat.",
        "Le boîtier sur {port} a exécuté le programme sans donner de réponse.\n"
        "  Lancez `glovebox-box flash`, puis recommencez.",
    ),
    "not_reset": (
        "The box on {port} could not be reset.\n  Press its reset button and run the same command again.",
        "Le boîtier sur {port} n'a pas pu être réinitialisé.\n"
        "  Appuyez sur son bouton de réinitialisation et relancez la même commande.",
    ),
    "flash_full": (
        "No room left on the box's flash.\n"
        "  Is the partition table of hardware/partitions.csv on the board (tools/README.md, 'A new "
        "board')?",
        "Il n'y a plus de place sur la mémoire du boîtier.\n"
        "  La table de partitions hardware/partitions.csv est-elle sur la carte (tools/README.md, « "
        "A new board ») ?",
    ),
    "no_memory": (
        "The box ran out of memory.\n  Press its reset button and repeat.",
        "Le boîtier n'a plus de mémoire vive.\n  Appuyez sur son bouton de réinitialisation et recommencez.",
    ),
    "no_firmware": (
        "The firmware is not on this box, or only half.\n  Run `glovebox-box flash` first.",
        "Le logiciel n'est pas sur ce boîtier, ou à moitié.\n  Lancez d'abord `glovebox-box flash`.",
    ),
    "interrupted": ("Interrupted.", "Interrompu."),
    "mpremote_failed": (
        "mpremote failed on {port}: {last}\n  Repeat with --verbose to see all it said.",
        "mpremote a échoué sur {port} : {last}\n  Recommencez avec --verbose pour voir tout ce qu'il a dit.",
    ),
    # --- flash ---
    "board_is": (
        "Board: {machine}, MicroPython {version}, hardware id {hardware_id}.",
        "Carte : {machine}, MicroPython {version}, identifiant matériel {hardware_id}.",
    ),
    "wrong_platform": (
        "The board on {port} is '{platform}', not an ESP32. Nothing was changed.\n"
        "  Is it the right port? Run `glovebox-box ports`.",
        "La carte sur {port} est « {platform} », pas un ESP32. Rien n'a été modifié.\n"
        "  Est-ce le bon port ? Lancez `glovebox-box ports`.",
    ),
    "wrong_mpy": (
        "The board's MicroPython {version} reads .mpy files of version {board}; this tool makes "
        "version {ours}. Nothing was changed.\n"
        "  Put a MicroPython of the same version as in tools/README.md on the board first.",
        "Le MicroPython {version} de la carte lit les fichiers .mpy de version {board} ; cet outil "
        "produit la version {ours}. Rien n'a été modifié.\n"
        "  Mettez d'abord sur la carte un MicroPython de la version indiquée dans tools/README.md.",
    ),
    "partitions_differ": (
        "The board's partition table is not that of hardware/partitions.csv; these differ: {names}. "
        "Nothing was changed.\n"
        "  The table has to be written anew, which ERASES the whole board, also records it has not "
        "sent yet. With Espressif's esptool\n"
        "  and MicroPython's image (tools/README.md, 'A new board', says which):\n"
        "    glovebox-box partitions --output partitions.bin\n"
        "    esptool --chip esp32 --port {port} erase-flash\n"
        "    esptool --chip esp32 --port {port} write-flash --flash-size 16MB 0x1000 "
        "MICROPYTHON.bin\n"
        "    esptool --chip esp32 --port {port} write-flash 0x8000 partitions.bin\n"
        "  Then run `glovebox-box flash`, and provision with a new token.",
        "La table de partitions de la carte n'est pas celle de hardware/partitions.csv ; diffèrent : "
        "{names}. Rien n'a été modifié.\n"
        "  Il faut récrire la table, ce qui EFFACE toute la carte, y compris ce qu'elle n'a pas "
        "encore envoyé. Avec l'esptool d'Espressif\n"
        "  et l'image de MicroPython (tools/README.md, « A new board », dit laquelle) :\n"
        "    glovebox-box partitions --output partitions.bin\n"
        "    esptool --chip esp32 --port {port} erase-flash\n"
        "    esptool --chip esp32 --port {port} write-flash --flash-size 16MB 0x1000 "
        "MICROPYTHON.bin\n"
        "    esptool --chip esp32 --port {port} write-flash 0x8000 partitions.bin\n"
        "  Puis lancez `glovebox-box flash` et recommencez l'identité avec un nouveau jeton.",
    ),
    "partitions_written": (
        "Written to {path}; esptool puts it at 0x8000 (tools/README.md, 'A new board').",
        "Écrit dans {path} ; esptool le met à l'adresse 0x8000 (tools/README.md, « A new board »).",
    ),
    "compiled": ("Compiled {count} files, {bytes} bytes.", "{count} fichiers compilés, {bytes} octets."),
    "no_source": (
        "{folder} holds no firmware (no box/*.py). Nothing was changed.\n"
        "  Give the folder with boot.py, main.py and box/, or leave --firmware out.",
        "{folder} ne contient pas de logiciel de boîtier (pas de box/*.py). Rien n'a été modifié.\n"
        "  Indiquez le dossier avec boot.py, main.py et box/, ou omettez --firmware.",
    ),
    "does_not_compile": (
        "The firmware does not compile; nothing was changed on the box.\n{text}",
        "Le logiciel ne se compile pas ; rien n'a été modifié sur le boîtier.\n{text}",
    ),
    "up_to_date": (
        "The box already holds exactly this firmware; nothing to copy.",
        "Le boîtier contient déjà exactement ce logiciel ; rien à copier.",
    ),
    "will_copy": ("To copy: {copy}. To remove: {remove}.", "À copier : {copy}. À supprimer : {remove}."),
    "so_many": ("{count} files", "{count} fichiers"),
    "dry_run": ("Dry run: nothing was changed.", "Essai à blanc : rien n'a été modifié."),
    "stopping_firmware": (
        "Stopping the firmware, so that its watchdog does not cut the copy.",
        "Arrêt du logiciel, pour que son chien de garde n'interrompe pas la copie.",
    ),
    "copying": ("  [{n}/{of}] {file}", "  [{n}/{of}] {file}"),
    "removing": ("  removing {file}", "  suppression de {file}"),
    "reading_back": ("Reading back and comparing SHA-256 ...", "Relecture et comparaison des SHA-256 ..."),
    "flash_differs": (
        "Read back, these differ from what was copied: {files}.\n"
        "  Run the same command again. If it stays so, the flash or the cable is bad.",
        "À la relecture, ceux-ci diffèrent de ce qui a été copié : {files}.\n"
        "  Relancez la même commande. Si cela persiste, la mémoire ou le câble est défectueux.",
    ),
    "flashed": (
        "Done: {count} files verified on the box; it starts now.",
        "Terminé : {count} fichiers vérifiés sur le boîtier ; il démarre.",
    ),
    "flash_again": (
        "The box does not start until this is finished: run `glovebox-box flash` again.",
        "Le boîtier ne démarre pas avant la fin de l'opération : relancez `glovebox-box flash`.",
    ),
    # --- verify ---
    "no_identity": (
        "The box has no identity yet.\n  Run `glovebox-box provision`.",
        "Le boîtier n'a pas encore d'identité.\n  Lancez `glovebox-box provision`.",
    ),
    "identity": (
        "Identity: box {box_id}, key generation {key_id}, cloud {cloud}, time port {time_port}.",
        "Identité : boîtier {box_id}, génération de clés {key_id}, serveur {cloud}, port de l'heure "
        "{time_port}.",
    ),
    "identity_wifi": ("Wi-Fi networks: {names}.", "Réseaux Wi-Fi : {names}."),
    "firmware_same": (
        "Firmware: {count} files, all as in this checkout.",
        "Logiciel : {count} fichiers, tous identiques à cette version.",
    ),
    "firmware_differs": (
        "Firmware: differs from this checkout: {files}.\n  Run `glovebox-box flash`.",
        "Logiciel : diffère de cette version : {files}.\n  Lancez `glovebox-box flash`.",
    ),
    "none": ("none", "aucun"),
    # --- log ---
    "log_until": (
        "What the box says; Ctrl-C ends. The box is not disturbed.",
        "Ce que dit le boîtier ; Ctrl-C pour finir. Le boîtier n'est pas dérangé.",
    ),
    # --- measure ---
    "measuring": (
        "Measuring on the board; about a minute. Nothing of the journal is touched.",
        "Mesure sur la carte ; environ une minute. Le journal n'est pas touché.",
    ),
    "measured": ("Written to {path}.", "Écrit dans {path}."),
}
