"""Frozen records, checked on construction. Records are what the layers hand to each other."""
