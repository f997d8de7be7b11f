"""Start the box."""

from box import start

start.main()
