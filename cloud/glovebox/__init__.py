"""Glovebox cloud: reservations, trips, boxes, console."""
