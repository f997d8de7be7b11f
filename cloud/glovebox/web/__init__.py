"""The console and the driver's pages: server-rendered, in French and English, usable without JavaScript."""
