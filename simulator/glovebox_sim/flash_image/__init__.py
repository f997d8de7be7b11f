"""Reads the image of a box's flash, damaged or not; written from firmware/FLASH.md, not from the firmware."""
