"""The retailer may cancel a package that is claimed and not yet in hand: one pair more in the trigger of 0003."""

from django.db import migrations

from ._moves import moves_function

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


class Migration(migrations.Migration):
    dependencies = [("deliveries", "0018_retail_systems")]

    operations = [
        migrations.RunSQL(
            moves_function(LEGAL), moves_function(pair for pair in LEGAL if pair != "claimed>cancelled")
        ),
    ]
