"""Rules as data: what a manager lays down for his cars, and what a booking must obey."""
