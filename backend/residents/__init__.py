"""The people of a household: whom to call, and who needs help to get out.

In a database of its own; masked unless an open incident needs it, and every look is audited.
"""
