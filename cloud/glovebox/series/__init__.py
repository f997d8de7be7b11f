"""Bookings that repeat: a rule in local time, each occurrence a reservation of its own."""
