"""What the pure firmware modules ask of MicroPython, so that the same files run under CPython."""


def const(value):
    """Return the value: MicroPython's compiler folds it, CPython has nothing to fold."""
    return value
