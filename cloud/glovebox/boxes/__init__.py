"""Boxes in cars: identity, assignment, claim, keys, commands, live state."""
