"""Contradictions and other things a person should look at."""
