"""Glovebox simulator: real firmware against register-level chips and a modelled car."""
