"""Every page of allauth that has something on it, in a browser: axe, 48 px, nothing too wide."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests import make
from tests.associate.test_account_pages import ALL, signed_in, with_an_app
from tests.live.server import Web

pytestmark = pytest.mark.browser
Check = Callable[[Page, str], None]
NO_PAGE = {"/accounts/2fa/recovery-codes/download/"}  # a file
# The page without what differs from one person or one visit to the next: looked at once, whoever it is for.
SHAPE = r"""() => document.body.innerHTML.replace(/person\d+@example\.com|value="[^"]*"|nonce="[^"]*"/g, "")"""


SEEN: set[str] = set()


@pytest.mark.parametrize("who", ["nobody", "associate", "with an app"])
def test_every_page_of_the_account(phone: Callable[..., Page], check: Check, web: Web, who: str) -> None:
    ana = make.associate(make.store())
    ana.user.emailaddress_set.create(email=ana.user.email, verified=True, primary=True)
    page = phone()
    if who == "with an app":
        with_an_app(ana)
    if who != "nobody":
        session = signed_in(ana, "en").cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": session, "url": web.address}])
    looked = 0
    for path in ALL:
        if path in NO_PAGE:
            continue
        answer = page.goto(path)
        assert answer is not None
        assert answer.status < 500, path
        if answer.status == 200 and page.url.split("?")[0].endswith(path):
            looked += 1
            shape = page.evaluate(SHAPE)
            if shape in SEEN:
                continue
            SEEN.add(shape)
            check(page, f"account-{who.split()[-1]}{path.replace('/', '-').strip('-')}")
    assert looked > 4
