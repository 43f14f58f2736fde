"""Who changed what, when and why: one row in the same transaction as the change.

Rows are written beside the data they speak of and shipped to the records database, where the
application may add and read but neither change nor delete.
"""
