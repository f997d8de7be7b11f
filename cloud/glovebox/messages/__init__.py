"""Messages to people: rows written by what causes them, delivered by the server at least once."""
