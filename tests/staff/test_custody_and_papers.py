"""Who has what at any moment, and whose papers end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from associates.models import Associate, willing
from deliveries.models import Notice, Package, StaffNotice
from deliveries.notices import sending
from deliveries.notices.papers import remind
from deliveries.states import ENDED
from deliveries.views.store_custody import custody

from . import world
from .world import World

Enter = Callable[..., Client]


def test_every_package_is_in_exactly_one_place(zanzibar: World) -> None:
    hands = custody(zanzibar.store, world.NOW)
    listed = [package.pk for each in hands for package, _age, _late in each.packages]
    expected = Package.objects.filter(store=zanzibar.store).exclude(state__in=sorted(ENDED))
    assert sorted(listed) == sorted(expected.values_list("pk", flat=True))
    [ana] = [each for each in hands if each.person is not None]
    assert ana.person == zanzibar.people["Ana"]
    assert {package.pk for package, _age, _late in ana.packages} == {
        zanzibar.packages["attempted"].pk, zanzibar.packages["out"].pk,
    }  # fmt: skip
    assert hands[0] is ana, "people first"


def test_custody_is_found_by_label(zanzibar: World, enter: Enter) -> None:
    client = enter(zanzibar.store)
    label = zanzibar.packages["out"].label
    page = client.get(reverse("staff:custody"), {"q": label}).content.decode()
    assert "In the hands of AnaZanzibar" in page
    assert zanzibar.packages["staged"].label not in page
    assert "Nothing here has that label" in client.get(reverse("staff:custody"), {"q": "\x00no such"}).content.decode()


@pytest.mark.parametrize("papers", ["insured_until", "licensed_until"])
def test_ended_papers_stop_offers_on_the_day_after(zanzibar: World, papers: str) -> None:
    evening = zanzibar.store.evening(world.NOW)
    fred = zanzibar.people["Ben"]
    for last, may in ((evening, True), (evening - timedelta(days=1), False)):
        Associate.objects.filter(pk=fred.pk).update(**{papers: last})
        assert willing(zanzibar.store, evening).filter(pk=fred.pk).exists() == may


def test_the_person_is_reminded_before_and_leads_once_a_week(zanzibar: World) -> None:
    ben, store = zanzibar.people["Ben"], zanzibar.store
    today = store.local(world.NOW).date()
    Associate.objects.filter(store=store).update(insured_until=None, licensed_until=None)
    Associate.objects.filter(pk=ben.pk).update(insured_until=today + timedelta(days=30))
    told = []
    for day in range(33):
        remind(store=store, now=world.NOW + timedelta(days=day))
        told.append(Notice.objects.filter(kind="insurance_ends", associate=ben, channel="mail").count())
    assert [day for day in range(33) if told[day] > (told[day - 1] if day else 0)] == [0, 23, 30]
    leads = store.staff.filter(role="lead").count()
    assert StaffNotice.objects.filter(store=store, key__contains="/papers/").count() == 5 * leads
    assert Notice.objects.filter(kind="license_ends").count() == 0


def test_a_reminder_that_is_no_longer_true_is_not_sent(zanzibar: World) -> None:
    ben, store = zanzibar.people["Ben"], zanzibar.store
    today = store.local(world.NOW).date()
    Associate.objects.filter(store=store).update(insured_until=None)
    Associate.objects.filter(pk=ben.pk).update(licensed_until=today + timedelta(days=5))
    remind(store=store, now=world.NOW)
    notice = Notice.objects.get(kind="license_ends", channel="mail")
    ready = sending._about_trip(notice)
    assert ready is not None
    assert "driver’s license" in ready().body
    Associate.objects.filter(pk=ben.pk).update(licensed_until=today + timedelta(days=900))
    assert sending._about_trip(Notice.objects.select_related("associate__user").get(pk=notice.pk)) is None


def test_staff_find_whose_papers_end(zanzibar: World, enter: Enter) -> None:
    ben = zanzibar.people["Ben"]
    Associate.objects.filter(store=zanzibar.store).update(insured_until=None)
    Associate.objects.filter(pk=ben.pk).update(licensed_until=world.NOW.date() - timedelta(days=2))
    page = enter(zanzibar.store).get(reverse("admin:associates_associate_changelist") + "?papers=ending")
    assert [row.pk for row in page.context["cl"].result_list] == [ben.pk]
    assert "ended on" in page.content.decode()
