"""What checks this repository: the run of all checks, its own rules, what tests need."""
