"""What users hold: connections, tables, scans, writers. No logic of its own."""
