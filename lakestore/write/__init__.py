"""From rows to commit messages: router, buffer, writers."""
