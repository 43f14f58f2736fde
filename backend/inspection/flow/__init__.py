"""The rules of rounds, checks and repairs. Pure: time, ids and what was measured come in."""
