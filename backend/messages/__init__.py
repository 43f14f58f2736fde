"""The outbox of messages to people: what to say, by which doors it was tried, what came back.

The words and the ladder are ``push``'s; here are the rows, and the carrier that works them off.
"""
