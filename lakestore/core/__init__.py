"""Decisions, pure: Arrow in, Arrow out; records in, decisions out."""
