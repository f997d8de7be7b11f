"""What holds for every test."""

from hypothesis import settings

# A loaded machine is slow, not wrong: hypothesis must not judge by the clock.
settings.register_profile("glovebox", deadline=None)
settings.load_profile("glovebox")
