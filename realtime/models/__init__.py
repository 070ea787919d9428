"""Model files: what they say of themselves (`card.py`, `contract.py`), whether they are safe (`file_safety.py`,
`workload.py`), where they lie (`library.py`). Nothing here runs one: `runtime/` does, `weights/` are those that see
people.
"""
