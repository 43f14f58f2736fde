"""Any bytes at every adapter: what must hold (``promises.py``), and a fuzzer that looks for what
breaks it (``python -m tools.fuzzing``). The tests check the same promises with Hypothesis."""
