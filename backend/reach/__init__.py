"""Whether a person can be reached: what their phone says of itself, communication tests, and who
cannot be reached now. Why one message did not come is in ``flow/why.py``."""
