"""A move of a package rewrites its row and no index; and no index that another one leads. See decision 0105."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('associates', '0006_names_for_people'),
        ('deliveries', '0021_carriers_with_an_api'),
        ('stores', '0008_numbers_are_confirmed'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='package',
            name='package_store_state',
        ),
        migrations.RemoveIndex(
            model_name='package',
            name='package_to_forget',
        ),
        migrations.AddField(
            model_name='package',
            name='ended',
            field=models.GeneratedField(db_persist=True, expression=models.Q(('state__in', ['cancelled', 'delivered', 'with_carrier'])), output_field=models.BooleanField()),
        ),
        migrations.AlterField(
            model_name='event',
            name='by_user',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='person'),
        ),
        migrations.AlterField(
            model_name='event',
            name='package',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='deliveries.package', verbose_name='package'),
        ),
        migrations.AlterField(
            model_name='event',
            name='trip',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='deliveries.trip', verbose_name='trip'),
        ),
        migrations.AlterField(
            model_name='offerpackage',
            name='offer',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='deliveries.offer'),
        ),
        migrations.AlterField(
            model_name='package',
            name='holder',
            field=models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='holding', to='associates.associate', verbose_name='in the hands of'),
        ),
        migrations.AlterField(
            model_name='package',
            name='store',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='packages', to='stores.store', verbose_name='store'),
        ),
        migrations.AlterField(
            model_name='package',
            name='trip',
            field=models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='packages', to='deliveries.trip', verbose_name='trip'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('trip__isnull', False)), fields=['trip'], name='event_on_trip'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('by_user__isnull', False)), fields=['by_user'], name='event_by_person'),
        ),
        migrations.AddIndex(
            model_name='package',
            index=models.Index(condition=models.Q(('ended', False)), fields=['store', 'deliver_by'], name='package_not_ended'),
        ),
        migrations.AddIndex(
            model_name='package',
            index=models.Index(condition=models.Q(('trip__isnull', False)), fields=['trip'], name='package_on_trip'),
        ),
        migrations.AddIndex(
            model_name='package',
            index=models.Index(condition=models.Q(('ended', True), ('forgotten_at', None)), fields=['store', 'deliver_by'], name='package_to_forget'),
        ),
        # Half of a page is left free: as much as a new version of each of its rows takes, when a store's evening moves
        # at once. What is there already stays where it is.
        migrations.RunSQL(
            "ALTER TABLE deliveries_package SET (fillfactor = 50)", "ALTER TABLE deliveries_package RESET (fillfactor)"
        ),
    ]
