"""What every chip model may raise. The models are read by both Pythons."""


class ChipError(Exception):
    """The firmware did something with a chip that its data sheet does not allow."""


class UndefinedRegister(ChipError):
    """An access to a register or a command that the data sheet reserves or that the model does not know."""


class PowerCut(Exception):
    """The supply fails in the middle of this operation: whoever runs the box has to end it here."""
