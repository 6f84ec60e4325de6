"""What an evening and a pilot came to: counted from the rows, never from what anybody did not want.

evenings.py  rows -> figures of each evening of one store
charts.py    figures -> SVG without script or inline style                                  pure
"""

from .evenings import Evening, Total, evenings, total

__all__ = ["Evening", "Total", "evenings", "total"]
