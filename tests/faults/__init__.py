"""The fault table as data: what can go wrong with a call, what is tried next, what rests, what a client is told.

A file a group of rows; `table` puts them together. `tests/end_to_end/test_fault_table.py` makes each of them happen on
raw sockets, and `rendering` writes docs/faults.md.
"""
