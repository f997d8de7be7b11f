"""First code on the board: nothing that may fail, so that a broken program can still be reached over the
serial port.
"""

import gc

import micropython

if hasattr(micropython, "alloc_emergency_exception_buf"):  # the Unix port has none
    micropython.alloc_emergency_exception_buf(100)
gc.threshold(16_384)  # collect early: the heap stays compact and no collection takes long
