"""Saying it: listens to people, relays the journal to their channels, watches deadlines."""
