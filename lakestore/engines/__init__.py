"""Bridges to other engines in the same process."""
