"""The project's own claims, each measured by a command: `python -m tests.acceptance.NAME`."""
