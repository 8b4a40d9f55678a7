"""Frequencies: spelled, exact in both directions, and found in untidy stamps."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect.errors import ConfigError, DataError
from convect.frequency import Frequency

PANDAS = [
    *(
        "s",
        "30s",
        "min",
        "5min",
        "15min",
        "45min",
        "h",
        "2h",
        "7h",
        "12h",
        "D",
        "2D",
        "10D",
        "B",
        "2B",
        "W-SUN",
        "W-MON",
    ),
    *(
        "2W-WED",
        "4W-SAT",
        "MS",
        "ME",
        "2MS",
        "5ME",
        "QS-JAN",
        "QS-FEB",
        "QE-DEC",
        "QE-NOV",
        "2QS-JAN",
        "YS-JAN",
        "YS-APR",
    ),
    *("YE-DEC", "YE-JUN", "2YS-JAN", "BMS", "BME", "BQS-MAR", "BQE-DEC", "BYS-JAN", "BYE-DEC"),
]
OWN = ["D@9h", "2W-SUN@1", "h@30min", "15min@7", "MS@14D", "QE-OCT@17h", "2YS-JUL@1", "B@16h", "3B@2", "2D@1@330min"]


def stamps(alias: str, start: str, periods: int) -> pd.DatetimeIndex:
    return pd.date_range(start, periods=periods, freq=alias)


@pytest.mark.parametrize("alias", PANDAS + OWN)
def test_alias_is_canonical_and_read_back_as_itself(alias: str) -> None:
    frequency = Frequency.parse(alias)
    assert frequency.alias == alias
    assert Frequency(frequency.alias) == frequency
    assert frequency.matches(alias)


@pytest.mark.parametrize(
    ("text", "alias"),
    [
        *(
            ("H", "h"),
            ("T", "min"),
            ("S", "s"),
            ("1D", "D"),
            ("60min", "h"),
            ("24h", "D"),
            ("7D", "W-SUN"),
            (" 1W ", "W-SUN"),
        ),
        *(("1M", "MS"), ("M", "MS"), ("1Y", "YS-JAN"), ("Q", "QS-JAN"), ("Q-DEC", "QE-DEC"), ("A-JUN", "YE-JUN")),
        *(("AS-APR", "YS-APR"), ("QE-MAR", "QE-DEC"), ("QS-OCT", "QS-JAN"), ("12MS", "YS-JAN"), ("3ME", "QE-DEC")),
        *(
            ("weekly", "W-SUN"),
            ("Hourly", "h"),
            ("Annual", "YS-JAN"),
            ("15 min", "15min"),
            ("BM", "BME"),
            ("w-mon", "W-MON"),
        ),
    ],
)
def test_other_spellings_are_accepted(text: str, alias: str) -> None:
    assert Frequency.parse(text).alias == alias


@pytest.mark.parametrize(
    "text", ["", "dayly", "0D", "-1D", "W-JAN", "D-MON", "MS-FOO", "1.5h", "ms2", "B-MON", "D@", "x" * 99]
)
def test_no_frequency_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        Frequency.parse(text)


def test_refusal_names_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        Frequency.parse("dayly")
    assert str(caught.value) == (
        "UserError [config]: freq is 'dayly', which is no frequency. Did you mean 'daily'? "
        "Use one like h, 15min, D, B, W-SUN, MS, ME, QS-JAN, YS-JAN."
    )


def test_months_by_hand() -> None:
    frequency = Frequency("ME")
    assert frequency.ordinal(["1970-01-31", "1970-02-28", "1972-02-29", "1969-12-31"]).tolist() == [0, 1, 25, -1]
    assert list(frequency.from_ordinal([25]).strftime("%Y-%m-%d")) == ["1972-02-29"]
    assert frequency.on_grid(["1972-02-28", "1972-02-29", "1972-02-29T01"]).tolist() == [False, True, False]


def test_weekdays_by_hand() -> None:
    friday, saturday, monday = Frequency("B").ordinal(["2024-01-05", "2024-01-06", "2024-01-08"])
    assert (saturday - friday, monday - friday) == (0, 1)


@pytest.mark.parametrize("alias", PANDAS)
@pytest.mark.parametrize("start", ["1931-05-17", "1969-12-28", "2023-11-30"])
def test_steps_are_those_of_pandas(alias: str, start: str) -> None:
    expected = stamps(alias, start, 60)
    frequency = Frequency.infer(expected, stated=alias)
    assert frequency.on_grid(expected).all()
    assert np.diff(frequency.ordinal(expected)).tolist() == [1] * 59
    assert list(frequency.stamps(expected[0], 60)) == list(expected)


@given(st.sampled_from(PANDAS + OWN), st.lists(st.integers(-600, 600), min_size=1, max_size=40))
def test_ordinals_survive_the_round_trip(alias: str, offsets: list[int]) -> None:
    frequency = Frequency(alias)
    now = frequency.ordinal(["2000-01-01"])[0]
    ordinals = now + np.array(offsets) // (30 if frequency.family in "QY" else 1)
    back = frequency.from_ordinal(ordinals)
    assert frequency.ordinal(back).tolist() == ordinals.tolist()
    assert frequency.on_grid(back).all()


def test_stamps_beyond_nanoseconds_are_refused_not_wrapped() -> None:
    with pytest.raises(DataError) as caught:
        Frequency("YS").stamps("2250-01-01", 13)
    assert str(caught.value) == (
        "UserError [data]: A timestamp lies outside the years 1678 to 2261. Correct it, or lower the horizon."
    )
    assert len(Frequency("YS").stamps("2250-01-01", 12)) == 12


@given(st.sampled_from(PANDAS + OWN), st.integers(-(10**9), 3 * 10**9), st.integers(0, 10**7))
def test_ordinal_never_falls_with_time(alias: str, second: int, later: int) -> None:
    pair = np.array([second, second + later]).astype("datetime64[s]")
    first, then = Frequency(alias).ordinal(pair)
    assert first <= then


@pytest.mark.parametrize(
    ("alias", "seasons", "horizon"),
    [
        *(
            ("h", (24, 168), 24),
            ("D", (7,), 14),
            ("B", (5,), 10),
            ("W-SUN", (52,), 13),
            ("MS", (12,), 12),
            ("ME", (12,), 12),
        ),
        *(
            ("QS-JAN", (4,), 8),
            ("YS-JAN", (), 6),
            ("15min", (96, 672), 96),
            ("5min", (288, 2016), 288),
            ("4W-SUN", (13,), 6),
        ),
        *(("6h", (4, 28), 6), ("min", (60, 1440, 10080), 60), ("2MS", (6,), 6), ("2D", (), 7), ("7h", (24,), 6)),
    ],
)
def test_seasons_and_natural_horizon(alias: str, seasons: tuple[int, ...], horizon: int) -> None:
    frequency = Frequency(alias)
    assert (frequency.seasons, frequency.natural_horizon) == (seasons, horizon)
    assert frequency.season == (seasons or (1,))[0]
