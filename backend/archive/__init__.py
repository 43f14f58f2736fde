"""The sealed record: what an incident was, unchangeable, and provable by anyone with the file."""
