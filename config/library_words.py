"""Words that come from libraries without (all of) their Spanish: named here so that our catalogue has them.

Nothing imports this; `make messages` reads it. Django looks a sentence up in our catalogue whoever asks for it.
"""

from django.utils.translation import gettext_lazy as _

UNFOLD = (
    _("Select record"),
    _("Select action"),
    _("Select action to run"),
    _("Select value"),
    _("Run"),
    _("Filters"),
    _("Expand row"),
    _("Welcome back to"),
    _("Forgotten your password or username?"),
    _("Type to search"),
    _("You have been successfully logged out from the administration"),
    _("No data"),
    _("More actions"),
    _("All applications"),
    _("True"),
    _("False"),
    _("Apply Filters"),
    _("Select all rows"),
    _("No results matching your query"),
    _("Loading more results..."),
    _("No results found"),
    _("This page yielded into no results. Create a new item or reset your filters."),
    _("Reset filters"),
    _("Go back"),
    _("Previous"),
    _("Next"),
    _("Search apps and models..."),
    _("General"),
    _("Light"),
    _("Dark"),
    _("System"),
    _("Return to site"),
    _("This item will be deleted."),
    _("Click to cancel"),
    _("Choose file to upload"),
    _("Toggle password visibility"),
)
