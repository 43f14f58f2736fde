"""Promises of the product, one folder per kind of test (CONTRIBUTING.md says which is which)."""
