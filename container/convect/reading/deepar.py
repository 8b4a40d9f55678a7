"""The hyperparameters of a DeepAR job: what each becomes here, and which have no effect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from convect.reading import spelling

OURS: Mapping[str, str] = {"prediction_length": "horizon", "time_freq": "freq", "test_quantiles": "quantiles"}
IDLE = (
    "context_length",
    "epochs",
    "likelihood",
    "num_cells",
    "num_layers",
    "mini_batch_size",
    "learning_rate",
    "dropout_rate",
    "cardinality",
    "embedding_dimension",
    "num_dynamic_feat",
    "num_eval_samples",
    "early_stopping_patience",
)
_SIGNS = ("prediction_length", "time_freq", "context_length")  # DeepAR requires them; nobody else has all these names


def is_deepar(names: Iterable[str]) -> bool:
    """Say whether hyperparameters of these names are those of a DeepAR job."""
    return any(name in _SIGNS for name in names)


def parted(values: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """Return hyperparameters by whose name they bear: ours, and those of DeepAR that mean something here.

    The others of DeepAR are in neither. Where the job is not DeepAR's, all are ours.
    """
    if not is_deepar(values):
        return dict(values), {}
    own = {name: value for name, value in values.items() if name not in OURS and name not in IDLE}
    return own, {name: value for name, value in values.items() if name in OURS}


def idle(values: Mapping[str, object]) -> list[str]:
    """Return the names of DeepAR's hyperparameters that have no effect here; none where the job is not DeepAR's."""
    return [name for name in values if name in IDLE] if is_deepar(values) else []


def agree(name: str, one: object, other: object) -> bool:
    """Say whether two values of a setting of ours mean the same: of `freq` "h" and "H" do."""
    return one == other or (name == "freq" and spelling.read(str(one)) == spelling.read(str(other)))
