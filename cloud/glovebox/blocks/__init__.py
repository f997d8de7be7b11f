"""Blocks: a car that cannot be had for a time. No promise, and never refused because of one."""
