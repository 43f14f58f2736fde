"""Numbered reports as PDF in Chinese: why an alarm was false (6.2.4), how a resident is (B.6),
what a housing authority was told (B.4). A report is kept by its SHA-256 and never changed."""
