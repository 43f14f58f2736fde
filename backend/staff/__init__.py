"""The service organisation's people: who is on duty, where, and can they be reached."""
