"""Which package never goes with which associate: their own household, a colleague who opted out, a blocked pair.

Nobody's address is known for this. A household is the same e-mail address, or the same surname inside the same coarse
home cell; where that is one neighbour too many, the neighbour's package simply goes with somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from associates import home
from associates.models import Associate
from deliveries.models import BlockedPair, Package
from stores.places import Point, normal_street


def blocked(
    people: Sequence[Associate], cells: Mapping[int, Point], packages: Sequence[Package]
) -> dict[int, frozenset[int]]:
    """Ids of packages that each associate must not carry, by associate id; in three queries however many there are.

    `people` carry `employee` and `user` (select_related); `cells` are their coarse home cells.
    """
    opted_out = _mails_of_those_who_opted_out(people)
    pairs = BlockedPair.objects.filter(associate__in=[person.pk for person in people])
    mails = {(pair.associate_id, pair.email.casefold()) for pair in pairs if pair.email}
    doors = {(pair.associate_id, normal_street(pair.address1), pair.zip) for pair in pairs if pair.address1}
    cell_of = {package.pk: home.coarse(package.point) for package in packages}
    street_of = {package.pk: normal_street(package.address1) for package in packages}

    def never(person: Associate, package: Package) -> bool:
        mail = package.email.casefold()
        own = bool(mail) and mail == person.user.email.casefold()
        family = (
            cells.get(person.pk) == cell_of[package.pk] and _surname(package) == person.employee.last_name.casefold()
        )
        return (
            own
            or family
            or (bool(mail) and mail in opted_out)
            or (person.pk, mail) in mails
            or (person.pk, street_of[package.pk], package.zip) in doors
        )

    return {person.pk: frozenset(p.pk for p in packages if never(person, p)) for person in people}


def _mails_of_those_who_opted_out(people: Sequence[Associate]) -> set[str]:
    stores = {person.store_id for person in people}
    mails = Associate.objects.filter(store__in=stores, colleagues_may_bring=False).values_list("user__email", flat=True)
    return {mail.casefold() for mail in mails}


def _surname(package: Package) -> str:
    words = package.recipient.split()
    return words[-1].casefold() if words else ""
