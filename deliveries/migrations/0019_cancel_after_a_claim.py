"""The retailer may cancel a package that is claimed and not yet in hand: one pair more in the trigger of 0003."""

from django.db import migrations

LEGAL = """
attempted>kept attempted>out attempted>returned attempted>returning
claimed>cancelled claimed>loaded claimed>received claimed>staged
delivered>out
held_for_pickup>cancelled held_for_pickup>delivered
kept>out kept>returned kept>returning
loaded>out loaded>returning loaded>staged
offered>claimed offered>staged
out>attempted out>delivered out>out out>returning
received>cancelled received>held_for_pickup received>staged received>with_carrier
returned>cancelled returned>held_for_pickup returned>staged returned>with_carrier
returning>out returning>returned
staged>cancelled staged>claimed staged>held_for_pickup staged>offered staged>received staged>with_carrier
""".split()


def moves(pairs: list[str]) -> str:
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


class Migration(migrations.Migration):
    dependencies = [("deliveries", "0018_retail_systems")]

    operations = [
        migrations.RunSQL(moves(LEGAL), moves([pair for pair in LEGAL if pair != "claimed>cancelled"])),
    ]
