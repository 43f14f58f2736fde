"""Messages to people: the message, the doors it can leave by, the ladder, and the receipts.

Usable on its own; it knows nothing of the rest of the product.
"""
