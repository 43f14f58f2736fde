"""What pytest learns from us: which clauses of the standard a test proves."""
