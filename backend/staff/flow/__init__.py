"""What a roster may be: shifts, cover, planning, swaps. Pure; the roster is handed in as values."""
