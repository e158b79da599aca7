"""A backup: the store as it was at one moment, and the files of its runs, in one archive; and the way back.

Taken while the service runs: the database gives one consistent state, and the files that this names were there before
it did. Restoring changes the database in one step, after all that could go wrong has been looked at.
"""
