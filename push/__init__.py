"""Messages to people: channels, the ladder from one channel to the next, receipts.

Knows nothing of the backend. A message is complete in itself and counts as delivered on a
receipt, never on "sent".
"""
