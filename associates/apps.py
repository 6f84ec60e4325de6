from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AssociatesConfig(AppConfig):
    name = "associates"
    verbose_name = _("Associates")
    default_auto_field = "django.db.models.BigAutoField"
