"""Text → binary, and where binaries are kept."""
