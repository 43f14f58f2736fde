"""The pure core of an incident. Read ``rules.py`` first, then the region you need.

``decide(state, order, facts)`` answers with facts to append or a refusal;
``evolve(state, recorded)`` applies one of them and cannot fail. No clock, no I/O, no chance.
"""
