"""The front door: command line, settings, the wiring that knows every room, the roles, the demo."""
