"""Tables that go back and forth between LakeStore and other engines."""
