"""What a trip paid is the sum of its ledger lines, whoever writes them: looked at when a transaction commits."""

from django.db import migrations

SUMS = """
CREATE FUNCTION deliveries_ledger_sums_to_paid() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    paid bigint;
    lines bigint;
BEGIN
    SELECT paid_cents INTO paid FROM deliveries_trip WHERE id = NEW.trip_id;
    IF paid IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT sum(cents) INTO lines FROM deliveries_ledgerentry WHERE trip_id = NEW.trip_id;
    IF lines <> paid THEN
        RAISE EXCEPTION 'trip %: the ledger says % cents, the trip %', NEW.trip_id, lines, paid
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_sums_to_paid';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_sums_to_paid AFTER INSERT ON deliveries_ledgerentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION deliveries_ledger_sums_to_paid();
"""


class Migration(migrations.Migration):
    dependencies = [("deliveries", "0005_pay_ledger")]

    operations = [
        migrations.RunSQL(
            SUMS,
            "DROP TRIGGER ledger_sums_to_paid ON deliveries_ledgerentry; DROP FUNCTION deliveries_ledger_sums_to_paid();",
        ),
    ]
