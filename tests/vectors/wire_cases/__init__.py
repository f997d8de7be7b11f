"""What make_wire.py writes, by subject."""
