"""Oversold: the units by which accepted orders exceed what was ever in stock, per product.

What was ever in stock is the stock at the start of the run and every acknowledged adjustment of it.
"""

import numpy as np
import pandas as pd

from reports.frames import Run


def oversold(run: Run, stock: int) -> pd.Series:
    """Units oversold by product id, of the oversold products; each product started with `stock` units."""
    accepted = run.lines.groupby("product_id")["quantity"].sum()
    restocks = run.commands[
        ((run.commands["kind"] == "restock") & (run.commands["outcome"] == "acknowledged")).to_numpy()
    ]
    added = restocks.groupby("product_id")["quantity"].sum()
    short = (accepted - added.reindex(accepted.index, fill_value=0) - stock).astype(np.int64)
    return short[short > 0]
