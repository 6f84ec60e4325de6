"""OSRM by URL against a real HTTP server: right answers, and every way of being wrong, slow or half there."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from config.servers import free_port
from deliveries.travel import Careful, Osrm, PowerLaw, RoutingFault
from deliveries.travel.osrm import ATTEMPTS, REST_S

from . import stand_in
from .stand_in import SPEED_M_S, Answer, StandIn, drive

TOWN = [(39.40 + 0.003 * (k % 12), -76.80 + 0.004 * (k // 12)) for k in range(230)]


def expected(points: list[tuple[float, float]]) -> np.ndarray:
    return np.array([[drive((b, a), (d, c)) if (a, b) != (c, d) else 0.0 for c, d in points] for a, b in points])


def test_a_table_larger_than_one_request_is_put_together_right(osrm: StandIn) -> None:
    found = Osrm(osrm.url).drives(TOWN)
    metres = expected(TOWN)
    assert not found.estimated
    assert found.seconds.dtype == found.metres.dtype == np.int32
    assert np.abs(found.metres - metres).max() < 1.001
    assert np.abs(found.seconds - metres / SPEED_M_S).max() < 1.001
    assert (found.metres != found.metres.T).any(), "one-way streets: rows are from, columns are to"
    assert len(osrm.asked) == 9
    assert max(points for _service, points, _asked in osrm.asked) <= 200


def test_a_way_has_a_number_a_leg_and_a_line(osrm: StandIn) -> None:
    way = Osrm(osrm.url).way(TOWN[:4])
    legs = [drive((a[1], a[0]), (b[1], b[0])) for a, b in itertools.pairwise(TOWN[:4])]
    assert way.metres == pytest.approx(legs, abs=1)
    assert way.seconds == pytest.approx([leg / SPEED_M_S for leg in legs], abs=1)
    assert way.line == tuple(TOWN[:4])
    assert not way.estimated
    assert Osrm(osrm.url).way(TOWN[:1]).seconds == ()


def test_a_pair_without_a_road_is_a_fact_not_a_fault(osrm: StandIn) -> None:
    def cut_off(answer: Answer) -> Answer:
        for table in ("durations", "distances"):
            for row in answer[table]:
                row[2] = None
        return answer

    osrm.twist = cut_off
    found = Osrm(osrm.url).drives(TOWN[:5])
    assert (found.seconds[:, 2] == -1).all()
    assert (found.metres[:, 2] == -1).all()
    assert (np.delete(found.seconds, 2, axis=1) >= 0).all()


def test_a_point_that_no_road_is_near_has_no_drives_and_the_others_keep_theirs(osrm: StandIn) -> None:
    def out_at_sea(answer: Answer) -> Answer:
        answer["sources"][1]["distance"] = answer["destinations"][1]["distance"] = 40_000.0
        return answer

    osrm.twist = out_at_sea
    found = Osrm(osrm.url).drives(TOWN[:5])
    assert (found.seconds[1] == -1).all()
    assert (found.seconds[:, 1] == -1).all()
    assert (np.delete(np.delete(found.seconds, 1, 0), 1, 1) >= 0).all()


def test_no_way_at_all_is_said_leg_by_leg(osrm: StandIn) -> None:
    osrm.behave = stand_in.status(400, b'{"code":"NoRoute","message":"Impossible route between points"}')
    assert Osrm(osrm.url).way(TOWN[:3]).seconds == (-1, -1)


def _another_map(answer: Answer) -> Answer:
    for point in answer["sources"] + answer["destinations"]:
        point["distance"] = 900_000.0
    return answer


def _without(name: str) -> Callable[[Answer], Any]:
    return lambda answer: {key: value for key, value in answer.items() if key != name}


def _with(value: object) -> Callable[[Answer], Any]:
    def twist(answer: Answer) -> Answer:
        answer["durations"][0][1] = value
        return answer

    return twist


WRONG: dict[str, tuple[Callable[[Answer], Any], str]] = {
    "another map": (_another_map, "off_map"),
    "no durations": (_without("durations"), "answer"),
    "no distances": (_without("distances"), "answer"),
    "no waypoints": (_without("sources"), "answer"),
    "a row short": (lambda answer: answer | {"durations": answer["durations"][:-1]}, "answer"),
    "a cell short": (lambda answer: answer | {"distances": [row[:-1] for row in answer["distances"]]}, "answer"),
    "words": (_with("soon"), "answer"),
    "below zero": (_with(-5), "answer"),
    "a year": (_with(31_000_000), "answer"),
    "infinite": (_with(float("inf")), "answer"),
    "longer than any float": (_with(10**400), "answer"),
    "a list": (lambda answer: [answer], "answer"),
    "nothing": (lambda answer: None, "answer"),
    "another code": (lambda answer: {"code": "TooBig", "message": "Too many"}, "answer"),
    "rows of nothing": (lambda answer: answer | {"durations": [None] * len(answer["durations"])}, "answer"),
    "points of nothing": (lambda answer: answer | {"sources": [None] * len(answer["sources"])}, "answer"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_it_says_is_not_believed_unchecked(osrm: StandIn, what: str) -> None:
    osrm.twist, kind = WRONG[what]
    with pytest.raises(RoutingFault) as fault:
        Osrm(osrm.url).drives(TOWN[:4])
    assert fault.value.kind == kind
    assert len(osrm.asked) == 1, "the same question would get the same answer"


BROKEN: dict[str, tuple[Callable[[Any], bool], str]] = {
    "silent": (stand_in.silent, "timeout"),
    "dripping": (stand_in.drip, "timeout"),
    "half an answer": (stand_in.half, "unreachable"),
    "status 500": (stand_in.status(500), "server"),
    "status 429": (stand_in.status(429), "server"),
    "a proxy's page": (stand_in.status(200, b"<html>welcome</html>"), "answer"),
    "a redirect": (stand_in.status(302, b""), "answer"),
    "no segment": (stand_in.status(400, b'{"code":"NoSegment","message":"..."}'), "off_map"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_server_costs_bounded_time_and_then_nothing(osrm: StandIn, what: str) -> None:
    behave, kind = BROKEN[what]
    osrm.behave = behave
    noted: list[RoutingFault] = []
    server = Osrm(osrm.url, seconds=0.5)
    careful = Careful(server, PowerLaw(), noted.append)
    began = time.monotonic()
    found = careful.drives(TOWN[:6])
    assert time.monotonic() - began < 5, "half a second, and slack for a busy machine"
    assert found.estimated
    assert (found.seconds == PowerLaw().drives(TOWN[:6]).seconds).all()
    assert careful.way(TOWN[:3]).estimated
    assert noted[0].kind == kind
    assert len(osrm.asked) <= 2 * ATTEMPTS
    assert "39." not in str(noted[0]), "a log names no places"


def test_nobody_listens() -> None:
    noted: list[RoutingFault] = []
    careful = Careful(Osrm(f"http://127.0.0.1:{free_port()}"), PowerLaw(), noted.append)
    assert careful.drives(TOWN[:3]).estimated
    assert noted[0].kind == "unreachable"


def test_after_a_fault_it_is_left_alone_and_then_asked_again(osrm: StandIn) -> None:
    clock = [100.0]
    server = Osrm(osrm.url, clock=lambda: clock[0])
    osrm.behave = stand_in.status(503)
    with pytest.raises(RoutingFault, match="server"):
        server.drives(TOWN[:3])
    assert len(osrm.asked) == ATTEMPTS
    osrm.behave = None
    with pytest.raises(RoutingFault, match="resting"):
        server.drives(TOWN[:3])
    assert len(osrm.asked) == ATTEMPTS
    clock[0] += REST_S + 1
    assert not server.drives(TOWN[:3]).estimated


def test_one_bad_moment_is_tried_again(osrm: StandIn) -> None:
    once = iter([True])

    def behave(request: stand_in.Osrm) -> bool:
        if next(once, False):
            request.say(502, b"")
            return True
        return False

    osrm.behave = behave
    assert not Osrm(osrm.url).drives(TOWN[:3]).estimated
    assert len(osrm.asked) == 2
