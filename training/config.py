"""Reading experiment configs: `extends`, dotted overrides, and every mistake reported at once.

YAML is read as YAML 1.2, so that `no` is a string and `3e-5` a number, and safely: tags that build objects are errors.
"""

import difflib
import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

_COMMAND_LINE = "command line"


class ConfigError(ValueError):
    """A config that can't be run; the message lists every mistake with its file and key."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def _check_template(template: str) -> str:
    rest = template.replace("{actor}", "").replace("{target}", "")
    if "{actor}" not in template or "{target}" not in template or "{" in rest or "}" in rest:
        raise ValueError("expected {actor} and {target} and no other braces, as in '{actor} on {target}'")
    return template


def _check_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ValueError("expected letters, digits, '.', '_' and '-' only: the run folder is named so")
    return name


def _check_file(path: str) -> str:
    if not Path(path).is_file():
        raise ValueError(f"expected an existing file (seen from {Path.cwd()})")
    return path


DataFile = Annotated[str, AfterValidator(_check_file)]
Share = Annotated[float, Field(ge=0, lt=1)]


class DataConfig(_Section):
    """Where the labelled records are."""

    train: DataFile
    validation: DataFile
    test: DataFile
    teachers: list[DataFile]
    train_share: Annotated[float, Field(gt=0, le=1)]
    held_out_actors: list[Annotated[str, Field(min_length=1)]]
    held_out_targets: list[Annotated[str, Field(min_length=1)]]

    @model_validator(mode="after")
    def _teachers_know_everything(self) -> Self:
        if self.teachers and (self.train_share < 1 or self.held_out_actors or self.held_out_targets):
            raise ValueError("teachers can't be combined with train_share or held_out_…: they answer what was left out")
        return self


class ModelConfig(_Section):
    """The classifier; see `actorstance.models.StanceConfig`."""

    encoder: Annotated[str, Field(min_length=1)]
    revision: str | None
    pooling: Literal["mean", "cls"]
    query_template: Annotated[str, AfterValidator(_check_template)]
    mark_actor: bool
    max_tokens: Annotated[int, Field(ge=32, le=8192)]
    dropout: Share
    encoder_dropout: Share | None


class TrainingConfig(_Section):
    """How the model is fitted; see `configs/default.yaml` for what each does."""

    epochs: Annotated[int, Field(ge=1, le=1000)]
    batch_size: Annotated[int, Field(ge=1, le=4096)]
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    scheduler: Literal["linear", "cosine", "constant"]
    warmup_share: Share
    weight_decay: Annotated[float, Field(ge=0, le=1)]
    max_grad_norm: Annotated[float, Field(gt=0)]
    class_weights: Literal["none", "balanced"]
    label_smoothing: Share
    teacher_share: Annotated[float, Field(ge=0, le=1)]
    early_stopping_patience: Annotated[int, Field(ge=1)] | None
    precision: Literal["auto", "bf16", "fp32"]


class TrackingConfig(_Section):
    """Where Weights & Biases puts the run."""

    mode: Literal["auto", "online", "offline", "disabled"]
    project: Annotated[str, Field(min_length=1)]
    entity: str | None
    group: str | None
    job_type: str | None
    tags: list[str]
    artifacts: bool
    timeout: Annotated[int, Field(ge=1, le=3600)]


class RunConfig(_Section):
    """One experiment."""

    name: Annotated[str, AfterValidator(_check_name)]
    output_dir: Annotated[str, Field(min_length=1)]
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    data: DataConfig
    model: ModelConfig
    training: TrainingConfig
    tracking: TrackingConfig

    @property
    def run_dir(self) -> Path:
        """The run's folder."""
        return Path(self.output_dir) / self.name

    def to_yaml(self) -> str:
        """The resolved config; `load_config` reads it back."""
        writer: Any = YAML(typ="safe", pure=True)
        writer.default_flow_style = False
        writer.sort_base_mapping_type_on_output = False
        buffer = StringIO()
        writer.dump(self.model_dump(), buffer)
        return buffer.getvalue()


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a config file, the files it extends and the overrides, and check all of it.

    Args:
        path: YAML file; `extends: other.yaml`, relative to it, names a file whose values it changes.
        overrides: `section.key=value`, the value as YAML; later ones win.

    Raises:
        ConfigError: every mistake found, one a line: where it stands, what was expected, what was found.
    """
    layers = _read_layers(Path(path), seen=())
    problems: list[str] = []
    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator or not re.fullmatch(r"\w+(\.\w+)*", key):
            problems.append(f"{_COMMAND_LINE}: expected section.key=value, found {override!r}")
            continue
        layers.append((_COMMAND_LINE, _nest(key.split("."), _parse_value(value))))
    merged: Any = OmegaConf.create()
    for source, content in layers:
        try:
            merged = OmegaConf.merge(merged, content)
        except (OmegaConfBaseException, TypeError, RecursionError) as error:
            problems.append(f"{source}: {str(error).splitlines()[0]}")
    try:
        config = RunConfig.model_validate(OmegaConf.to_container(merged, resolve=True, throw_on_missing=True))
    except OmegaConfBaseException as error:
        problems.append(f"{_source(str(error.full_key).split('.'), layers)}: {str(error).splitlines()[0]}")
    except ValidationError as error:
        problems += [_explain(detail, layers) for detail in error.errors()]
    if problems:
        raise ConfigError("\n".join(problems))
    return config


def _read_layers(path: Path, seen: tuple[Path, ...]) -> list[tuple[str, dict[str, Any]]]:
    """The files from the most basic to `path`, with what each says."""
    if path.resolve() in seen:
        raise ConfigError(f"{path}: extends itself, by way of {' → '.join(map(str, seen))}")
    if not path.is_file():
        wanted_by = f" (extended by {seen[-1]})" if seen else ""
        raise ConfigError(f"{path}: no such config file{wanted_by}")
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not readable as YAML: {error}") from None
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise ConfigError(f"{path}: expected keys with values, found {type(content).__name__}")
    base = content.pop("extends", None)
    if base is None:
        return [(str(path), content)]
    if not isinstance(base, str):
        raise ConfigError(f"{path}: extends: expected one file name, found {base!r}")
    return [*_read_layers(path.parent / base, (*seen, path.resolve())), (str(path), content)]


def _parse_value(text: str) -> Any:
    """An override's value as YAML; what is no YAML, such as "{actor} on {target}", is taken as it stands."""
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError:
        return text


def _nest(keys: Sequence[str], value: Any) -> dict[str, Any]:
    for key in reversed(keys):
        value = {key: value}
    return value


def _explain(detail: Any, layers: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """One pydantic error as: where it stands, key, what was expected, what was found."""
    path = [part for part in detail["loc"] if isinstance(part, str)]
    key = ".".join(path)
    if detail["type"] == "missing":
        files = [name for name, _ in layers if name != _COMMAND_LINE]
        return f"{files[-1]}: {key}: missing"
    source = _source(path, layers)
    if detail["type"] == "extra_forbidden":
        known = _known_keys(path[:-1])
        close = difflib.get_close_matches(path[-1], known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known)}"
        return f"{source}: {key}: unknown key; {hint}"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{source}: {key}: {message[0].lower()}{message[1:]}; found {detail['input']!r}"


def _source(path: Sequence[str], layers: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """The last file, or the command line, that sets a key."""
    return next((name for name, content in reversed(layers) if _has(content, path)), layers[-1][0])


def _has(content: Any, path: Sequence[str]) -> bool:
    for key in path:
        if not isinstance(content, dict) or key not in content:
            return False
        content = content[key]
    return True


def _known_keys(path: Sequence[str]) -> list[str]:
    section: Any = RunConfig
    for key in path:
        section = section.model_fields[key].annotation
    return list(section.model_fields)
