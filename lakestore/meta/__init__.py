"""Schemas, snapshots, manifests and the commit."""
