"""The bench: a page on this machine where a tester holds cards, turns keys, drives and breaks things."""
