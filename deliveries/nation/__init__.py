"""A rehearsal at national scale: thousands of made-up store evenings, planned in parallel, written in bulk.

Stores are independent, so nothing here looks at two stores at once; in production each is one Celery task. What this
measures is that the planner and the database keep up with 4,700 of them. It works in a PostgreSQL schema of its own
(`scratch.py`) and never touches real rows.
"""
