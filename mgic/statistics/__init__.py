"""What several seeds say together. Light on purpose: the dashboard's pages load this."""

from mgic.statistics.summary import Summary, summary, t_interval

__all__ = ["Summary", "summary", "t_interval"]
