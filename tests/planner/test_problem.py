"""Reading store-evening/1: the round trip, the optional fields, and errors that name the field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deliveries.planner import Problem, sample

from .tiny import evening


def data() -> dict[str, Any]:
    return json.loads(json.dumps(sample.evening(2, packages=4, associates=3).to_json()))


@pytest.mark.parametrize("seed", range(40))
def test_what_is_written_is_read_back(seed: int) -> None:
    problem = evening(seed)
    again = Problem.from_json(json.loads(json.dumps(problem.to_json())))
    assert (again.params, again.packages, again.associates) == (problem.params, problem.packages, problem.associates)
    assert again.time_s.tolist() == problem.time_s.tolist()


def test_a_plain_file_needs_no_optional_field() -> None:
    plain = data()
    del plain["params"]["max_bonus_cents"]
    assert not {"together"} & set(plain["packages"][0])
    assert not {"floor_cents_per_hour", "home_by_s", "bonus_cents", "blocked"} & set(plain["associates"][0])
    assert Problem.from_json(plain).associates[0].floor_cents_per_hour is None


@pytest.mark.parametrize(
    ("path", "value", "names"),
    [
        (("format",), "store-evening/2", "format"),
        (("packages",), None, "packages"),
        (("packages", 1), 7, r"packages\[1\]"),
        (("packages", 1, "id"), "", r"packages\[1\].id"),
        (("packages", 1, "id"), "P001", r"packages\[1\].id"),
        (("packages", 2, "weight_g"), -1, r"packages\[2\].weight_g"),
        (("packages", 2, "weight_g"), True, r"packages\[2\].weight_g"),
        (("packages", 2, "due_s"), float("nan"), r"packages\[2\].due_s"),
        (("packages", 2, "saved_cents"), "700", r"packages\[2\].saved_cents"),
        (("packages", 0, "associate_ok"), 1, r"packages\[0\].associate_ok"),
        (("packages", 0, "together"), 1, r"packages\[0\].together"),
        (("associates", 0, "max_detour_s"), 1.5, r"associates\[0\].max_detour_s"),
        (("associates", 0, "blocked"), "P001", r"associates\[0\].blocked"),
        (("associates", 2, "bonus_cents"), 201, r"associates\[2\].bonus_cents"),
        (("params", "service_s"), None, r"params.service_s"),
        (("params",), [], "params"),
        (("time_s",), [], "time_s"),
        (("time_s", 1), [1, 2], r"time_s\[1\]"),
        (("time_s", 1, 2), "x", r"time_s\[1\]\[2\]"),
        (("time_s", 1, 2), 3.5, r"time_s\[1\]\[2\]"),
    ],
)
def test_an_error_names_the_field(path: tuple[Any, ...], value: Any, names: str) -> None:
    wrong = data()
    place = wrong
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ValueError, match=names):
        Problem.from_json(wrong)


def test_a_missing_field_is_named() -> None:
    wrong = data()
    del wrong["associates"][1]["max_packages"]
    with pytest.raises(ValueError, match=r"associates\[1\].max_packages: missing"):
        Problem.from_json(wrong)
