"""Two promises that a CHECK cannot make: packages move only along the table, and the ledger only grows.

The pairs are frozen here as they were; a test compares them with `states.legal_pairs()`, so a changed table asks for a
new migration.
"""

from django.db import migrations

from ._moves import moves_function

LEGAL = """
attempted>kept attempted>out attempted>returned attempted>returning
claimed>loaded claimed>received claimed>staged
delivered>out
held_for_pickup>cancelled held_for_pickup>delivered
kept>out kept>returned kept>returning
loaded>out loaded>returning loaded>staged
offered>claimed offered>staged
out>attempted out>delivered out>returning
received>cancelled received>held_for_pickup received>staged received>with_carrier
returned>cancelled returned>held_for_pickup returned>staged returned>with_carrier
returning>returned
staged>cancelled staged>claimed staged>held_for_pickup staged>offered staged>received staged>with_carrier
""".split()

TRIGGER = """
CREATE TRIGGER package_moves_by_the_table BEFORE UPDATE OF state ON deliveries_package
    FOR EACH ROW EXECUTE FUNCTION deliveries_package_moves();
"""

LEDGER = """
CREATE FUNCTION deliveries_ledger_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: correct it with a new entry'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_only_grows';
END $$;
CREATE TRIGGER ledger_only_grows BEFORE UPDATE OR DELETE ON deliveries_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION deliveries_ledger_only_grows();
"""


class Migration(migrations.Migration):
    dependencies = [("deliveries", "0002_initial")]

    operations = [
        migrations.RunSQL(
            moves_function(LEGAL) + TRIGGER,
            "DROP TRIGGER package_moves_by_the_table ON deliveries_package; DROP FUNCTION deliveries_package_moves();",
        ),
        migrations.RunSQL(
            LEDGER,
            "DROP TRIGGER ledger_only_grows ON deliveries_ledgerentry; DROP FUNCTION deliveries_ledger_only_grows();",
        ),
    ]
