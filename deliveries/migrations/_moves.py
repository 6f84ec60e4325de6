"""The trigger that lets packages move only along a frozen table of pairs, for the migrations that renew it.

Each migration freezes its own pairs; what the function does with them is the same in all of them, and stays as it is here:
one that is to do something else has its SQL in its own migration.
"""

from collections.abc import Iterable


def moves_function(pairs: Iterable[str]) -> str:
    """The SQL that makes, or replaces, the trigger's function; `pairs` are "from>to"."""
    return f"""
CREATE OR REPLACE FUNCTION deliveries_package_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = OLD.state THEN
        RETURN NEW;
    END IF;
    IF (OLD.state || '>' || NEW.state) <> ALL (ARRAY[{", ".join(f"'{pair}'" for pair in pairs)}]) THEN
        RAISE EXCEPTION 'package %: no verb moves it from % to %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'package_moves_by_the_table';
    END IF;
    IF NEW.version <> OLD.version + 1 THEN
        RAISE EXCEPTION 'package %: a move counts its version up by one', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'package_version_counts_moves';
    END IF;
    RETURN NEW;
END $$;
"""
