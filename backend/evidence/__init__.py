"""Photographs, addressed by the SHA-256 of their bytes: stored once, never changed."""
