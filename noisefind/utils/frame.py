"""Columns as a pandas data frame; pandas is imported when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from noisefind.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd


def data_frame(columns: Mapping[str, object]) -> pd.DataFrame:
    """The data frame of columns of equal length.

    Raises:
        ConfigError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError:
        raise ConfigError('to_pandas needs pandas: pip install "noisefind[pandas]"') from None
    return pd.DataFrame(columns)
