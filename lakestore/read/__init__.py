"""From a snapshot to Arrow: plan, reader."""
