"""The database from the shell of the worker's host: backups, proofs, rehearsals, integrity.

For the customer's deploy script and CI. Nothing here changes production; what does goes through
the same approvals as in chat.
"""
