"""Where things are: points and datums, the moving index of people, areas, travel, map links.

Usable on its own; it knows nothing of the rest of the product.
"""
