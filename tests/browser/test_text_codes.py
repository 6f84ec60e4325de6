"""A code by text message on a phone: asked for on the page, sent by a real worker, read on the page of sent messages."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from stores.models import User
from tests.live.server import ROOT, OwnValkey, Web

from .test_account import known

pytestmark = pytest.mark.browser
Check = Callable[[Page, str], None]


@pytest.fixture
def with_texts(transactional_db: None, tmp_path: Path) -> Iterator[Web]:
    """A web process and a worker that offer text messages, with a queue and a mailbox that no other test fills."""
    queue = OwnValkey(tmp_path, durable=False)
    with ExitStack() as ending:
        queue.start()
        ending.callback(queue.stop)
        own = {"SMS_URL": "demo://text/{to}", "REDIS_URL": queue.url(), "EMAIL_FILE_PATH": str(tmp_path / "mail")}
        server = ending.enter_context(Web(tmp_path / "web.log", **own))
        log = ending.enter_context((tmp_path / "worker.log").open("wb"))
        worker = subprocess.Popen(
            [
                sys.executable, "-m", "celery", "--app", "config", "worker", "--pool", "solo", "--without-gossip",
                "--without-mingle",
            ],
            cwd=ROOT, env=server.environment, stdout=log, stderr=log,
        )  # fmt: skip
        yield server
        worker.terminate()
        worker.wait(20)


def texted_code(page: Page, number: str) -> str:
    """The newest code on the page of sent messages; waits for the worker."""
    sent = page.context.new_page()
    for _turn in range(100):
        sent.goto("/demo/mail/")
        message = sent.locator("article", has_text=f"Text message to {number}").first
        if message.count():
            found = re.search(r"(\d{6}) is your code", message.inner_text())
            assert found
            sent.close()
            return found[1]
        sent.wait_for_timeout(200)
    raise AssertionError("no text message came")


def test_a_number_is_confirmed_and_then_signs_in(phone: Callable[..., Page], check: Check, with_texts: Web) -> None:
    ana = known()
    page = phone(base_url=with_texts.address)
    page.goto("/accounts/login/")
    check(page, "sign-in-by-text")
    page.get_by_text("Use my password").click()
    page.get_by_label("E-mail address or mobile number", exact=True).fill(ana.user.email)
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/today/")
    page.goto("/me/")
    page.get_by_role("link", name="Mobile number").click()
    page.get_by_label("Mobile number").fill("555")
    page.get_by_role("button", name="Send a code to it").click()
    expect(page.locator(".error")).to_contain_text("Write a US number with its area code")
    check(page, "number-wrong")
    page.get_by_label("Mobile number").fill("(201) 555-0147")
    page.get_by_role("button", name="Send a code to it").click()
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Enter the code")
    check(page, "number-code")
    page.get_by_label("Code").fill(texted_code(page, "+12015550147"))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("(201) 555-0147")).to_be_visible()
    check(page, "number")
    assert str(User.objects.get(pk=ana.user.pk).phone) == "+12015550147"

    other = phone(base_url=with_texts.address)
    other.goto("/accounts/login/?next=/earnings/")
    other.get_by_label("Your e-mail address or mobile number").fill("201 555 0147")
    other.get_by_role("button", name="Send me a code").click()
    code = other.get_by_label("Code")
    expect(code).to_have_attribute("inputmode", "numeric")
    code.fill("12")
    other.get_by_role("button", name="Confirm").click()
    expect(other.locator(".error")).to_contain_text("Incorrect code")
    check(other, "sign-in-code-by-text-wrong")
    first = texted_code(other, "+12015550147")
    other.get_by_role("button", name="Send another code").click()
    expect(other.get_by_role("status")).to_be_visible()
    newest = first
    while newest == first:
        newest = texted_code(other, "+12015550147")
    other.get_by_label("Code").fill(newest)
    other.get_by_role("button", name="Confirm").click()
    expect(other).to_have_url(re.compile("/earnings/$"))

    page.get_by_role("button", name="Remove this number").click()
    expect(page.get_by_text("Removed. Codes go to your e-mail address.")).to_be_visible()
