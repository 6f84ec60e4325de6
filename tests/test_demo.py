"""The demo makes what it says at any hour, adds nothing twice, and walks an evening to its end through the verbs."""

from __future__ import annotations

import csv
import io
import math
import re
import statistics
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import transaction

from associates import actions
from associates.models import Associate, Employee, Shift
from deliveries import demo, matching, pins, states
from deliveries.demo import crew, evening, outcome, parcels, pilot, scenes, visitors, walk
from deliveries.models import Event, LedgerEntry, Offer, Package, Proof, Trip
from deliveries.states import PackageState, TripState
from stores.management.commands.load_places import load_file
from stores.models import AddressPoint, PayPlan, Store, User, ZipCentroid
from stores.places import Point, Precision

ROOT = Path(__file__).resolve().parent.parent
# A Tuesday: 17:10 in New Jersey, 16:10 in Arkansas, a real evening at both.
TUESDAY = datetime(2026, 11, 24, 22, 10, tzinfo=UTC)
STATE_MINIMUM_2026 = {"NJ": 1592, "AR": 1100}


def run(*arguments: str) -> str:
    """`manage.py demo ...`; its output and its complaints."""
    out = io.StringIO()
    call_command("demo", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def counts() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in apps.get_models()}


@pytest.fixture(scope="module")
def homes() -> dict[str, Point]:
    """Where the demo's associates live, filled while it is made: streets and points that must turn up nowhere."""
    return {}


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: Any, homes: dict[str, Point]) -> Iterator[str]:
    """The demo as `manage.py demo` makes it on Tuesday evening, once for this file; gives what it printed."""
    real = crew._sign_up

    def remembered(*args: Any) -> Associate:
        lives = args[5]
        homes[lives.address1] = lives.point
        return real(*args)

    with django_db_blocker.unblock(), transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(crew, "_sign_up", remembered)
        patch.setattr(evening, "PLAN_SECONDS", 0.3)
        with time_machine.travel(TUESDAY, tick=True):
            printed = run()
        yield printed
        transaction.set_rollback(True)


@pytest.fixture
def undone(made: str) -> Iterator[str]:
    """For a test that changes the demo: its changes are rolled back."""
    with transaction.atomic():
        yield made
        transaction.set_rollback(True)


# --- What there is ------------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("place", pilot.PILOT, ids=lambda place: place.city)
def test_a_store_on_a_working_evening(place: pilot.PilotStore) -> None:
    store = Store.objects.get(number=place.number)
    assert store.stage == Store.Stage.PILOT
    assert store.carrier_cutoff == time(20, 30)
    assert PayPlan.on(store, store.evening(TUESDAY)).hourly_cents > STATE_MINIMUM_2026[store.state]
    people = Associate.objects.filter(store=store)
    assert people.count() == crew.ASSOCIATES
    assert people.filter(user__language="es").count() == crew.SPANISH
    assert all(person.has_consented() for person in people)
    assert Employee.objects.filter(store=store, associate=None).count() == crew.NOT_SIGNED_UP
    assert len(set(people.values_list("limits__max_packages", "limits__max_extra_minutes"))) >= 5

    ends = [store.local(shift.ends_at) for shift in Shift.objects.filter(store=store)]
    assert len(ends) == evening.ON_SHIFT + crew.NOT_SIGNED_UP
    assert {end.date() for end in ends} == {store.evening(TUESDAY)}
    to_come = [end for end in ends if end > TUESDAY - scenes.ENDED_AGO]
    assert (min(to_come).time(), max(to_come).time()) == (time(17), time(21))
    assert len(ends) - len(to_come) == (scenes.EARLY if place == scenes.PLACE else 0)
    assert all(end.minute % 15 == 0 for end in ends)

    packages = Package.objects.filter(store=store, reference__regex=r"-\d+$")
    assert packages.count() == 30
    found = Counter(packages.values_list("state", flat=True))
    assert found[PackageState.RECEIVED] == 2
    assert found[PackageState.OFFERED] >= 1, "a newcomer finds offers at once"
    assert found[PackageState.STAGED] + found[PackageState.OFFERED] == 28
    assert packages.filter(precision=Precision.ZIP).count() == 2
    assert sum(package.size_class == 3 and package.longest_mm >= 1500 for package in packages) >= 2
    assert all(500 <= package.carrier_cents <= 1200 for package in packages)
    assert max(Counter(package.door for package in packages if package.precision != Precision.ZIP).values()) == 3
    assert all(package.deliver_by > TUESDAY for package in packages)
    assert Offer.objects.filter(store=store, state="sent").exists()


@pytest.mark.usefixtures("made")
def test_staff_see_their_stores() -> None:
    from stores.scope import stores_of

    seen = {
        mail: set(stores_of(User.objects.get(email=mail)).values_list("number", flat=True))
        for mail in (crew.ADMIN, crew.DISTRICT, crew.lead_of(3520), crew.bay_of(5260))
    }
    assert list(seen.values()) == [{3520, 5260, 5867}, {3520, 5867}, {3520}, {5260}]


def test_a_second_run_adds_nothing(undone: str, django_assert_max_num_queries: Any) -> None:
    before = counts()
    with time_machine.travel(TUESDAY + timedelta(seconds=90), tick=True):
        again = run()
        with django_assert_max_num_queries(8):
            assert run("--once") == ""
    assert counts() == before
    assert "nothing added" in again
    assert "30 packages, 20 associates; shifts end 17:00 to 21:00" in undone


@pytest.mark.usefixtures("undone")
def test_when_the_carrier_has_come_a_new_evening_begins() -> None:
    night = datetime(2026, 11, 25, 2, 20, tzinfo=UTC)  # 21:20 in New Jersey, 20:20 in Arkansas
    with time_machine.travel(night, tick=True):
        run("--once")
    made = {store.number: store.packages.count() for store in Store.objects.all()}
    assert made == {3520: 60 + 2 * len(scenes.NAMES), 5867: 60, 5260: 30}
    assert Store.objects.get(number=3520).carrier_cutoff == time(1, 36)
    assert Associate.objects.count() == 60


def test_a_demo_that_was_killed_half_way_is_completed(undone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    next_day = TUESDAY + timedelta(days=1)
    real = evening._packages

    def killed(store: Store, *args: Any) -> None:
        if store.number == 5867:
            raise KeyboardInterrupt
        real(store, *args)

    monkeypatch.setattr(evening, "_packages", killed)
    with pytest.raises(KeyboardInterrupt):
        evening.make(next_day)
    monkeypatch.undo()
    assert not evening.is_made(next_day)
    evening.make(next_day)
    assert evening.is_made(next_day)
    assert {store.packages.count() for store in Store.objects.exclude(number=3520)} == {60}


# --- The clock ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("zone", ["America/New_York", "America/Chicago"])
@pytest.mark.parametrize("day", ["2026-11-24", "2026-03-08", "2026-11-01"], ids=["usual", "spring", "autumn"])
def test_there_is_something_to_see_at_any_hour(zone: str, day: str) -> None:
    store = Store(number=1, time_zone=zone)
    start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    for step in range(24 * 12):
        now = start + timedelta(minutes=5 * step, seconds=17)
        found = evening.window(store, now)
        store.carrier_cutoff = store.local(found.cutoff).time()
        tonight = store.evening(found.first)
        assert now < found.first <= found.last or store.local(now).time() >= time(17)
        assert found.last > now
        assert store.evening(found.last) == tonight
        assert store.cutoff(tonight) == found.cutoff
        assert found.cutoff > now
        if store.local(now).time() >= time(3, 30) and store.local(now).time() < time(4):
            continue  # too little is left of that service date: it may be tomorrow's, whose offers come at four
        assert store.evening(now) == tonight
        ends = [found.first + (found.last - found.first) * part / 15 for part in range(16)]
        assert any(matching.in_wave(store, Shift(ends_at=end), now) for end in ends), store.local(now)


# --- Ways in ------------------------------------------------------------------------------------------------------------
def test_sign_ins_work(undone: str, client: Any) -> None:
    with time_machine.travel(TUESDAY, tick=True):
        accounts = demo.sign_ins()
    assert len(accounts) == 9
    assert {account.where for account in accounts} == {"/offers/", "/admin/"}
    for account in accounts:
        assert client.login(email=account.email, password=account.password), account.email
        assert str(account.label)
    shown = Associate.objects.filter(user__email__in=[a.email for a in accounts if a.where == "/offers/"])
    assert shown.count() == 3
    assert all(person.offers.filter(state="sent").exists() for person in shown)


@pytest.mark.usefixtures("undone")
def test_the_readmes_sign_ins_work(client: Any) -> None:
    """Who among the associates has an offer depends on the hour; that everybody in the table can sign in does not."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.split("<!-- sign-ins -->")[1].split("<!-- /sign-ins -->")[0]
    rows = [tuple(cell.strip(" `") for cell in line.strip("|").split("|")) for line in table.strip().splitlines()[2:]]
    with time_machine.travel(TUESDAY, tick=True):
        accounts = [(str(a.label), a.email, a.where) for a in demo.sign_ins()]
    assert [(label, where) for label, _email, where in rows] == [(label, where) for label, _email, where in accounts]
    assert [row for row in rows if row[2] == "/admin/"] == [row for row in accounts if row[2] == "/admin/"]
    assert f"(password for all: `{crew.PASSWORD}`,\nunder “Use my password”)" in text
    assert "Use my password" in client.get("/accounts/login/").content.decode()
    for label, email, _where in rows:
        assert client.login(email=email, password=crew.PASSWORD), label
    for city, email in [(label.split(", ")[1], email) for label, email, where in rows if where == "/offers/"]:
        assert Associate.objects.get(user__email=email).store.city == city


@pytest.mark.usefixtures("undone")
def test_the_front_page_names_the_password_where_a_phone_shows_it(client: Any) -> None:
    """Above the table: a column of its own was off the edge of a phone."""
    with time_machine.travel(TUESDAY, tick=True):
        page = client.get("/").content.decode()
    before, table = page.split("<table", 1)
    assert f"<strong>{crew.PASSWORD}</strong>" in before
    assert crew.ADMIN in table


@pytest.mark.usefixtures("undone")
def test_printed_sign_ins_name_accounts_newcomers_and_links() -> None:
    with time_machine.travel(TUESDAY, tick=True):
        printed = run("--sign-ins")
    assert crew.ADMIN in printed
    assert crew.PASSWORD in printed
    assert "employee number 3520-1021" in printed
    assert printed.count("/t/") == 3
    newcomer = demo.newcomers()[0]
    user = User.objects.create_user("new@example.com", "correct horse battery")
    person = actions.enrol(
        user=user, store_number=newcomer.store.number, employee_reference=newcomer.employee_number,
        birth_date=datetime.fromisoformat(newcomer.birth_date).date(), by=user, now=TUESDAY,
    )  # fmt: skip
    assert person.employee.shifts.filter(ends_at__gt=TUESDAY).exists(), "whoever signs up now works tonight"
    assert newcomer not in demo.newcomers()


SEEN = ["PIN", "MEDICINE", "GIVEN", "SWAP", "MISSING", "RATED", "DAY", "PICKUP", "DOOR"]


@pytest.mark.usefixtures("undone")
def test_a_newcomer_meets_each_thing_once_and_is_told_where(client: Any) -> None:
    with time_machine.travel(TUESDAY + timedelta(minutes=1), tick=True):
        sights = {sight.name: sight for sight in visitors.sights(datetime.now(UTC))}
        assert list(sights) == SEEN
        front, printed = client.get("/").content.decode(), run("--sign-ins")
        for sight in sights.values():
            assert str(sight.what) in printed
            assert sight.email in front
            seen = client.post("/demo/customer/", {"name": sight.name}, follow=True)
            assert seen.redirect_chain[0][0].startswith("/t/")
            assert seen.status_code == 200
        pin = scenes.package("PIN")
        assert pin is not None
        page = client.post("/demo/customer/", {"name": "PIN"}, follow=True).content.decode()
        assert pins.pin_of(pin) in page
        for name, says in {
            "PIN": "The gate sticks a little", "MEDICINE": "(medicine) cannot stay with you", "GIVEN": "has them",
            "SWAP": "asks for a swap", "MISSING": "The customer did not get it", "RATED": "right at the door before dinner",
        }.items():  # fmt: skip
            assert client.login(email=sights[name].email, password=crew.PASSWORD)
            page = client.get(sights[name].where, follow=True).content.decode()
            assert says in page, name
        assert client.post("/demo/customer/", {"name": "001"}).status_code == 404
        assert client.post("/demo/customer/", {}).status_code == 404


@pytest.mark.usefixtures("undone")
def test_a_question_that_lapsed_is_asked_again_and_a_new_evening_ends_the_old_scenes() -> None:
    store = Store.objects.get(number=3520)
    later = TUESDAY + timedelta(minutes=30)
    assert "SWAP" not in [sight.name for sight in visitors.sights(later)]
    with time_machine.travel(later, tick=True):
        run()
        assert [sight.name for sight in visitors.sights(later)] == SEEN
    old = Package.objects.filter(store=store, reference__regex=r"-[A-Z]+$")
    old_ids = set(old.values_list("pk", flat=True))
    evening.make(TUESDAY + timedelta(days=1))
    assert not Package.objects.filter(pk__in=old_ids, holder__isnull=False).exists(), "nobody is left with anything"
    assert [sight.name for sight in visitors.sights(TUESDAY + timedelta(days=1))] == SEEN


@pytest.mark.usefixtures("undone")
@pytest.mark.parametrize("local", ["04:05", "10:00", "17:27", "23:40", "03:20", "03:50"])
def test_the_scenes_are_there_at_any_hour(local: str) -> None:
    hour = time.fromisoformat(local)
    now = datetime.combine(TUESDAY.date() + timedelta(days=2), hour, ZoneInfo("America/New_York")).astimezone(UTC)
    evening.make(now, [scenes.PLACE])
    names = [sight.name for sight in visitors.sights(now)]
    # In the last minutes before four the evening is tomorrow's, and nobody of it is to be asked yet.
    assert [name for name in names if name != "SWAP"] == [name for name in SEEN if name != "SWAP"]


@pytest.mark.django_db
def test_without_a_demo_there_is_nobody_to_be() -> None:
    assert demo.sign_ins() == []
    assert demo.newcomers() == []
    assert "Make it: python manage.py demo" in run("--sign-ins")


@pytest.mark.django_db
@pytest.mark.parametrize("arguments", [(), ("--once",), ("--sign-ins",), ("--evening",)])
def test_no_demo_in_production(settings: Any, arguments: tuple[str, ...]) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="no demo in production"):
        run(*arguments)
    assert demo.sign_ins() == []
    assert Store.objects.count() == 0


# --- The walk -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def walked(undone: str, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Store, str]:
    """Bayonne's evening, stopped once with Ctrl-C and gone on with, at infinite speed; gives what was printed."""
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(walk, "ROUND_SECONDS", 0.1)
    real, turns = walk.Clock.wait_until, iter(range(60))

    def impatient(clock: walk.Clock, moment: datetime) -> None:
        if next(turns, None) is None:
            raise KeyboardInterrupt
        real(clock, moment)

    with time_machine.travel(TUESDAY, tick=True):
        with monkeypatch.context() as patch:
            patch.setattr(walk.Clock, "wait_until", impatient)
            printed = run("--evening", "--store", "5867", "--speed", "inf")
        assert "Stopped at" in printed
        printed += run("--evening", "--store", "5867", "--speed", "inf")
    return Store.objects.get(number=5867), printed


@pytest.mark.timeout(300)
def test_an_evening_is_walked_to_its_end(
    walked: tuple[Store, str], homes: dict[str, Point], caplog: pytest.LogCaptureFixture
) -> None:
    store, printed = walked
    found = outcome.outcome(store)
    assert found.unexplained == []
    assert sum(found.states.values()) == 30
    assert found.states[PackageState.DELIVERED] >= 8
    assert found.states[PackageState.WITH_CARRIER] >= 3, "what is too big or unknown is the carrier's"
    assert found.states[PackageState.RETURNED] >= 1, "one drop-off failed and came back"
    assert found.waited_s > 0

    trips = Trip.objects.filter(store=store).prefetch_related("entries")
    assert {trip.state for trip in trips} == {TripState.FINISHED}
    for trip in trips:
        assert trip.paid_cents is not None
        assert trip.paid_cents >= trip.pay_cents, "never paid less than quoted"
        assert trip.paid_cents == sum(entry.cents for entry in trip.entries.all())
        hourly = PayPlan.on(store, store.evening(TUESDAY)).hourly_cents
        worked = (trip.ended_at - trip.shift.ends_at).total_seconds()
        time_line = next(entry for entry in trip.entries.all() if entry.kind == LedgerEntry.Kind.TIME)
        assert time_line.cents >= math.floor(worked * hourly / 3600), "no minute after the shift is unpaid"
    delivered = Package.objects.filter(store=store, state=PackageState.DELIVERED)
    proofs = Proof.objects.filter(package__in=delivered)
    assert proofs.count() == delivered.count()
    assert all(proof.photo.size > 500 and not proof.far for proof in proofs)
    for phrase in ("claims", "from the open board", "back for the next round", "leaves with", "nobody home", "settled"):
        assert phrase in printed

    for package in Package.objects.filter(store=store):
        moments = list(package.events.order_by("version").values_list("at", flat=True))
        assert moments == sorted(moments), "time only grows"
    assert Event.objects.filter(store__number=3520, verb="claim", at__gt=TUESDAY).count() == 0, (
        "the other stores are left alone"
    )

    assert_no_home(homes, printed, caplog.text)


def assert_no_home(homes: dict[str, Point], *texts: str) -> None:
    """Every street and point that an associate lives at, looked for in what was printed and logged, and in every row of
    every table but the public one of addresses."""
    assert len(homes) >= 50
    for text in texts:
        assert not any(street in text for street in homes)
        assert not any(f"{value:.4f}" in text for point in homes.values() for value in (point.lat, point.lon))
    exact = {(f"{point.lat:.5f}", f"{point.lon:.5f}") for point in homes.values()}
    for model in apps.get_models():
        if model is AddressPoint:
            continue
        for row in model._default_manager.values_list():
            text = repr(row)
            assert not any(f"'{street}'" in text for street in homes), model
            assert not any(lat in text and lon in text for lat, lon in exact), model


@pytest.mark.usefixtures("undone")
def test_the_walk_refuses_what_it_cannot_do() -> None:
    with time_machine.travel(TUESDAY, tick=True):
        with pytest.raises(CommandError, match="3520, 5867, 5260"):
            run("--evening", "--store", "1")
        for speed in ("0", "-3", "nan"):
            with pytest.raises(CommandError, match="above 0"):
                run("--evening", "--speed", speed)


# --- The data -----------------------------------------------------------------------------------------------------------
def test_every_data_file_is_attributed() -> None:
    text = (ROOT / "docs/attributions.md").read_text(encoding="utf-8")
    files = sorted(path for path in pilot.DATA.iterdir() if path.is_file())
    assert len(files) == 3
    for path in files:
        [line] = [line for line in text.splitlines() if line.startswith(f"| `{path.name}` |")]
        rows = len(list(csv.DictReader(path.read_text(encoding="utf-8").splitlines())))
        assert f"| {rows:,} " in line, "says how many rows it has"


def test_homes_and_packages_share_no_address() -> None:
    lists = [pilot.around(place) for place in pilot.PILOT]
    assert all(len(live) >= 2 * crew.ASSOCIATES and len(go) >= 100 for live, go in lists)
    live, go = ({address.address1 for pair in lists for address in pair[side]} for side in (0, 1))
    assert not live & go
    for place, (_live, doors) in zip(pilot.PILOT, lists, strict=True):
        assert {address.state for address in doors} == {place.state}


def test_weights_and_sizes_meet_the_published_summary() -> None:
    rng = Random(7)
    drawn = [parcels.draw(rng) for _ in range(20_000)]
    weights = [parcel.weight_g for parcel in drawn]
    volumes = [parcel.length_mm * parcel.width_mm * parcel.height_mm / 1000 for parcel in drawn]
    for values, (q50, q90, q99) in ((weights, parcels.WEIGHT_G), (volumes, parcels.VOLUME_ML)):
        cuts = statistics.quantiles(values, n=100)
        assert cuts[49] == pytest.approx(q50, rel=0.12)
        assert cuts[89] == pytest.approx(q90, rel=0.12)
        assert cuts[98] == pytest.approx(q99, rel=0.15)
    logs = [math.log(value) for value in weights], [math.log(value) for value in volumes]
    assert statistics.correlation(*logs) == pytest.approx(parcels.WEIGHT_WITH_VOLUME, abs=0.08)
    assert min(weights) >= 50
    assert all(parcel.length_mm >= parcel.width_mm >= parcel.height_mm >= 20 for parcel in drawn)


# --- load_places --------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_places_are_loaded_once(tmp_path: Path) -> None:
    file = tmp_path / "places.csv"
    file.write_text(
        "\ufeffaddress1,address2,city,zip,lat,lon\n1 Main St,Apt 1,Bayonne,07002,40.66,-74.11\n"
        "1 Main Street,Apt 2,Bayonne,07002-1234,40.661,-74.111\n2 Main St,,Bayonne,07002,40.67,-74.12\n",
        encoding="utf-8",
    )
    for _turn in range(2):
        assert load_file(file).rows == 3
        assert AddressPoint.objects.count() == 2, "two apartments, one door"
    assert AddressPoint.objects.get(street="1 MAIN STREET").lat == 40.661
    assert load_file(pilot.ZIP_CENTROIDS).rows == ZipCentroid.objects.count()


@pytest.mark.django_db
def test_bad_rows_are_named_and_good_ones_kept(tmp_path: Path) -> None:
    file = tmp_path / "zips.csv"
    file.write_text("zip,lat,lon\n07002,40.66,-74.11\n7002,40.66,-74.11\n07003,nan,-74\n07004,40.1,1_0\n07005,40\n")
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(CommandError, match="4 rows were left out"):
        call_command("load_places", str(file), stdout=out, stderr=err)
    assert ZipCentroid.objects.count() == 1
    assert "row 3: zip is “7002”; five digits" in err.getvalue()
    assert "row 4: lat is “nan”" in err.getvalue()
    assert "row 5: lon is “1_0”" in err.getvalue()
    assert "row 6: lon is “”" in err.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "empty"),
        (b"a,b\n1,2\n", "must name at least zip, lat and lon"),
        (b"zip,lat,lon\n0700\xff,1,2\n", "not UTF-8"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_none_says_so(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    file = tmp_path / "places.csv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CommandError, match=complaint):
        call_command("load_places", str(file))


# --- draw_states --------------------------------------------------------------------------------------------------------
def test_the_diagram_is_drawn_and_checked(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    with pytest.raises(CommandError, match="is not there"):
        call_command("draw_states", file=readme)
    readme.write_text("# Homeward\n")
    with pytest.raises(CommandError, match="Add two lines"):
        call_command("draw_states", file=readme, check=True)
    readme.write_text("# Homeward\n<!-- states -->\n<!-- /states -->\nThe end.\n")
    with pytest.raises(CommandError, match="out of date"):
        call_command("draw_states", file=readme, check=True)
    call_command("draw_states", file=readme, stdout=io.StringIO())
    call_command("draw_states", file=readme, check=True, stdout=io.StringIO())
    text = readme.read_text()
    assert states.mermaid() in text
    assert text.startswith("# Homeward\n<!-- states -->\n```mermaid\n")
    assert text.endswith("```\n<!-- /states -->\nThe end.\n")


def test_the_readme_shows_the_table() -> None:
    readme = Path(settings.BASE_DIR) / "README.md"
    if not readme.exists():
        pytest.skip("README.md is not written yet")
    call_command("draw_states", check=True, stdout=io.StringIO())


def test_the_readme_names_only_what_is_there() -> None:
    """Its pictures and pages, and every file and folder of the table of where to find what."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = [target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", text) if "://" not in target]
    assert len(named) > 10
    table = text.split("## Where to find what")[1].split("\n## ")[0]
    for row in table.splitlines():
        folder = ""
        for path in re.findall(r"`([\w./]+)`", row.split("|")[1] if row.count("|") > 2 else ""):
            folder = path.split("/")[0] if "/" in path and not folder else folder
            named.append(path if (ROOT / path).exists() else f"{folder}/{path}")
    assert [path for path in named if not (ROOT / path).exists()] == []
