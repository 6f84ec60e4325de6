"""Every address of the site. What each app serves is in its own `urls.py`."""

from django.contrib import admin
from django.urls import include, path

from associates.sign_in import EnterCode
from config import health
from stores import second_step

handler404 = "deliveries.api.problems.not_found"
handler500 = "deliveries.api.problems.server_error"
urlpatterns = [
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("admin/", include("deliveries.views.staff_urls")),
    path("admin/", admin.site.urls),
    path("accounts/login/code/confirm/", EnterCode.as_view()),  # before allauth's own, whose name it answers to
    path("accounts/second-step/", second_step.second_step, name="second_step"),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("associates.urls")),
    path("", include("deliveries.urls")),
]
