"""Shipped test tools: wrapper stores, small tables, the table checker."""
