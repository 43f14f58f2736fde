"""Refusals of this domain, as the wire shows them."""

from backend.shared.problems import Problem


class NotAnImage(Problem):
    """The bytes do not decode as a JPEG, PNG or WebP, or unpack to too many pixels."""

    slug, status, title = "not-an-image", 415, "Not a usable image"


class HashMismatch(Problem):
    """The bytes are not those that the address names: damaged on the way, or the wrong file."""

    slug, status, title = "hash-mismatch", 400, "Bytes do not match their SHA-256"
