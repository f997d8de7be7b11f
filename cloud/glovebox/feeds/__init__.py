"""Bookings in other calendars: a file for one, a private feed for all of a person's."""
