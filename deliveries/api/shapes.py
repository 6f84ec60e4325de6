"""What the API's answers look like, for its OpenAPI description; and the states that it speaks of."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from deliveries.models import Import, ImportRow
from deliveries.states import PackageState, TripState
from stores.models import ApiScope

# Whether a package was offered to somebody is nobody's business outside.
STATES = [state.value for state in PackageState if state != PackageState.OFFERED]
TRIP_STATES = [state.value for state in TripState]

# What the retailer's systems bring. Rates are between a store and its carrier: its leads bring them.
IMPORT_KINDS = [kind for kind in Import.Kind.values if kind != Import.Kind.RATES]


class RowFaultShape(serializers.Serializer[Any]):
    row = serializers.IntegerField(help_text="CSV: the header is row 1. JSON: the first object is row 1.")
    column = serializers.CharField(allow_blank=True)
    value = serializers.CharField(allow_blank=True, help_text="What the cell held, shortened.")
    code = serializers.CharField()
    message = serializers.CharField(help_text="What is wrong and how to mend it.")


class CountsShape(serializers.Serializer[Any]):
    read = serializers.IntegerField()
    accepted = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = serializers.IntegerField()
    skipped = serializers.IntegerField()
    dry_run = serializers.BooleanField()
    atomic = serializers.BooleanField()


class ReportShape(CountsShape):
    """read = accepted + unchanged + rejected + skipped, always."""

    errors = RowFaultShape(many=True)  # type: ignore[assignment]
    warnings = RowFaultShape(many=True)


class ProblemShape(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="For programs; docs/integration.md lists them.")
    detail = serializers.CharField()
    row = serializers.IntegerField(required=False)
    column = serializers.CharField(required=False)
    byte = serializers.IntegerField(required=False)
    errors = RowFaultShape(many=True, required=False)  # type: ignore[assignment]


class StandingShape(serializers.Serializer[Any]):
    """How a package stands; nothing about a person."""

    store = serializers.IntegerField()
    reference = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    state = serializers.ChoiceField(STATES)
    version = serializers.IntegerField(help_text="Grows with every change, not always by one. The ETag.")
    state_since = serializers.DateTimeField()
    deliver_by = serializers.DateTimeField()
    associate_ok = serializers.BooleanField()


class LinkShape(serializers.Serializer[Any]):
    url = serializers.URLField()
    expires_at = serializers.DateTimeField()


class EligibilityShape(serializers.Serializer[Any]):
    eligible = serializers.BooleanField()
    reasons = serializers.ListField(child=serializers.CharField(), help_text="Codes; none when eligible.")
    distance_m = serializers.IntegerField(allow_null=True, help_text="From the store, as the crow flies.")
    precision = serializers.CharField(allow_null=True, help_text="How well the place is known: rooftop, street or zip.")


class ImportShape(CountsShape):
    """read = accepted + unchanged + rejected + skipped, at every moment when batches are kept one by one."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(IMPORT_KINDS)
    status = serializers.ChoiceField(Import.Status.values)
    made_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    rows = serializers.IntegerField(allow_null=True)
    percent = serializers.IntegerField()
    fault = serializers.JSONField(allow_null=True, help_text="Why the file could not be read; nothing was written.")
    troubled = serializers.CharField(help_text="Where its rejected, skipped and odd rows are.")


class ImportRowShape(serializers.Serializer[Any]):
    row = serializers.IntegerField()
    outcome = serializers.ChoiceField(ImportRow.Outcome.values)
    cells = serializers.DictField(child=serializers.CharField(), help_text="As they came, to be mended and sent again.")
    line = serializers.CharField(
        allow_null=True, help_text="The row as it was written, where its cells do not say it all."
    )
    faults = RowFaultShape(many=True)


class EventShape(serializers.Serializer[Any]):
    id = serializers.CharField()
    position = serializers.IntegerField(help_text="Its place in the store's feed.")
    type = serializers.CharField(help_text="package. and the verb, such as package.deliver")
    store = serializers.IntegerField()
    package = serializers.CharField(help_text="Your reference.")
    label = serializers.CharField()  # type: ignore[assignment]
    version = serializers.IntegerField(help_text="Of the package; drop an event whose version is not above the last.")
    # "from" is a word of Python's; the schema gets it by name.
    to = serializers.CharField()
    at = serializers.DateTimeField()
    happened_at = serializers.DateTimeField()
    by = serializers.CharField()
    trip = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": serializers.CharField(allow_null=True)}


class TripPackageShape(serializers.Serializer[Any]):
    package = serializers.CharField(help_text="Your reference.")
    state = serializers.CharField()
    stop = serializers.IntegerField(allow_null=True)
    arrived_at = serializers.DateTimeField(allow_null=True)


class TripShape(serializers.Serializer[Any]):
    """Which packages, in which order, when. Not who drives, and not where it ends."""

    id = serializers.IntegerField()
    store = serializers.IntegerField()
    evening = serializers.DateField()
    state = serializers.ChoiceField(TRIP_STATES)
    claimed_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    called_off = serializers.BooleanField()
    packages = TripPackageShape(many=True)


class WebhookShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    url = serializers.CharField()
    active = serializers.BooleanField()
    stores = serializers.ListField(child=serializers.IntegerField())
    made_at = serializers.DateTimeField()
    old_secret_until = serializers.DateTimeField(allow_null=True, help_text="Until then the secret before signs, too.")
    waiting = serializers.IntegerField(help_text="Events still to be delivered.")
    given_up = serializers.IntegerField(help_text="Events that could not be delivered in three days.")
    secret = serializers.CharField(required=False, help_text="Only in the answer that made it.")


class WebhookDeliveryShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    event = serializers.CharField()
    type = serializers.CharField()
    store = serializers.IntegerField()
    package = serializers.CharField()
    version = serializers.IntegerField()
    attempts = serializers.IntegerField()
    due_at = serializers.DateTimeField()
    delivered_at = serializers.DateTimeField(allow_null=True)
    given_up_at = serializers.DateTimeField(allow_null=True)
    status = serializers.IntegerField(allow_null=True, help_text="What the receiver answered last.")
    error = serializers.CharField(allow_blank=True)


class ReplayShape(serializers.Serializer[Any]):
    again = serializers.IntegerField(help_text="How many events will be sent again.")


class SecretShape(serializers.Serializer[Any]):
    made_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    last_used_on = serializers.DateField(allow_null=True)


class KeyShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    stores = serializers.ListField(child=serializers.IntegerField(), help_text="Numbers of the stores it works for.")
    scopes = serializers.ListField(child=serializers.ChoiceField(ApiScope.choices))
    per_minute = serializers.IntegerField(help_text="Requests it may make in a minute.")
    secrets = SecretShape(many=True)
