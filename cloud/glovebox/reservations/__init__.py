"""Promises: who may have which car when; authorisations for boxes."""
