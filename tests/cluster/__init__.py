"""Three PostgreSQL on one machine under Patroni, and what becomes of bookings when one is lost."""
