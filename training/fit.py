"""Fine-tuning: our config in the terms of transformers' Trainer."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from accelerate import PartialState
from datasets import Dataset
from safetensors.torch import load_file
from scipy.special import softmax
from sklearn.utils.class_weight import compute_class_weight
from transformers import (
    AutoModel,
    AutoTokenizer,
    DataCollatorWithPadding,
    EarlyStoppingCallback,
    EvalPrediction,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
    TrainerState,
    TrainingArguments,
    enable_full_determinism,
)
from transformers.trainer_callback import ExportableState
from transformers.trainer_pt_utils import LengthGroupedSampler
from transformers.utils import logging

from ..data import STANCES, CorpusError, Record, RecordError
from ..data.files import write_atomically
from ..models import StanceClassifier, StanceConfig, StanceForSequenceClassification
from ..models.encoders import locate_encoder
from ..models.encoding import encode
from .calibration import abstention_thresholds, fit_temperature
from .config import ConfigError, ModelConfig, RunConfig
from .distillation import Scores, answers
from .metrics import macro_f1
from .run_folder import CHECKPOINTS, LOG_FILE, last_checkpoint
from .tracking import Tracker


@dataclass(frozen=True)
class Materials:
    """What a run is made of, once the model is loaded and every record encoded.

    `labels` in the data sets are distributions over the stances: one-hot, or mixed with what teachers say.
    """

    model: StanceForSequenceClassification
    tokenizer: PreTrainedTokenizerBase
    train: Dataset
    validation: Dataset


def prepare(config: RunConfig, splits: Mapping[str, Sequence[Record]], teachers: Mapping[Record, Scores]) -> Materials:
    """Load the encoder and encode the records.

    Args:
        config: from `load_config`.
        splits: train, validation and test; all labelled but for the questions in train that teachers answer.
        teachers: see `read_teachers`; empty without distillation.

    Raises:
        CorpusError: records whose actor and target are too long for `model.max_tokens`.
        ConfigError: there is no such encoder, `model.max_tokens` is more than it can read, or the processes can't share
            the batches evenly.
    """
    processes = PartialState().num_processes
    if config.training.batch_size % processes:
        raise ConfigError(
            f"training.batch_size: {processes} processes share each batch: expected a multiple of {processes}; "
            f"found {config.training.batch_size}"
        )
    enable_full_determinism(config.seed)
    # A debugging aid that costs 4% of the time on a CPU.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    model, tokenizer = build_model(config)
    encodings = {name: encode(rows, tokenizer, cast(StanceConfig, model.config)) for name, rows in splits.items()}
    if problems := [
        f"{name}: {error} (text: {record.text[:60]!r})"
        for name, records in splits.items()
        for record, error in zip(records, encodings[name], strict=True)
        if isinstance(error, RecordError)
    ]:
        raise CorpusError(problems)
    share = config.training.teacher_share
    train, validation = (
        Dataset.from_list(
            [
                encoding | {"labels": answer}
                for encoding, answer in zip(encodings[name], answers(splits[name], known, share), strict=True)
            ]
        )
        for name, known in (("train", teachers), ("validation", {}))
    )
    return Materials(model, tokenizer, train, validation)


def fit(
    config: RunConfig, materials: Materials, tracker: Tracker, callbacks: Sequence[TrainerCallback] = ()
) -> tuple[StanceClassifier, float]:
    """Fine-tune the encoder, keep the best epoch, fit the temperature, save the model to the run folder.

    Returns:
        The model, and the minutes spent on training, also before a kill.
    """
    folder = config.run_dir
    model, tokenizer = materials.model, materials.tokenizer
    trainer = _Trainer(
        model=model,
        args=training_arguments(config),
        train_dataset=materials.train,
        eval_dataset=materials.validation,
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer, pad_to_multiple_of=8),
        compute_loss_func=_make_loss(config, np.array(materials.train["labels"]).argmax(-1)),
        compute_metrics=_validation_metrics,
        callbacks=[_TrackProgress(tracker), _Clock(), *callbacks],
    )
    if config.training.early_stopping_patience is not None:
        trainer.add_callback(EarlyStoppingCallback(config.training.early_stopping_patience))
    checkpoint = last_checkpoint(folder)
    if checkpoint and _patience_is_spent(checkpoint, config):
        # Killed between its last checkpoint and its end: the Trainer itself would train on.
        trainer.state = TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
        model.load_state_dict(load_file(Path(str(trainer.state.best_model_checkpoint)) / "model.safetensors"))
    else:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)

    output = trainer.predict(materials.validation)
    logits, gold = np.asarray(output.predictions, dtype=float), np.asarray(output.label_ids).argmax(-1)
    settings = cast(StanceConfig, model.config)
    settings.calibration_temperature = fit_temperature(logits, gold)
    scores = softmax(logits / settings.calibration_temperature, axis=1)
    settings.abstain_below = abstention_thresholds(scores.max(1), scores.argmax(1) == gold)
    weights = trainer.accelerator.get_state_dict(trainer.model_wrapped)  # gathers them where they are sharded
    if trainer.is_world_process_zero():
        write_atomically(folder / LOG_FILE, json.dumps(trainer.state.log_history, indent=1) + "\n")
        tokenizer.save_pretrained(folder)
        model.save_pretrained(folder, state_dict=weights)
    trainer.accelerator.wait_for_everyone()
    # Measured is what was saved, by the code that users load it with.
    clock = cast(dict[str, Any], trainer.state.stateful_callbacks)["_Clock"]
    return StanceClassifier.from_pretrained(folder, device=trainer.args.device), clock["attributes"]["seconds"] / 60


def build_model(config: RunConfig) -> tuple[StanceForSequenceClassification, PreTrainedTokenizerBase]:
    """The pretrained encoder with a new head, and its tokenizer; see `prepare` for errors."""
    encoder, tokenizer = load_encoder(config.model)
    positions = getattr(encoder.config, "max_position_embeddings", None) or tokenizer.model_max_length
    most, found = min(tokenizer.model_max_length, positions), config.model.max_tokens
    if found > most:
        raise ConfigError(f"model.max_tokens: at most {most} for {config.model.encoder}; found {found}")
    if config.model.encoder_dropout is not None:
        for module in encoder.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = config.model.encoder_dropout
    settings = config.model.model_dump(exclude={"encoder", "revision", "encoder_dropout"})
    return StanceForSequenceClassification(StanceConfig(encoder=encoder.config, **settings), encoder), tokenizer


def load_encoder(config: ModelConfig) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The pretrained encoder as it is, and its tokenizer.

    Raises:
        ConfigError: there is none of that name, or it lacks weights.
    """
    source, revision = locate_encoder(config.encoder, config.revision), config.revision or "main"
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, revision=revision)
        # Eager attention trains 1.4 times as fast as torch's fused kernel on a CPU, whose backward pass is slow.
        attention = None if torch.accelerator.is_available() else "eager"
        with _quiet_loading():
            encoder, loading = AutoModel.from_pretrained(
                source,
                revision=revision,
                use_safetensors=True,
                dtype=torch.float32,
                attn_implementation=attention,
                output_loading_info=True,
            )
    except OSError as error:
        raise ConfigError(f"model.encoder: {config.encoder} can't be loaded: {error}") from None
    if missing := sorted(key for key in loading["missing_keys"] if not key.startswith("pooler.")):
        raise ConfigError(
            f"model.encoder: expected all weights of a pretrained encoder in {config.encoder}; missing: "
            + ", ".join(missing[:3])
        )
    return encoder, tokenizer


@contextmanager
def _quiet_loading() -> Iterator[None]:
    """Without transformers' report on missing weights: a pooler, which is not used, may well be missing."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)


def training_arguments(config: RunConfig) -> TrainingArguments:
    """Our config in the Trainer's terms."""
    settings = config.training
    return TrainingArguments(
        output_dir=str(config.run_dir / CHECKPOINTS),
        seed=config.seed,
        full_determinism=True,
        use_cpu=not torch.accelerator.is_available(),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=4 * settings.batch_size,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="constant_with_warmup" if settings.scheduler == "constant" else settings.scheduler,
        warmup_steps=settings.warmup_share,  # below 1, the Trainer reads it as a share of all steps
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        bf16=computes_in_bf16() if settings.precision == "auto" else settings.precision == "bf16",
        train_sampling_strategy="group_by_length",
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=2,  # the last and the best
        logging_steps=10,
        load_best_model_at_end=True,
        metric_for_best_model="macro_f1",
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,  # early stopping counts on after --resume
        remove_unused_columns=True,
        report_to="none",  # tracking is ours: see tracking.py
        # A batch is the config's, however many processes share it, and all of them draw the same ones.
        accelerator_config={"split_batches": True, "use_seedable_sampler": False},
        dataloader_pin_memory=torch.accelerator.is_available(),
    )


def computes_in_bf16() -> bool:
    """Whether bf16 is faster than fp32 here: on NVIDIA GPUs since Ampere, on CPUs with AVX-512 BF16 or AMX."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if torch.accelerator.is_available():
        return False
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def _patience_is_spent(checkpoint: Path, config: RunConfig) -> bool:
    state = json.loads((checkpoint / "trainer_state.json").read_text())
    stopping = state["stateful_callbacks"].get("EarlyStoppingCallback", {})
    waited = stopping.get("attributes", {}).get("early_stopping_patience_counter", 0)
    return bool(waited >= (config.training.early_stopping_patience or float("inf")))


def _make_loss(config: RunConfig, labels: np.ndarray) -> Any:
    """Cross-entropy with class weights and label smoothing, in the form that the Trainer calls.

    `labels` are the likeliest stances of the training rows, (rows,) indices.
    """
    weight = None
    if config.training.class_weights == "balanced":
        weight = torch.ones(len(STANCES))
        present = np.unique(labels)
        weight[present] = torch.tensor(compute_class_weight("balanced", classes=present, y=labels), dtype=torch.float32)

    def loss(outputs: Any, gold: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        logits = outputs["logits"].float()
        total = torch.nn.functional.cross_entropy(
            logits,
            gold,
            weight=None if weight is None else weight.to(logits.device),
            label_smoothing=config.training.label_smoothing,
            reduction="sum" if num_items_in_batch is not None else "mean",
        )
        # The Trainer counts the numbers in `labels`, of which each record has one per stance.
        return total if num_items_in_batch is None else total / (num_items_in_batch / len(STANCES))

    return loss


def _validation_metrics(prediction: EvalPrediction) -> dict[str, float]:
    predicted = np.asarray(prediction.predictions).argmax(-1)
    labels = np.asarray(prediction.label_ids).argmax(-1)
    return {"macro_f1": macro_f1(labels, predicted), "accuracy": float((labels == predicted).mean())}


class _Trainer(Trainer):
    """Draws the same batches on any number of processes, and after a kill."""

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroupedSampler:
        sampler = cast(LengthGroupedSampler, super()._get_train_sampler(train_dataset))
        return _SameForAll(sampler.batch_size, lengths=sampler.lengths, seed=self.args.seed)


class _SameForAll(LengthGroupedSampler):
    """Its order hangs on seed and epoch alone, not on what else a process has drawn random numbers for."""

    def __init__(self, batch_size: int, lengths: list[int], seed: int) -> None:
        super().__init__(batch_size, lengths=lengths, generator=torch.Generator())
        self._seed = seed
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        self.generator.manual_seed(self._seed + epoch)


class _TrackProgress(TrainerCallback):
    """Hands the Trainer's log lines to the tracker."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        values = {
            key.replace("eval_", "validation/") if key.startswith("eval_") else f"train/{key}": value
            for key, value in (logs or {}).items()
        }
        self._tracker.log(values, step=state.global_step)


class _Clock(TrainerCallback, ExportableState):
    """Counts the seconds of training; what was counted is saved with each checkpoint and goes on after a kill."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._started: float | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._started = time.monotonic() - self.seconds

    def state(self) -> dict[str, Any]:
        if self._started is not None:
            self.seconds = time.monotonic() - self._started
        return {"args": {}, "attributes": {"seconds": self.seconds}}
