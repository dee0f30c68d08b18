"""Loading a trained model, with every way in which a folder can fail to be one told apart."""

from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from ..data import STANCES
from .modeling import StanceConfig, StanceForSequenceClassification

_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "tokenizer.model", "spiece.model", "spm.model")


def load_model(name: str | Path) -> StanceForSequenceClassification:
    """Load configuration and weights; see `StanceClassifier.from_pretrained`."""
    if Path(name).exists():
        _check_folder(Path(name))
    return _load_weights(name, _load_config(name))


def _load_config(name: str | Path) -> StanceConfig:
    try:
        config = StanceConfig.from_pretrained(name)
    except OSError as error:
        raise FileNotFoundError(
            f"{name}: neither a run folder here nor a model on the Hugging Face Hub ({_first_line(error)})"
        ) from None
    if config.model_type != StanceConfig.model_type:
        raise ValueError(f"{name}: expected model_type {StanceConfig.model_type!r}, found {config.model_type!r}")
    labels = [str(label) for label in (config.id2label or {}).values()]
    if sorted(labels) != sorted(STANCES):
        raise ValueError(f"{name}: expected the labels {', '.join(STANCES)}; config.json has {', '.join(labels)}")
    return config


def _load_weights(name: str | Path, config: StanceConfig) -> StanceForSequenceClassification:
    try:
        loaded: Any = StanceForSequenceClassification.from_pretrained(
            name, config=config, use_safetensors=True, output_loading_info=True
        )
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(f"{name}: model.safetensors can't be read ({_first_line(error)})") from None
    model, report = loaded
    if report["missing_keys"]:  # transformers would go on with random numbers in their place
        raise ValueError(f"{name}: model.safetensors lacks {', '.join(sorted(report['missing_keys']))}")
    return model


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _check_folder(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(f"{folder}: no config.json in it; expected a run folder written by scripts/train.py")
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        # transformers would go on with an empty vocabulary: every word unknown
        raise FileNotFoundError(
            f"{folder}: no tokenizer in it (one of {', '.join(_VOCABULARIES)}); copy the whole folder"
        )
    if not list(folder.glob("model*.safetensors")):
        pickles = [path.name for path in folder.iterdir() if path.suffix in {".bin", ".pt", ".pth", ".pkl", ".ckpt"}]
        if pickles:
            raise ValueError(
                f"{folder}: expected model.safetensors, found {', '.join(sorted(pickles))}; pickled weights can run "
                "code when they are loaded and are refused. Save the model again with save_pretrained"
            )
        raise FileNotFoundError(f"{folder}: no model.safetensors in it; was the training run finished?")
