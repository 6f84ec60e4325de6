"""Names of nobody: first names and surnames, put together at random. Pure."""

from __future__ import annotations

from random import Random

FIRST = (
    "Aaliyah", "Amara", "Andre", "Anjali", "Ben", "Bianca", "Caleb", "Carmen", "Chloe", "Dana", "Darnell", "Devin",
    "Elena", "Elijah", "Farah", "Felix", "Gloria", "Grace", "Hannah", "Hector", "Imani", "Isaac", "Jamal", "Jasmine",
    "Joel", "Kayla", "Kevin", "Lena", "Luis", "Malik", "Maya", "Mei", "Miles", "Nadia", "Noah", "Olivia", "Omar",
    "Paola", "Priya", "Quinn", "Rosa", "Ruben", "Sadie", "Samir", "Tessa", "Theo", "Uma", "Victor", "Wendy", "Zoe",
)  # fmt: skip
# Read the app in Spanish in the demo.
FIRST_SPANISH = (
    "Alejandra",
    "Beatriz",
    "Camilo",
    "Diego",
    "Esperanza",
    "Fernando",
    "Guadalupe",
    "Joaquín",
    "Marisol",
    "Ximena",
)
LAST = (
    "Abara", "Alvarez", "Bennett", "Castillo", "Chowdhury", "Coleman", "Cruz", "Delgado", "Ellison", "Farrow", "Figueroa",
    "Garland", "Greer", "Haddad", "Holloway", "Ibarra", "Jennings", "Kaplan", "Keller", "Kowalski", "Lindqvist", "Lowry",
    "Maddox", "Marsh", "Mendez", "Nakamura", "Novak", "Okafor", "Ortega", "Pacheco", "Patel", "Pham", "Quiroga", "Ramos",
    "Rhodes", "Salazar", "Santana", "Shah", "Sorensen", "Tran", "Tucker", "Vance", "Vega", "Whitaker", "Yoder", "Zamora",
)  # fmt: skip


def people(rng: Random, count: int, first_names: tuple[str, ...] = FIRST) -> list[tuple[str, str]]:
    """`count` pairs of first name and surname; no first name twice until all are used, no pair twice."""
    firsts: list[str] = []
    while len(firsts) < count:
        firsts += rng.sample(first_names, len(first_names))
    seen: set[tuple[str, str]] = set()
    for first in firsts[:count]:
        pair = first, rng.choice(LAST)
        while pair in seen:
            pair = first, rng.choice(LAST)
        seen.add(pair)
    return sorted(seen, key=lambda pair: firsts.index(pair[0]))
