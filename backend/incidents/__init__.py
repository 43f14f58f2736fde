"""The incident: one alarm from emission to sealed archive, as a journal of facts.

``flow`` decides (pure), ``service`` loads, decides and appends, ``routes`` speak HTTP.
"""
