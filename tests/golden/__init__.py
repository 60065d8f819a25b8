"""Tables and rows of bytes that other engines wrote."""
