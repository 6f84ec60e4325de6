from django.apps import AppConfig


class AssociatesConfig(AppConfig):
    name = "associates"
    default_auto_field = "django.db.models.BigAutoField"
