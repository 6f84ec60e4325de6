"""Every page of the admin, walked as staff of another store, as own staff and as a superuser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse

from associates.models import Associate, Employee, HomeCell, Shift
from deliveries.admin.verbs import VerbAdmin
from deliveries.api import keys
from deliveries.models import Event, Manifest, Offer, Package, Proof, Trip, Webhook
from stores.models import Holiday, StaffMember, Store, User
from stores.scoped_admin import ScopedAdmin

from . import world
from .world import World, name_of_list

Enter = Callable[..., Client]
# Some tests here open three hundred pages; on a busy machine that takes longer than the suite's usual limit.
pytestmark = pytest.mark.timeout(400)


def pages_of(row: Model) -> Iterator[str]:
    """Every address of the admin that is about this one row."""
    name = name_of_list(type(row))
    for page in ("change", "history", "delete"):
        yield reverse(f"admin:{name}_{page}", args=[row.pk])
    page = admin.site._registry[type(row)]
    if isinstance(page, VerbAdmin):
        for verb in page.verbs:
            yield f"{page.verb_url(verb)}?ids={row.pk}"
    if isinstance(row, Manifest):
        yield reverse("admin:deliveries_manifest_csv", args=[row.pk])
        yield reverse("staff:carrier_labels") + f"?manifest={row.pk}"
        yield reverse("staff:carrier_pdfs") + f"?manifest={row.pk}"
        yield reverse("staff:carrier_print") + f"?manifest={row.pk}"
        yield reverse("staff:carrier_label", args=[row.tenders.get().pk])
    if isinstance(row, Webhook):
        for what in ("test", "rotate", "end"):
            yield reverse("admin:deliveries_webhook_do", args=[row.pk, what])
    if isinstance(row, Proof):
        yield reverse("admin:deliveries_proof_photo", args=[row.pk])


def general_pages(zanzibar: World) -> Iterator[str]:
    """Every address of the admin that is about no single row: lists (searched, filtered, sorted), forms, look-ups."""
    yield reverse("admin:index")
    yield reverse("admin:search") + f"?s={zanzibar.word}&extended=1"
    yield reverse("admin:app_list", args=["deliveries"])
    for model, page in admin.site._registry.items():
        listing = reverse(f"admin:{name_of_list(model)}_changelist")
        yield listing
        yield f"{listing}?q={zanzibar.word}"
        yield f"{listing}?in_store={zanzibar.store.pk}"
        yield f"{listing}?_popup=1"
        yield reverse(f"admin:{name_of_list(model)}_add")
        for field in model._meta.get_fields():
            if field.is_relation and not field.auto_created:
                yield (
                    reverse("admin:autocomplete")
                    + f"?app_label={model._meta.app_label}&model_name={model._meta.model_name}&field_name={field.name}&term="
                )
        del page
    for package in zanzibar.packages.values():
        yield reverse("admin:deliveries_event_changelist") + f"?package={package.pk}"
    trip = zanzibar.one(Trip)
    yield reverse("admin:deliveries_package_changelist") + f"?trip={trip.pk}"
    yield reverse("admin:deliveries_ledgerentry_changelist") + f"?trip={trip.pk}"
    yield reverse("staff:tonight")
    yield reverse("staff:tonight") + "?part=1"
    for mode in ("stage", "handover", "returns"):
        yield reverse("staff:bay") + f"?mode={mode}&trip={trip.pk}"
    yield reverse("staff:home")
    yield reverse("staff:messages")
    yield reverse("staff:simulator")
    yield reverse("staff:imports")
    yield reverse("staff:rates_csv")
    for job in zanzibar.imported:
        yield reverse("staff:import", args=[job.pk])
        yield reverse("staff:import", args=[job.pk]) + "?part=1"
        yield reverse("staff:import_rejected", args=[job.pk])
    yield reverse("staff:reports")
    yield reverse("staff:payroll")
    for approval in zanzibar.approved:
        yield reverse("staff:payroll") + f"?from={approval.first_day}"
        yield reverse("staff:payroll_file", args=[approval.pk])
        yield reverse("staff:payroll_signature", args=[approval.pk])
    yield reverse("staff:custody") + f"?q={zanzibar.word}"
    yield reverse("staff:message_text", args=["late", "en"])
    yield reverse("staff:switches")
    yield reverse("staff:carrier_labels")
    yield reverse("staff:carrier_pdfs")
    yield reverse("staff:carrier_print")
    yield reverse("staff:labels") + f"?ids={zanzibar.packages['received'].pk}"


# Not walked, and why that is well.
ASKED_ELSEWHERE: dict[str, str] = {
    **dict.fromkeys(["admin:index", "admin:jsi18n", "admin:login", "admin:logout"], "says nothing of any row"),
    **dict.fromkeys(["admin:password_change", "admin:password_change_done"], "one's own"),
    **dict.fromkeys([f"admin:stores_user_{page}" for page in ("change", "delete", "history")], "superusers"),
    **dict.fromkeys([f"admin:account_emailaddress_{page}" for page in ("change", "delete", "history")], "superusers"),
    "admin:auth_user_password_change": "superusers",
    "admin:view_on_site": "no model of ours has an address of its own",
    "admin:stores_payplan_example": "tests/staff/test_set_up.py",
    "staff:import_keep": "takes POST alone: tests/staff/test_imports.py",
    **dict.fromkeys(["staff:simulation", "staff:simulation_csv"], "tests/simulator/test_simulator.py"),
}


def admin_addresses() -> set[str]:
    """The name of every address under /admin/, as `reverse` takes it."""
    found: set[str] = set()

    def walk(patterns: list[URLPattern | URLResolver], route: str, space: str) -> None:
        for each in patterns:
            here = route + str(each.pattern)
            if isinstance(each, URLResolver):
                walk(each.url_patterns, here, f"{space}{each.namespace}:" if each.namespace else space)
            elif here.startswith("admin/") and each.name:  # the others only lead to these
                found.add(f"{space}{each.name}")

    walk(get_resolver().url_patterns, "", "")
    return found


def test_every_address_of_the_admin_is_walked(zanzibar: World) -> None:
    """A new one must join the walk, or say here which test asks it."""
    urls = [*general_pages(zanzibar), *[url for row in zanzibar.rows for url in pages_of(row)]]
    walked = {resolve(url.partition("?")[0]).view_name for url in urls}
    missing = admin_addresses() - walked - ASKED_ELSEWHERE.keys()
    assert not missing, " ".join(sorted(missing))
    assert not ASKED_ELSEWHERE.keys() & walked


def body(response: object) -> str:
    content = b"".join(response.streaming_content) if getattr(response, "streaming", False) else response.content  # type: ignore[attr-defined]
    return content.decode(errors="replace")


def test_the_walk_covers_every_model_of_ours(zanzibar: World) -> None:
    registered = {model for model, page in admin.site._registry.items() if isinstance(page, ScopedAdmin)}
    assert {type(row) for row in zanzibar.rows} == registered
    assert HomeCell not in admin.site._registry


def test_another_stores_staff_find_nothing(zanzibar: World, elsewhere: Store, enter: Enter) -> None:
    client = enter(elsewhere, StaffMember.Role.DISTRICT)
    looked = 0
    for url in general_pages(zanzibar):
        text = body(client.get(url, follow=True))
        # The search term itself comes back, in the search field and in links; everything else of theirs must not.
        for echo in (f'value="{zanzibar.word}"', f"q={zanzibar.word}", f"q%3D{zanzibar.word}"):
            text = text.replace(echo, "")
        found = [word for word in zanzibar.canaries if word in text]
        assert not found, f"{url} shows {found}"
        looked += 1
    assert looked > 120
    response = client.get(reverse("staff:tonight") + f"?store={zanzibar.store.number}")
    assert response.status_code == 404


def test_another_stores_rows_are_not_there(zanzibar: World, elsewhere: Store, enter: Enter) -> None:
    for row in zanzibar.rows:  # a change logged for each, so that a history would have something to tell
        LogEntry.objects.log_actions(zanzibar.one(StaffMember).user_id, [row], CHANGE, f"{zanzibar.word} reason")
    client = enter(elsewhere, StaffMember.Role.DISTRICT)
    for row in zanzibar.rows:
        for url in pages_of(row):
            response = client.get(url)
            tried = client.post(url, {"post": "yes", "ids": str(row.pk)})
            for answer in (response, tried):
                assert answer.status_code in (403, 404), f"{url}: {answer.status_code}"
                assert not [word for word in zanzibar.canaries if word in body(answer)], url


def test_another_stores_staff_change_nothing(zanzibar: World, elsewhere: Store, enter: Enter) -> None:
    client = enter(elsewhere)
    before = Event.objects.count()
    page = admin.site._registry[Package]
    assert isinstance(page, VerbAdmin)
    ids = ",".join(str(package.pk) for package in zanzibar.packages.values())
    for verb in page.verbs:
        answer = {"ids": ids, "reason": "mine now", "lat": "40.6", "lon": "-74.1"}
        assert client.post(page.verb_url(verb), answer).status_code == 404
    for package in zanzibar.packages.values():
        for mode in ("stage", "returns", "handover"):
            url = f"{reverse('staff:bay')}?mode={mode}"
            text = body(client.post(url, {"code": package.label}, headers={"X-Part": "1"}))
            assert "No package here has that code" in text
    listing = reverse("admin:deliveries_package_changelist")
    client.post(listing, {"action": "stage", "_selected_action": [p.pk for p in zanzibar.packages.values()]})
    assert Event.objects.count() == before


def test_choices_and_forms_take_no_other_store(zanzibar: World, elsewhere: Store, enter: Enter) -> None:
    client = enter(elsewhere)
    url = reverse("admin:stores_holiday_add")
    assert zanzibar.store.name not in body(client.get(url))
    tried = client.post(url, {"store": zanzibar.store.pk, "day": "2026-12-31", "name": "Off"})
    assert tried.status_code == 200, "the form comes back with an error"
    assert not Holiday.objects.filter(name="Off").exists()
    client.post(url, {"store": elsewhere.pk, "day": "2026-12-31", "name": "Off"})
    assert Holiday.objects.get(name="Off").store == elsewhere


def test_a_key_of_two_stores_names_only_ones_own(zanzibar: World, elsewhere: Store, enter: Enter) -> None:
    from stores.models import ApiKey

    key = zanzibar.one(ApiKey)
    key.name = "Shared orders"
    key.save()
    key.stores.add(elsewhere)
    text = body(enter(elsewhere).get(reverse("admin:stores_apikey_change", args=[key.pk])))
    assert "Elsewhere" in text
    assert zanzibar.word not in text


def test_own_staff_find_their_rows(zanzibar: World, enter: Enter) -> None:
    client = enter(zanzibar.store)
    for row in zanzibar.rows:
        if isinstance(row, User):
            continue
        listing = client.get(reverse(f"admin:{name_of_list(type(row))}_changelist"))
        assert listing.status_code == 200, row
        assert reverse(f"admin:{name_of_list(type(row))}_change", args=[row.pk]) in body(listing), (
            f"{row!r} is not listed"
        )
        for page in ("change", "history"):
            assert client.get(reverse(f"admin:{name_of_list(type(row))}_{page}", args=[row.pk])).status_code == 200, row
    photo = client.get(reverse("admin:deliveries_proof_photo", args=[zanzibar.one(Proof).pk]))
    assert photo["Content-Type"] == "image/jpeg"
    assert "a photo" in body(photo)
    csv = client.get(reverse("admin:deliveries_manifest_csv", args=[zanzibar.one(Manifest).pk]))
    assert zanzibar.packages["carried"].reference in body(csv)
    for url in ("staff:tonight", "staff:bay", "staff:labels"):
        assert zanzibar.packages["received"].label in body(client.get(reverse(url))) or url == "staff:tonight"


def test_someone_without_a_store_is_told_so(enter: Enter) -> None:
    from tests import make

    client = enter(user=make.user(is_staff=True))
    response = client.get(reverse("staff:tonight"))
    assert response.status_code == 403
    assert "No store yet" in body(response)
    assert client.get(reverse("admin:deliveries_package_changelist")).status_code == 403


def test_strangers_are_sent_to_sign_in(zanzibar: World, enter: Enter) -> None:
    from tests import make

    for client in (Client(), enter(user=make.user())):
        for url in [*general_pages(zanzibar), *pages_of(zanzibar.one(Package))]:
            response = client.get(url)
            assert response.status_code == 302, url
            assert response["Location"].startswith("/admin/login/"), url


def test_nobody_sees_a_home_or_who_did_not_want_what(zanzibar: World, enter: Enter) -> None:
    """As a superuser, who sees everything there is: no page has a home, a lapsed offer, or whom an offer went to."""
    from associates import home
    from tests import make

    cell = home.coarse(world.HOME)
    sealed = bytes(HomeCell.objects.earliest("pk").sealed)
    lapsed = Offer.objects.get(associate=zanzibar.people["Cyd"])
    ben, open_offer = zanzibar.people["Ben"], zanzibar.one(Offer)
    client = enter(user=make.user(is_staff=True, is_superuser=True))
    never = [
        world.HOME_AREA, f"{cell.lat:.3f}", f"{cell.lon:.3f}", f"{world.HOME.lat}", sealed.decode()[:20],
        f"/offer/{lapsed.pk}/", "resting", "lapsed",
    ]  # fmt: skip
    pages = [*general_pages(zanzibar)]
    for model in admin.site._registry:
        for row in model._default_manager.all()[:40]:
            pages += pages_of(row)
    for url in pages:
        text = body(client.get(url))
        # The package that lapsed is called so in this world; nothing else may be.
        text = text.replace(f"{zanzibar.word} lapsed", "")
        found = [word for word in never if word in text]
        assert not found, f"{url} shows {found}"
        if "/offer/" in url:
            assert ben.first_name not in text, f"{url} says whom the offer went to"
    assert len(pages) > 300
    assert client.get(reverse("admin:deliveries_offer_change", args=[lapsed.pk])).status_code == 404
    assert client.get(reverse("admin:deliveries_offer_change", args=[open_offer.pk])).status_code == 200


@pytest.mark.parametrize(
    ("model", "query"),
    [
        (Associate, "resting_on=2026-11-24"),
        (Associate, "resting_on__isnull=False"),
        (Associate, "area=Canary Heights"),
        (Associate, "offers__state=lapsed"),
        (Associate, "home_cell__isnull=False"),
        (Employee, "associate__resting_on__isnull=False"),
        (Employee, "birth_date__lt=2000-01-01"),
        (Shift, "offers__state=lapsed"),
        (Package, "offer_lines__offer__associate=1"),
        (Trip, "extra_m__gt=1000"),
        (Offer, "associate=1"),
        (Offer, "shift__isnull=False"),
        (StaffMember, "user__password__startswith=argon2"),
        (Event, "by_user=1"),
    ],
)
def test_the_address_bar_asks_no_hidden_column(zanzibar: World, enter: Enter, model: type[Model], query: str) -> None:
    """A filter nobody offers would answer, one question at a time, what no page shows."""
    from tests import make

    client = enter(user=make.user(is_staff=True, is_superuser=True))
    response = client.get(f"{reverse(f'admin:{name_of_list(model)}_changelist')}?{query}")
    assert response.status_code == 400


def api_addresses(zanzibar: World) -> Iterator[str]:
    """Every address of the API, read from its URL conf; what is asked for by name or number is Zanzibar's."""
    names = [package.reference for package in zanzibar.packages.values()]
    numbers = sorted({row.pk for row in zanzibar.rows} | {package.pk for package in zanzibar.packages.values()})

    def walk(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
        for each in patterns:
            route = before + str(each.pattern)
            if isinstance(each, URLResolver):
                yield from walk(each.url_patterns, route)
                continue
            asked = each.pattern.converters
            if len(asked) > 1 or not route.startswith("api/"):
                continue
            if not asked:
                yield f"/{route}"
            for name, converter in asked.items():
                for value in numbers if type(converter).__name__ == "IntConverter" else [*names, *numbers]:
                    yield "/" + re.sub(rf"<[^>]*{name}>", str(value), route)

    yield from walk(get_resolver().url_patterns, "")


def test_every_address_of_the_api_as_another_store(zanzibar: World, elsewhere: Store, enter: Enter) -> None:
    """A key of another store finds nothing; a member of staff's sign-in is no key at all."""
    from stores.models import ApiScope

    _key, secret = keys.issue(
        name="elsewhere", stores=[elsewhere], now=world.NOW, scopes=ApiScope.values, per_minute=6_000
    )
    theirs, staff = Client(headers={"Authorization": f"Bearer {secret}"}), enter(zanzibar.store)
    looked = 0
    for url in api_addresses(zanzibar):
        for asked in (url, f"{url}?store={zanzibar.store.number}", f"{url}?q={zanzibar.word}"):
            answer = theirs.get(asked)
            text = body(answer)
            assert answer.status_code < 500, f"{asked}: {answer.status_code}"
            shown = [word for word in zanzibar.canaries if word in text and word not in asked]
            assert not shown, f"{asked} shows {shown}"
            looked += 1
        if "schema" not in url and "docs" not in url:
            assert staff.get(url).status_code in (401, 404, 405), url
    assert looked > 100
