"""People and their badges."""
