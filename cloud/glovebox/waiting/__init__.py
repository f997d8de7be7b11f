"""The waiting list: people who want a car at a time when none is free."""
