"""Payroll in a real Chromium: a week is looked at, approved with a reason, and taken along; in both languages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from deliveries import actors, payroll
from deliveries.actions import ledger
from deliveries.models import PayApproval, PayDownload
from stores.models import Language, StaffMember
from tests import make
from tests.live.server import Web
from tests.pay import made

from . import evening
from .test_staff import DESK, Phone, looks_right, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    ("language", "size"), [(Language.ENGLISH, {}), (Language.SPANISH, DESK)], ids=["handheld", "desk-in-spanish"]
)
def test_a_pay_week_is_approved_and_taken_along(
    phone: Phone, web: Web, language: Language, size: dict[str, object]
) -> None:
    web.stop()  # the web process remembers content types of an earlier test's database
    web.start()
    store, now = evening.store(name="Pay store"), datetime.now(UTC)
    week = next(each for each in payroll.calendar(store).recent(now, 3) if each.over(now))
    names = ("Ana", "Alvarez"), ("Ben", "Bell"), ("Chidi", "Cole")
    for number, (first_name, last_name) in enumerate(names):
        worker = make.employee(store, reference=f"E10{number}", first_name=first_name, last_name=last_name)
        person = make.associate(store, employee=worker)
        for shift in made.shifts(person, week.start + timedelta(days=1, hours=14), number + 1):
            trip = made.settled(person, shift, took=timedelta(minutes=31 + 7 * number))
    said = ledger.dispute(trip=trip, words="The bridge toll is missing", by=person, now=now)

    page = phone(locale=f"{language}-US", **size)
    sign_in(page, make.staff(store, StaffMember.Role.PAYROLL))
    page.goto(f"/admin/payroll/?from={store.evening(now)}")
    looks_right(page, f"payroll-running-{language}")
    page.locator('#nav-sidebar a[href="/admin/payroll/"]').first.evaluate("link => link.click()")
    page.wait_for_url("**/admin/payroll/")
    expect(page.locator("html")).to_have_attribute("lang", language)
    looks_right(page, f"payroll-open-{language}")
    approve = page.locator("section[aria-labelledby=hw-approve]")
    approve.get_by_role("button").click()
    assert approve.locator("#hw-reason").evaluate("field => !field.validity.valid"), "a reason is asked for"
    approve.locator("#hw-reason").fill("The toll is looked into")
    approve.get_by_role("button").click()
    expect(approve).to_have_count(0)
    assert PayApproval.objects.get().reason == "The toll is looked into"
    ledger.accept_dispute(dispute=said, cents=400, answer="You are right", by=actors.system("test"), now=now)
    page.reload()
    expect(page.locator("section[aria-labelledby=hw-week]")).to_contain_text("$4.00")
    looks_right(page, f"payroll-approved-{language}")
    kept = []
    for what in ("file", "signature"):
        with page.expect_download() as download:
            page.locator(f'a[href$="/{what}/"]').click()
        kept.append(Path(download.value.path()).read_bytes())
    assert payroll.verify(kept[0], kept[1].decode())
    assert kept[0] == payroll.export(store, week.first, week.last, now=now)
    assert PayDownload.objects.count() == 2


def test_a_week_without_pay(phone: Phone, web: Web) -> None:
    store = evening.store(name="Quiet store")
    page = phone()
    sign_in(page, make.staff(store, StaffMember.Role.DISTRICT))
    page.goto("/admin/payroll/")
    expect(page.locator("#hw")).to_contain_text("Nothing was earned in this week.")
    looks_right(page, "payroll-empty")
    page.get_by_role("button", name="Approve $0.00").click()
    expect(page.locator("section[aria-labelledby=hw-week]")).to_contain_text("$0.00 in 0 lines.")
