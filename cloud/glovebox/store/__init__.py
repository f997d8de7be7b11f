"""The database: engine, one writer thread with group commit, migrations, the guard against overlapping
promises."""
