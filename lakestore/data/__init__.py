"""Data files: written, read, merged."""
