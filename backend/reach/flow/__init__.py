"""How well somebody can be reached, when they are tested, and why a message did not come. Pure."""
