"""Readings in, rules, alerts: bytes from detectors become stored readings and alert rows.

Read ``reading.py`` for the words, ``flow.py`` for the rules of raising and clearing,
``mqtt.py`` for how a message is stored before the broker is told that we have it.
"""
