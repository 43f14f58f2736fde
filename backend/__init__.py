"""The 街安 service: one folder per domain, and the few files that join them."""

__version__ = "0.1.0"
