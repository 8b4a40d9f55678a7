"""Training jobs that must not succeed, each with the one sentence it ends with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convect.hyperparameters import HYPERPARAMETERS
from tests.contract.jobs import Job, csv, parquet
from tests.unit.made import table


@dataclass
class Bad:
    """A job that must not succeed, and the sentence it ends with."""

    sentence: str
    content: bytes = b""
    name: str = "train.csv"
    hyperparameters: Any = None
    channels: tuple[str, ...] = ("train",)

    def put(self, base: Path) -> Job:
        """The job as the platform would lay it out below `base`."""
        job = Job(base)
        if self.name:
            job.put("train", self.name, self.content)
        job.configure(self.hyperparameters or {}, *self.channels)
        return job


SMALL = table(3, 50)


def without(column: str) -> bytes:
    return csv(SMALL.drop(columns=column))


def text_in_target() -> bytes:
    return csv(SMALL.astype({"target": object}).assign(target=lambda f: f["target"].where(f.index != 4, "many")))


PLAIN = csv(SMALL)
ADD_TRAIN = "Add an input channel named 'train': the table to forecast: item, stamp, target and, if any, covariates."
RENAME = "Give it the ending of its content (.csv, .parquet, .jsonl), or write it in the named form."
WHOLE = "Correct it, or leave it out for the default: one natural span of the frequency (14 days, 12 months, 24 hours)."
FILE, CONFIG, DATA, CHANNEL = (f"UserError [{code}]: " for code in ("file", "config", "data", "channel"))
KNOWN = ", ".join(parameter.name for parameter in HYPERPARAMETERS)

BAD: dict[str, Bad] = {
    "no channel": Bad(f"{CHANNEL}There is no channel 'train'; found none. {ADD_TRAIN}", PLAIN, channels=()),
    "no train channel": Bad(
        f"{CHANNEL}There is no channel 'train'; found training. {ADD_TRAIN}", PLAIN, channels=("training",)
    ),
    "unknown channel": Bad(
        f"{CHANNEL}Channel 'statics' is not known. Did you mean 'static'?"
        " The channels are train, related, static, test, model.",
        PLAIN,
        channels=("train", "statics"),
    ),
    "no file": Bad(
        f"{FILE}Channel 'train' holds no file. Put CSV, Parquet or JSON Lines files below its prefix.", name=""
    ),
    "empty file": Bad(f"{FILE}File 'train.csv' of channel 'train' is empty. Provide a file with a header and rows."),
    "only a header": Bad(
        f"{FILE}File 'train.csv' of channel 'train' has column names but no rows. Provide at least one row of data.",
        b"item_id,timestamp,target\n",
    ),
    "parquet called csv": Bad(
        f"{FILE}File 'train.csv' of channel 'train' is named as text but holds Parquet. {RENAME}", parquet(SMALL)
    ),
    "csv called parquet": Bad(
        f"{FILE}File 'train.parquet' of channel 'train' is named as Parquet but holds text. {RENAME}",
        PLAIN,
        "train.parquet",
    ),
    "csv called gz": Bad(
        f"{FILE}File 'train.csv.gz' of channel 'train' is named .gz but is not gzip data."
        " Drop the ending .gz, or compress it.",
        PLAIN,
        "train.csv.gz",
    ),
    "a picture called csv": Bad(
        f"{FILE}File 'train.csv' of channel 'train' holds binary data that is not Parquet."
        " Write it as CSV, Parquet or JSON Lines.",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)),
    ),
    "half a parquet": Bad(
        f"{FILE}File 'train.parquet' of channel 'train' is damaged or cut short. Write or upload it again.",
        parquet(SMALL)[:-200],
        "train.parquet",
    ),
    "target missing": Bad(
        f"{CONFIG}No target column was recognised. Columns found: item_id, timestamp."
        ' Pass hyperparameter schema={"target": "<column>"}.',
        without("target"),
    ),
    "timestamp missing": Bad(
        f"{CONFIG}No timestamp column was recognised. Columns found: item_id, target."
        ' Pass hyperparameter schema={"timestamp": "<column>"}.',
        without("timestamp"),
    ),
    "target misspelt": Bad(
        f"{CONFIG}The schema names target column 'targt', which the table lacks."
        " Did you mean 'target'? Columns found: item_id, timestamp, target.",
        PLAIN,
        hyperparameters={"schema": '{"target": "targt"}'},
    ),
    "covariate missing": Bad(
        "UserError [column_missing]: The table lacks column 'price'. Columns found: item_id, timestamp, target.",
        PLAIN,
        hyperparameters={"schema": '{"known_covariates": ["price"]}'},
    ),
    "text in the target": Bad(
        "UserError [not_a_number]: The target column 'target' of the table has 1 row that is no number:"
        " row 5 holds text, 'many'. Write a number such as 1234.5, or leave the cell empty where it is not known.",
        text_in_target(),
    ),
    "text in the stamp": Bad(
        f"{DATA}Column 'timestamp' of the table holds 'soon', which cannot be read as a timestamp,"
        " in row 5 (3 rows are like it: 5, 55 and 105)."
        " Write timestamps between the years 1678 and 2261 as 2024-01-31 or 2024-01-31 18:00:00.",
        csv(SMALL.astype(str).replace({"timestamp": {"2024-01-05": "soon"}})),
    ),
    "frequency does not fit": Bad(
        f"{DATA}freq is 'W-MON', but the timestamps do not fit it, for example 2024-01-03 00:00:00."
        " They look like W-WED. Pass freq=W-WED, leave freq out, or aggregate the table to the frequency you want.",
        csv(table(3, 50, freq="W-WED")),
        hyperparameters={"freq": "W-MON"},
    ),
    "no frequency": Bad(
        f"{CONFIG}freq is 'fortnightly', which is no frequency."
        " Use one like h, 15min, D, B, W-SUN, MS, ME, QS-JAN, YS-JAN.",
        PLAIN,
        hyperparameters={"freq": "fortnightly"},
    ),
    "horizon too long": Bad(
        f"{CONFIG}Hyperparameter horizon is 50, but the longest series has 50 rows."
        " Lower horizon, or give longer series.",
        PLAIN,
        hyperparameters={"horizon": "50"},
    ),
    "unknown hyperparameter": Bad(
        f"{CONFIG}Unknown hyperparameter 'horzon'. Did you mean 'horizon'? Known: {KNOWN}.",
        PLAIN,
        hyperparameters={"horzon": "7"},
    ),
    "value out of range": Bad(
        f"{CONFIG}Hyperparameter horizon must be a whole number from 1 to 10000; found '0'. {WHOLE}",
        PLAIN,
        hyperparameters={"horizon": "0"},
    ),
    "value of another kind": Bad(
        f"{CONFIG}Hyperparameter horizon must be a whole number from 1 to 10000; found 'seven'. {WHOLE}",
        PLAIN,
        hyperparameters={"horizon": "seven"},
    ),
    "quantile out of range": Bad(
        f"{CONFIG}Hyperparameter quantiles must be 1 to 99 numbers between 0 and 1 such as 0.1,0.5,0.9;"
        " found '0.1,1.5'. Correct it, or leave it out for the default: 0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9.",
        PLAIN,
        hyperparameters={"quantiles": "0.1,1.5"},
    ),
    "unknown preset": Bad(
        f"{CONFIG}Hyperparameter preset must be one of fast, balanced, best; found 'fastest'."
        " Correct it, or leave it out for the default: balanced.",
        PLAIN,
        hyperparameters={"preset": "fastest"},
    ),
    "unknown country": Bad(
        f"{CONFIG}holidays names 'XX', which is no country with known holidays."
        " Did you mean 'XK' or 'SX' or 'MX'? Use two-letter codes such as US or DE.",
        PLAIN,
        hyperparameters={"holidays": "XX"},
    ),
    "hyperparameters are no json": Bad(
        f"{CONFIG}input/config/hyperparameters.json is not valid JSON. Correct or remove the file.",
        PLAIN,
        hyperparameters='{"horizon": ',
    ),
    "nothing but empty targets": Bad(
        f"{DATA}No row has a target, so there is nothing to forecast. Check the target column.",
        csv(SMALL.assign(target=np.nan)),
    ),
}
