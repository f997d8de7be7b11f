"""Who is at the keyboard: passwords, sessions, the form token, the login's limit, roles and their reach."""
