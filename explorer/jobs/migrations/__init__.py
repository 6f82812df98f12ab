"""Alembic's migrations of the job store.

A new migration is a module in ``versions`` whose ``down_revision`` is the newest one before. The tables in
:mod:`explorer.jobs.tables` and ``HEAD`` there change with it. A migration that was released is never changed.
"""
