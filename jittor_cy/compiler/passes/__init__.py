"""One pass a file, each with one function; pipeline.py says in which order they run."""
