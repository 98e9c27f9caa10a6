"""Tests; see docs/index.md for what each folder holds."""
