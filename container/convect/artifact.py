"""A trained model as a directory: a manifest and data files, none of which can carry code."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect import __version__
from convect.config import Config
from convect.errors import PlatformError
from convect.frequency import Frequency
from convect.intervals import OWN_WIDENING, Intervals
from convect.manifest import FORMAT_VERSION, MANIFEST, TABLES, read_manifest, write_manifest
from convect.models.simple import Array
from convect.panel import Panel
from convect.schema import Schema
from convect.select import Weights
from convect.training import short, units
from convect.training.appending import table_files
from convect.training.pooled import BY_NAME, GlobalModels, Learnt
from convect.training.short import Short

LIBRARIES = ("numpy", "pandas", "statsforecast", "lightgbm", "pyarrow")
TAIL_ROWS = 840  # of each history: as many as any model looks at


@dataclass(frozen=True, eq=False)
class Artifact:
    """All that is needed to forecast: what was decided in training, the tail of each history, ready forecasts.

    forecasts: (n, h, 1 + Q), the mean and the quantiles at `intervals.levels` of each item of `panel`;
    weights.series: (n, M); scale: (n,) of each item; fallback: (n,) True where only the naive model served; states:
    (n, S) what the local models fitted to each history, see `moving.beside`; (n, 0) in an artifact that kept none.
    """

    schema: Schema
    config: Config
    seasons: tuple[int, ...]
    horizon: int
    panel: Panel
    weights: Weights
    intervals: Intervals
    scale: Array
    forecasts: Array
    fallback: NDArray[np.bool_]
    states: Array
    global_models: GlobalModels = field(default_factory=dict)

    @property
    def frequency(self) -> Frequency:
        """The frequency of every series."""
        return self.panel.frequency

    @property
    def season(self) -> int:
        """The shortest season in steps that the data showed, 1 where there is none."""
        return self.seasons[0] if self.seasons else 1

    @property
    def quantiles(self) -> tuple[float, ...]:
        """The quantiles that an answer has unless the request asks for others."""
        return self.config.quantiles

    @property
    def item_ids(self) -> tuple[str, ...]:
        """The items seen in training, ascending."""
        return tuple(self.panel.item_ids)

    @cached_property
    def position(self) -> Mapping[str, int]:
        """Where each item stands."""
        return {item: place for place, item in enumerate(self.panel.item_ids)}

    @cached_property
    def relative(self) -> float:
        """The typical scale of a series in units of its own size, see `units.scales`."""
        return units.relative_scale(self.scale, units.sizes(self.panel))

    @cached_property
    def short(self) -> Short:
        """What short histories allow to say, learnt from a sample of the kept ones."""
        return short.learn(self.panel, self.horizon, self.season, self.intervals.levels)

    def save(self, model_dir: Path, more: Iterable[Artifact] = ()) -> None:
        """Write it, and `more` items of the same training behind its own, into an existing or new directory.

        The manifest comes last, so that it vouches for the rest.
        """
        model_dir.mkdir(parents=True, exist_ok=True)
        items = 0
        with table_files(model_dir, TABLES) as tables:
            for part in chain([self], more):
                items += len(part.panel)
                for name, table in part._tables().items():
                    tables[name].add(table)
        for name, learnt in self.global_models.items():
            for number, one in enumerate(learnt):
                (model_dir / f"{name}-{number}.txt").write_text(BY_NAME[name].learner.to_text(one))
        files = [f"{name}.parquet" for name in TABLES]
        files += [f"{name}-{number}.txt" for name, found in self.global_models.items() for number in range(len(found))]
        write_manifest(model_dir, self._manifest() | {"items": items}, files)

    @classmethod
    def load(cls, model_dir: Path) -> Artifact:
        """Read an artifact. Raises PlatformError where it is absent, damaged or of another format version."""
        manifest = read_manifest(model_dir)
        try:
            return cls._assemble(model_dir, manifest)
        except (KeyError, TypeError, ValueError) as error:
            raise PlatformError(f"The artifact's {MANIFEST} is damaged.", "Copy model.tar.gz again.") from error

    @classmethod
    def _assemble(cls, model_dir: Path, manifest: Mapping[str, Any]) -> Artifact:
        tables = {name: pd.read_parquet(model_dir / f"{name}.parquet") for name in TABLES}
        items, names = tables["items"], manifest["weights"]["models"]
        panel = _panel(manifest, tables)
        levels = tuple(manifest["intervals"]["levels"])
        forecasts = tables["forecasts"].to_numpy(np.float64).reshape(len(panel), manifest["horizon"], 1 + len(levels))
        return cls(
            schema=Schema.parse(manifest["schema"]),
            config=Config.from_hyperparameters(manifest["config"]),
            seasons=tuple(manifest["seasons"]),
            horizon=manifest["horizon"],
            panel=panel,
            weights=Weights(
                tuple(names),
                np.array(manifest["weights"]["group"]),
                items[[f"weight:{name}" for name in names]].to_numpy(np.float64),
                np.array(manifest["weights"]["core"]),
            ),
            intervals=Intervals(
                levels,
                np.array(manifest["intervals"]["offsets"], np.float64).reshape(-1, len(levels)),
                items["ratio"].to_numpy(np.float64),
                float(manifest["intervals"]["power"]),
                float(manifest["intervals"].get("own", OWN_WIDENING)),
            ),
            scale=items["scale"].to_numpy(np.float64),
            forecasts=forecasts,
            fallback=items["fallback"].to_numpy(bool),
            states=items[[name for name in items.columns if name.startswith("state:")]].to_numpy(np.float64),
            global_models=_global_models(model_dir, sorted(manifest["files"])),
        )

    def _manifest(self) -> dict[str, Any]:
        return {
            "format_version": FORMAT_VERSION,
            "convect": __version__,
            "python": platform.python_version(),
            "libraries": {name: version(name) for name in LIBRARIES},
            "schema": self.schema.to_dict(),
            "config": self.config.to_dict(),
            "frequency": asdict(self.frequency),
            "clock_min": self.panel.clock_min,
            "seasons": list(self.seasons),
            "horizon": self.horizon,
            "items": len(self.panel),
            "categories": {name: list(values) for name, values in self.panel.categories.items()},
            "weights": {
                "models": list(self.weights.models),
                "group": self.weights.group.tolist(),
                "core": self.weights.core.tolist(),
            },
            "intervals": {
                "levels": list(self.intervals.levels),
                "power": self.intervals.power,
                "own": self.intervals.own,
                "offsets": [[None if np.isnan(x) else x for x in row] for row in self.intervals.offsets.tolist()],
            },
        }

    def _tables(self) -> dict[str, pd.DataFrame]:
        panel = self.panel
        items = {"item_id": panel.item_ids, "start": panel.starts, "length": panel.lengths}
        items |= {"scale": self.scale, "ratio": self.intervals.ratio, "fallback": self.fallback}
        items |= {f"weight:{name}": self.weights.series[:, k] for k, name in enumerate(self.weights.models)}
        items |= {f"state:{k:03}": self.states[:, k] for k in range(self.states.shape[1])}
        items |= {f"static:{name}": panel.static[:, k] for k, name in enumerate(panel.static_names)}
        history = {"value": panel.values, "observed": panel.observed}
        history |= {f"known:{name}": panel.known[:, k] for k, name in enumerate(panel.known_names)}
        history |= {f"past:{name}": panel.past[:, k] for k, name in enumerate(panel.past_names)}
        future = panel.future.reshape(len(panel) * panel.horizon, len(panel.known_names))
        columns = ["mean", *map(str, self.intervals.levels)]
        return {
            "items": pd.DataFrame(items),
            "history": pd.DataFrame(history),
            "future": pd.DataFrame({f"known:{name}": future[:, k] for k, name in enumerate(panel.known_names)}),
            "forecasts": pd.DataFrame(self.forecasts.reshape(-1, len(columns)), columns=columns),
        }


def _panel(manifest: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> Panel:
    items, history, future = tables["items"], tables["history"], tables["future"]

    def block(table: pd.DataFrame, role: str) -> tuple[Array, tuple[str, ...]]:
        columns = [name for name in table.columns if name.startswith(f"{role}:")]
        return table[columns].to_numpy(np.float64), tuple(name.partition(":")[2] for name in columns)

    known, known_names = block(history, "known")
    past, past_names = block(history, "past")
    static, static_names = block(items, "static")
    after, _ = block(future, "known")
    panel = Panel.build(
        Frequency(**manifest["frequency"]),
        items["item_id"].to_numpy(object),
        items["start"].to_numpy(),
        np.concatenate([[0], np.cumsum(items["length"])]),
        history["value"].to_numpy(),
        observed=history["observed"].to_numpy(),
        known=known,
        future=after.reshape(len(items), len(after) // len(items), len(known_names)) if known_names else None,
        past=past,
        static=static,
        known_names=known_names,
        past_names=past_names,
        static_names=static_names,
        categories={name: tuple(values) for name, values in manifest["categories"].items()},
    )
    return replace(panel, clock_min=manifest.get("clock_min"))  # a model from before it was kept has none


def _global_models(model_dir: Path, files: list[str]) -> GlobalModels:
    found: dict[str, tuple[Learnt, ...]] = {}
    for file in files:
        if file.endswith(".txt"):
            name = file.rpartition("-")[0]
            found[name] = (*found.get(name, ()), BY_NAME[name].learner.from_text((model_dir / file).read_text()))
    return found
