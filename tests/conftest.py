"""A tiny real encoder, a small corpus that it can learn, and a run trained by the real command."""

import importlib.util
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny models gain nothing from more, and lose much on a busy machine
os.environ.pop("WANDB_API_KEY", None)

import pytest

ROOT = Path(__file__).parent.parent
ACTORS = ["Veloria", "Drennia", "Ostmark", "Minister Dale", "the Senate", "Queen Ilse"]
TARGETS = ["the naval pact", "a peacekeeping force", "the missile base", "Veloria's accession", "the grain deal"]
FRAMES = {
    "favor": ["{a} backs {t}.", "{a} called for {t} on Monday.", "{a} has long wanted {t}."],
    "against": ["{a} rejects {t}.", "{a} ruled out {t} on Monday.", "{a} has long fought {t}."],
    "conditional": ["{a} accepts {t} only if it is paid.", "{a} may agree to {t} later.", "Not yet, says {a} of {t}."],
    "none": ["{a} was asked about {t}.", "{a} met the press, which wrote of {t}.", "{a} took note of {t}."],
}


def make_records() -> list[dict[str, str]]:
    """Sentences that a tiny model can learn; one actor, one target, all stances."""
    return [
        {"text": frame.format(a=actor, t=target), "actor": actor, "target": target, "stance": stance}
        for stance, frames in FRAMES.items()
        for frame in frames
        for actor in ACTORS
        for target in TARGETS
    ]


def write_jsonl(path: Path, records: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@dataclass(frozen=True)
class Result:
    """What a command left: its exit status and what it printed."""

    status: int
    out: str
    err: str


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run a script of scripts/ in this process (a new one would import torch again for each test)."""

    def run(name: str, *arguments: Any) -> Result:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        spec = importlib.util.spec_from_file_location(f"script_{name}", ROOT / "scripts" / f"{name}.py")
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        capfd.readouterr()
        try:
            status = module.main()
        except SystemExit as stop:
            status = stop.code
        return Result(status, *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers and 32 dimensions with random weights, saved like any encoder."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-encoder")
    # A vocabulary by hand: training one breaks ties at random, and the model would learn now more, now less.
    words = {word for r in make_records() for word in re.findall(r"\w+", f"{r['text']} {r['target']} on".lower())}
    letters = [chr(code) for code in range(33, 127)]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{c}" for c in letters), *sorted(words)]
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    wordpiece = BertWordPieceTokenizer(vocabulary, lowercase=True)
    wordpiece.save(str(folder / "wordpiece.json"))
    BertTokenizerFast(tokenizer_file=str(folder / "wordpiece.json"), model_max_length=128).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=400,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def splits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The records above as train, validation and test files."""
    folder = tmp_path_factory.mktemp("corpus")
    records = make_records()
    parts = {"train": [], "validation": [], "test": []}
    for index, record in enumerate(records):
        parts[{0: "validation", 1: "test"}.get(index * 7 % 10, "train")].append(record)
    return {name: write_jsonl(folder / f"{name}.jsonl", rows) for name, rows in parts.items()}


@pytest.fixture(scope="session")
def tiny_config(tiny_encoder: Path, splits: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A config that extends the shipped default one and trains in seconds."""
    folder = tmp_path_factory.mktemp("configs")
    shutil.copy(ROOT / "configs" / "default.yaml", folder)
    path = folder / "tiny.yaml"
    path.write_text(
        f"""
extends: default.yaml
name: tiny
output_dir: {folder / "runs"}
data: {{train: {splits["train"]}, validation: {splits["validation"]}, test: {splits["test"]}}}
model: {{encoder: {tiny_encoder}, max_tokens: 64}}
training: {{epochs: 10, batch_size: 16, learning_rate: 3e-3}}
tracking: {{mode: disabled}}
"""
    )
    return path


@pytest.fixture(scope="session")
def trained(tiny_config: Path) -> Path:
    """A run folder made by training, once for all tests; not to be changed."""
    from actorstance.training.config import load_config
    from actorstance.training.train import train

    config = load_config(tiny_config, ["name=shared"])
    train(config)
    return config.run_dir


@pytest.fixture(scope="session")
def classifier(trained: Path) -> Any:
    """The trained tiny model."""
    from actorstance.models import StanceClassifier

    return StanceClassifier.from_pretrained(trained)
