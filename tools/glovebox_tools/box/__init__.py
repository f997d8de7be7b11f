"""The installer's tool:

flash, provision, verify and test a box over a USB cable, through the mpremote program.
"""
