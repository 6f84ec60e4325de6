"""The columns of a package, in one table: the header check, the OpenAPI description and docs/integration.md follow it."""

from __future__ import annotations

from stores.feeds.sheets import Column, Sheet

WEIGHT = ("weight_g", "weight_kg", "weight_lb", "weight_oz")
LENGTH = ("length_mm", "length_cm", "length_in")
WIDTH = ("width_mm", "width_cm", "width_in")
HEIGHT = ("height_mm", "height_cm", "height_in")

PACKAGES = Sheet(
    "packages",
    (
        Column("store", "The store's number.", "3520", required=True),
        Column("reference", "Your number for the package, once a store.", "W-1000231-1", required=True, longest=64),
        Column("recipient", "Who it is for.", "Sam Carter", required=True, longest=80),
        Column("phone", "Their phone, for messages on the way.", "201-555-0123", longest=40),
        Column("email", "Their e-mail address.", "sam@example.net", longest=254),
        Column("language", "Language of messages: en (when empty) or es.", "en"),
        Column("address1", "House number and street.", "14 W 53rd St", required=True, longest=120),
        Column("address2", "Apartment, floor.", "Apt 3B", longest=60),
        Column("city", "City.", "Bayonne", required=True, longest=60),
        Column("state", "Two letters.", "NJ", required=True),
        Column("zip", "Five digits, or ZIP+4.", "07002", required=True),
        Column("lat", "Latitude of the door, degrees of WGS 84; with lon or not at all.", "40.67021"),
        Column("lon", "Longitude of the door; negative in the United States.", "-74.11594"),
        Column("instructions", "For whoever stands at the door.", "Side door", longest=280),
        Column("weight_g", "Weight of the packed parcel in whole grams.", "1450"),
        Column("weight_kg", "… or in kilograms.", "1.45"),
        Column("weight_lb", "… or in pounds.", "3.2"),
        Column("weight_oz", "… or in ounces.", "51.2"),
        Column("length_mm", "Its length in millimetres.", "305"),
        Column("length_cm", "… or in centimetres.", "30.5"),
        Column("length_in", "… or in inches.", "12"),
        Column("width_mm", "Its width in millimetres.", "229"),
        Column("width_cm", "… or in centimetres.", "22.9"),
        Column("width_in", "… or in inches.", "9"),
        Column("height_mm", "Its height in millimetres.", "102"),
        Column("height_cm", "… or in centimetres.", "10.2"),
        Column("height_in", "… or in inches.", "4"),
        Column("value_usd", "What is inside, in dollars; 0 when empty.", "24.99"),
        Column("carrier_usd", "What your carrier would charge, in dollars.", "8.75", required=True),
        Column(
            "deliver_by",
            "The promise: ISO 8601 with an offset, or without one in the store's local time.",
            "2026-11-24T21:00",
            required=True,
        ),
        Column("associate_ok", "false when only a carrier may bring it; true when empty.", "true"),
        Column(
            "item_class",
            "What is inside: general (when empty), food, medicine, alcohol or valuables. Only general may stay with an "
            "associate overnight.",
            "general",
        ),
        Column("pin_required", "true: handed over against a PIN only. When empty, true for valuables.", "false"),
    ),
    one_of=(WEIGHT, LENGTH, WIDTH, HEIGHT),
)
