"""Addresses of the front page and the associate pages."""

from django.urls import URLPattern, path

from deliveries.views import board, dropoffs, earnings, landing, messages, offers, photos, pickup, today, trips

urlpatterns: list[URLPattern] = [
    path("", landing.landing, name="landing"),
    path("demo/mail/", landing.demo_mail, name="demo_mail"),
    path("today/", today.today, name="today"),
    path("today/tonight/", today.tonight, name="tonight"),
    path("me/pause/", today.pause, name="pause"),
    path("me/leave/", today.leave, name="leave"),
    path("me/consents/<slug:kind>/withdraw/", today.withdraw_consent, name="withdraw_consent"),
    path("me/messages/", messages.messages, name="messages"),
    path("me/messages/test/", messages.test, name="messages_test"),
    path("me/messages/push/", messages.subscribe, name="messages_push"),
    path("me/messages/push/<int:subscription_id>/remove/", messages.remove, name="messages_push_remove"),
    path("offers/", offers.offers, name="offers"),
    path("offers/<int:offer_id>/", offers.offer, name="offer"),
    path("offers/<int:offer_id>/claim/", offers.claim, name="claim_offer"),
    path("offers/<int:offer_id>/not-tonight/", offers.not_tonight, name="not_tonight"),
    path("board/", board.board, name="board"),
    path("board/<int:package_id>/", board.package, name="board_package"),
    path("board/<int:package_id>/claim/", board.claim, name="claim_board"),
    path("trip/", trips.trip, name="trip"),
    path("trip/scan/", pickup.scan, name="scan"),
    path("trip/leave/", trips.leave_store, name="leave_store"),
    path("trip/cannot-go-on/", trips.cannot_go_on, name="cannot_go_on"),
    path("trip/packages/<int:package_id>/missing/", pickup.missing, name="missing"),
    path("trip/packages/<int:package_id>/give-back/", pickup.give_back, name="give_back"),
    path("trip/packages/<int:package_id>/<slug:what>/", trips.after_attempt, name="after_attempt"),
    path("trip/stops/<int:stop_id>/arrive/", trips.arrive, name="arrive"),
    path("trip/stops/<int:stop_id>/drop-off/", dropoffs.drop_off, name="drop_off"),
    path("trip/stops/<int:stop_id>/problem/", trips.problem, name="problem"),
    path("trip/proofs/<int:proof_id>/undo/", dropoffs.undo, name="undo"),
    path("earnings/", earnings.earnings, name="earnings"),
    path("earnings/<int:trip_id>/dispute/", earnings.dispute, name="dispute"),
    path("earnings/disputes/<int:dispute_id>/withdraw/", earnings.withdraw, name="withdraw_dispute"),
    path("proofs/<int:proof_id>/photo", photos.proof_photo, name="proof_photo"),
]
