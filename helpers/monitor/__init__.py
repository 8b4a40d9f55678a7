"""Was the forecast as good as its backtest promised? Accuracy, coverage, drift, and whether to train again.

    report = monitor.monitor(forecasts, actuals, backtest, history, groups, season_steps=7)
    report.groups, report.items, report.retrain, report.reason

A function of tables, and a program, `python -m monitor`, that SageMaker runs in a processing job: the folder needs
pandas alone, and can be copied as it is.

How a flag is raised. What came is compared with the backtest of the same series at the same steps. A group is flagged
where it is worse in each of three ways: by more than chance (the one-sided bound of a t interval at 5 %, shared by
all groups and both figures), by enough to matter, and than each window of the backtest by itself. The unit of
chance is the series: the values of one are not taken to be independent, but the series of a group are. What strikes all
of them at once, such as a holiday, is flagged too; only you know whether it will stay.
"""

from .comparing import Report, monitor

__all__ = ["Report", "monitor"]
