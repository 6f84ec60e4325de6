"""A key gets scopes, a rate and two slots for secrets. Keys made before keep working: their hash becomes the first
secret, and they may do what keys could do then."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

SCOPES = [
    ("packages:write", "Send and cancel packages"),
    ("packages:read", "See how packages stand"),
    ("tracking:read", "Ask for tracking links"),
    ("roster:write", "Send the roster"),
    ("shifts:write", "Send, move and cancel shifts"),
    ("eligibility:read", "Ask whether an associate could bring something"),
    ("events:read", "Read events"),
    ("trips:read", "Read trips"),
    ("payroll:read", "Export payroll"),
    ("webhooks:write", "Set up webhooks"),
]
BEFORE = ["packages:read", "packages:write", "roster:write", "shifts:write"]
COPY = """
INSERT INTO stores_apisecret (key_id, slot, secret_hash, made_at, expires_at)
SELECT id, 1, key_hash, made_at, expires_at FROM stores_apikey;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""


class Migration(migrations.Migration):
    dependencies = [("stores", "0004_words_for_people")]

    operations = [
        migrations.AddField(
            "apikey", "per_minute", models.PositiveIntegerField(default=300, verbose_name="requests a minute")
        ),
        migrations.AddField(
            "apikey",
            "scopes",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(choices=SCOPES, max_length=20), size=None, verbose_name="may",
                default=BEFORE,
            ),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            "apikey",
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=[scope for scope, _words in SCOPES])
                & models.Q(scopes__len__gt=0),
                name="api_key_scopes_known",
            ),
        ),
        migrations.AddConstraint(
            "apikey",
            models.CheckConstraint(condition=models.Q(per_minute__range=(1, 10_000)), name="api_key_per_minute_sane"),
        ),
        migrations.CreateModel(
            name="ApiSecret",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slot", models.PositiveSmallIntegerField()),
                ("secret_hash", models.BinaryField(max_length=32, unique=True)),
                ("made_at", models.DateTimeField(verbose_name="made on")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                ("last_used_on", models.DateField(null=True, verbose_name="last used on")),
                (
                    "key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="secrets", to="stores.apikey"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["key", "slot"], name="api_secret_one_a_slot"),
                    models.CheckConstraint(condition=models.Q(slot__in=[1, 2]), name="api_secret_two_slots"),
                    models.CheckConstraint(
                        condition=models.Q(expires_at__gt=models.F("made_at")), name="api_secret_expires"
                    ),
                ],
            },
        ),
        migrations.RunSQL(COPY),
        migrations.RemoveConstraint("apikey", "api_key_expires"),
        migrations.RemoveField("apikey", "expires_at"),
        migrations.RemoveField("apikey", "key_hash"),
    ]
