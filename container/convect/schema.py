"""Which column of the user's table plays which role, named once at the door."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from convect.errors import ConfigError, nearest
from convect.reading.foreign import from_json, known_keys, own_schema, shown

ROLES = ("item_id", "timestamp", "target", "known_covariates", "past_covariates", "static", "hierarchy")
_SINGLE = ("timestamp", "target")
_EXAMPLE = '{"item_id": "unique_id", "timestamp": "ds", "target": "y"}'

# Usual names, best first. Within one group two hits are ambiguous; a later group is read only if no earlier one hits.
_USUAL = {
    "timestamp": (
        "timestamp ds datetime",
        "date time dt orderdate salesdate saledate",
        "ts eventtime",
        "day week month quarter year period hour",
    ),
    "target": (
        "target y targetvalue",
        "value",
        "demand sales quantity qty units unitssold volume count amount revenue orders load consumption usage traffic",
    ),
}
_SERIES_KEYS = "uniqueid seriesid timeseriesid tsid series seriesname"
_DIMENSIONS = (
    "itemid item itemname sku skuid product productid productcode article articleid store storeid storenbr shop shopid"
    " location locationid warehouse warehouseid sensor sensorid meter meterid device deviceid region country city"
)
_WEAK_KEYS = "id key name"


@dataclass(frozen=True)
class Schema:
    """The columns by role. Several item columns are joined with "/"; none means one series named "series".

    A column has one role, except that a level of `hierarchy` may also be an item column or a static one.
    """

    timestamp: str
    target: str
    item_id: tuple[str, ...] = ()
    known_covariates: tuple[str, ...] = ()
    past_covariates: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    hierarchy: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a column that is named twice; raises ConfigError."""
        roles = {role: getattr(self, role) for role in ROLES}
        _refuse_repeats({role: [names] if isinstance(names, str) else list(names) for role, names in roles.items()})

    @classmethod
    def parse(cls, value: Mapping[str, object] | str) -> Schema:
        """Return the schema of a mapping or of JSON text that names at least timestamp and target.

        Read are the product's own form, an Autopilot TimeSeriesConfig (item identifier and grouping attributes
        together are the item), and an Amazon Forecast schema: there string attributes beside item_id are joined
        to it as further item columns, numeric attributes beside the target become known covariates.
        Raises ConfigError.
        """
        partial = read_partial(value)
        for role in _SINGLE:
            if role not in partial:
                raise ConfigError(f"The schema names no {role} column.", f"Add it, for example {_EXAMPLE}.")
        return _build(partial)

    @classmethod
    def infer(cls, columns: Iterable[str]) -> Schema:
        """Return the schema that the usual column names suggest, whatever their case.

        Columns that are not recognised get no role; `unused` lists them. Raises ConfigError, listing the columns.
        """
        return cls.complete({}, columns)

    @classmethod
    def complete(cls, partial: Mapping[str, object] | str | None, columns: Iterable[str]) -> Schema:
        """Return `partial` with item_id, timestamp and target, where not named, inferred from `columns`.

        An empty list for item_id says that the table is one series. The columns of these three roles must be in
        `columns`; covariates may come from another table and are not looked for. Raises ConfigError.
        """
        names = [str(column) for column in columns]
        given = read_partial(partial or {})
        _refuse_absent(given, names)
        named = [value for role, value in given.items() if role != "hierarchy"]
        taken = {name for value in named for name in ([value] if isinstance(value, str) else value)}
        free = [name for name in names if name not in taken]
        found = {role: _recognise(role, free) for role in _SINGLE if role not in given}
        _refuse_unrecognised([role for role, name in found.items() if name is None], names)
        whole = {**{role: name for role, name in found.items() if name is not None}, **given}
        if "item_id" not in given:
            whole["item_id"] = _recognise_items([name for name in free if name not in whole.values()])
        return _build(whole)

    def to_dict(self) -> dict[str, object]:
        """Return the product's own form, fit for JSON; `parse` of it is this schema again."""
        return {role: list(names) if isinstance(names, tuple) else names for role, names in asdict(self).items()}

    @property
    def columns(self) -> tuple[str, ...]:
        """The named columns, each once, in the order of the roles."""
        single = (*self.item_id, self.timestamp, self.target)
        rest = (*self.known_covariates, *self.past_covariates, *self.static, *self.hierarchy)
        return tuple(dict.fromkeys((*single, *rest)))

    def unused(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Return those of `columns` that have no role, in their order."""
        return tuple(str(column) for column in columns if str(column) not in self.columns)

    def explain(self, columns: Iterable[str]) -> str:
        """Return one sentence that says which columns are read as what, and which of `columns` are not used."""
        item = " and ".join(map(repr, self.item_id)) if self.item_id else "none (one series)"
        unused = ", ".join(map(repr, self.unused(columns))) or "none"
        return f"Columns: item {item}, timestamp {self.timestamp!r}, target {self.target!r}; not used: {unused}."


def read_partial(value: Mapping[str, object] | str) -> dict[str, str | list[str]]:
    """Return the roles that `value` names, in the product's own form; timestamp and target may be absent.

    `value` is a mapping or JSON text in any form that `Schema.parse` reads; null means not named. Reading the
    result again gives the same. Raises ConfigError.
    """
    mapping = own_schema(_mapping(value))
    known_keys("The schema", mapping, ROLES)
    partial = {role: _names(role, mapping[role]) for role in ROLES if mapping.get(role) is not None}
    _refuse_repeats({role: [names] if isinstance(names, str) else names for role, names in partial.items()})
    return partial


def _mapping(value: object) -> Mapping[str, object]:
    remedy = f"Pass for example {_EXAMPLE}."
    decoded = from_json("The schema", value, remedy) if isinstance(value, str) else value
    if isinstance(decoded, Mapping):
        return decoded
    raise ConfigError(f"The schema must be a JSON object; found {shown(decoded)}.", remedy)


def _names(role: str, value: object) -> str | list[str]:
    if role in _SINGLE:
        if isinstance(value, str) and value.strip():
            return value
        raise _bad_names(role, "one column name", value)
    names = [value] if isinstance(value, str) else value
    if isinstance(names, list | tuple) and all(isinstance(name, str) and name.strip() for name in names):
        return list(names)
    raise _bad_names(role, "a column name or a list of them", value)


def _bad_names(role: str, form: str, value: object) -> ConfigError:
    message = f"The schema's {role} must be {form}; found {shown(value)}."
    return ConfigError(message, f"Pass for example {_EXAMPLE}.")


def _build(whole: Mapping[str, str | list[str]]) -> Schema:
    lists = {role: tuple(names) for role, names in whole.items() if role not in _SINGLE}
    return Schema(timestamp=str(whole["timestamp"]), target=str(whole["target"]), **lists)


def _refuse_repeats(roles: Mapping[str, list[str]]) -> None:
    seen: dict[str, str] = {}
    for role, names in roles.items():
        for name in names:
            if name in seen and not (role == "hierarchy" and seen[name] in ("item_id", "static")):
                both = f"twice in {role}" if seen[name] == role else f"as both {seen[name]} and {role}"
                raise ConfigError(f"The schema names column {shown(name)} {both}.", "Give each column one role.")
            seen[name] = role


def _refuse_absent(given: Mapping[str, str | list[str]], columns: list[str]) -> None:
    for role in ("item_id", "timestamp", "target"):
        names = given.get(role, [])
        for name in [names] if isinstance(names, str) else names:
            if name not in columns:
                message = f"The schema names {role} column {shown(name)}, which the table lacks."
                raise ConfigError(message, f"{nearest(name, columns)} {_listed(columns)}")


def _refuse_unrecognised(roles: list[str], columns: list[str]) -> None:
    if roles:
        example = ", ".join(f'"{role}": "<column>"' for role in roles)
        message = f"No {' and no '.join(roles)} column was recognised. {_listed(columns)}"
        raise ConfigError(message, f"Pass hyperparameter schema={{{example}}}.")


def _listed(columns: list[str]) -> str:
    more = f" and {len(columns) - 20} more" if len(columns) > 20 else ""
    return f"Columns found: {', '.join(columns[:20]) or 'none'}{more}."


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _recognise(role: str, columns: list[str]) -> str | None:
    for group in _USUAL[role]:
        hits = [name for name in columns if _plain(name) in group.split()]
        if len(hits) > 1:
            raise ConfigError(
                f"Columns {' and '.join(map(repr, hits))} could each be the {role}.",
                f'Pass hyperparameter schema={{"{role}": "<column>"}}.',
            )
        if hits:
            return hits[0]
    return None


def _recognise_items(columns: list[str]) -> list[str]:
    """Return the key of a series: one series key, else all usual dimensions joined, else a weak key, else none.

    Dimensions are joined since taking one of item and store would silently sum over the other.
    """
    for keys, several in ((_SERIES_KEYS, False), (_DIMENSIONS, True), (_WEAK_KEYS, False)):
        hits = [name for name in columns if _plain(name) in keys.split()]
        if hits:
            return hits if several else hits[:1]
    return []
