"""Static files in production: names carry a hash of what is in the file, in the imports of our modules, too."""

from __future__ import annotations

from servestatic.storage import CompressedManifestStaticFilesStorage


class HashedFiles(CompressedManifestStaticFilesStorage):
    """With a plain name in an `import` a page would have that module twice: its state, its listeners, all it sends.

    Only ours: libraries bring files whose comments look like imports of what is not there.
    """

    support_js_module_import_aggregation = True
    _js_module_import_aggregation_patterns = (
        "js/*.js",
        CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],
    )
