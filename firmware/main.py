"""Start the box; a program that fails, or cannot even begin, says why and is begun anew."""

import sys
import time

import machine

_PAUSE_MS = 5_000  # never a tight loop of resets; and time for an installer's Ctrl-C

try:
    from box import start

    start.main()
except Exception as error:
    try:
        sys.print_exception(error)
        from box.crash import Crashes

        Crashes().note_error(error)
    except Exception:  # out of memory, or no firmware here: all that is left is a reset
        pass
    time.sleep_ms(_PAUSE_MS)
    machine.reset()
