"""Kernel IR → text, one dialect a target."""
