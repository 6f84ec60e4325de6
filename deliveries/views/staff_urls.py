"""Addresses of the store's own pages, under /admin/ and before the admin's: its last pattern catches everything."""

from django.urls import path

from . import (
    bay,
    carrier_labels,
    imports,
    labels,
    message_previews,
    message_texts,
    payroll,
    reports,
    simulator,
    staff,
    store_custody,
    switches,
    tonight,
)

app_name = "staff"
urlpatterns = [
    path("", staff.home_view, name="home"),
    path("tonight/", tonight.tonight_view, name="tonight"),
    path("bay/", bay.bay_view, name="bay"),
    path("custody/", store_custody.custody_view, name="custody"),
    path("labels/", labels.labels_view, name="labels"),
    path("carrier-labels/", carrier_labels.carrier_labels_view, name="carrier_labels"),
    path("carrier-labels/print/", carrier_labels.carrier_print_view, name="carrier_print"),
    path("carrier-labels/pdf/", carrier_labels.carrier_pdfs_view, name="carrier_pdfs"),
    path("carrier-labels/<int:pk>/", carrier_labels.carrier_label_view, name="carrier_label"),
    path("payroll/", payroll.payroll_view, name="payroll"),
    path("payroll/<int:pk>/file/", payroll.payroll_file, name="payroll_file"),
    path("payroll/<int:pk>/signature/", payroll.payroll_signature, name="payroll_signature"),
    path("reports/", reports.reports_view, name="reports"),
    path("simulator/", simulator.simulator_view, name="simulator"),
    path("simulator/<int:pk>/", simulator.simulation_view, name="simulation"),
    path("simulator/<int:pk>/csv/", simulator.simulation_csv, name="simulation_csv"),
    path("imports/", imports.imports_view, name="imports"),
    path("imports/rates.csv", imports.rates_view, name="rates_csv"),
    path("imports/<uuid:pk>/", imports.import_view, name="import"),
    path("imports/<uuid:pk>/keep/", imports.import_keep, name="import_keep"),
    path("imports/<uuid:pk>/rejected/", imports.import_rejected, name="import_rejected"),
    path("switches/", switches.switches_view, name="switches"),
    path("messages/", message_previews.previews_view, name="messages"),
    path("messages/<slug:kind>/<slug:language>/", message_texts.message_text_view, name="message_text"),
]
