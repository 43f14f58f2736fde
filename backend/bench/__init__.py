"""Measurements of the running product, end to end, as a person would notice them."""
