"""Bytes on a filesystem: the store, every file name, the only threads."""
