"""The network: any `AutoModel` encoder over the pair (text, query), pooling, one linear layer."""

from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from ..data import STANCES

POOLINGS = ("mean", "cls")


class StanceConfig(PreTrainedConfig):
    """Everything besides weights and tokenizer that decides what the model answers.

    Args:
        encoder: the encoder's own configuration, as an object or as the dictionary it is saved as.
        pooling: `mean` over all tokens of the pair, or the hidden state of the first token, `cls`.
        query_template: the second half of the pair; holds `{actor}` and `{target}`.
        mark_actor: put brackets around the actor where the text names it.
        max_tokens: tokens per pair; the text is cut to fit, never the query.
        dropout: share of the pooled vector's components dropped while training, 0 to 1.
        calibration_temperature: the logits are divided by it, so that their softmax is calibrated (Guo et al., 2017,
            "On Calibration of Modern Neural Networks").
        abstain_below: how often labels shall be right ("0.9") and the confidence from which on they were on validation,
            None where they never are; see `actorstance.training.calibration.abstention_thresholds`.
    """

    model_type = "actorstance"

    def __init__(
        self,
        *,
        encoder: PreTrainedConfig | dict[str, Any] | None = None,
        pooling: str = "mean",
        query_template: str = "{actor} on {target}",
        mark_actor: bool = False,
        max_tokens: int = 192,
        dropout: float = 0.1,
        calibration_temperature: float = 1.0,
        abstain_below: dict[str, float | None] | None = None,
        **kwargs: Any,
    ) -> None:
        if encoder is None or isinstance(encoder, dict):
            settings = dict(encoder or {})
            encoder = AutoConfig.for_model(settings.pop("model_type", "bert"), **settings)
        self.encoder = encoder
        self.pooling = pooling
        self.query_template = query_template
        self.mark_actor = mark_actor
        self.max_tokens = max_tokens
        self.dropout = dropout
        self.calibration_temperature = calibration_temperature
        self.abstain_below = abstain_below or {}
        kwargs.setdefault("id2label", dict(enumerate(STANCES)))
        kwargs.setdefault("label2id", {stance: index for index, stance in enumerate(STANCES)})
        super().__init__(**kwargs)


class StanceForSequenceClassification(PreTrainedModel):
    """Encoder, pooling and a linear head with one logit per stance, in the order of `config.id2label`."""

    config_class = StanceConfig
    base_model_prefix = "encoder"
    _supports_sdpa = True

    def __init__(self, config: StanceConfig, encoder: PreTrainedModel | None = None) -> None:
        super().__init__(config)
        self.encoder = AutoModel.from_config(config.encoder) if encoder is None else encoder
        if getattr(self.encoder, "pooler", None) is not None:
            self.encoder.pooler = None  # pooling happens here; the pretrained pooler would be dead weight
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(config.encoder.hidden_size, len(STANCES))
        self.post_init()

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        **_: Any,
    ) -> SequenceClassifierOutput:
        """Score pairs.

        Args:
            input_ids, attention_mask, token_type_ids: (pairs, tokens), as the tokenizer gives them.
            labels: (pairs,) indices of stances; adds the plain cross-entropy as `loss`.

        Returns:
            `logits` of shape (pairs, stances), already divided by the temperature.
        """
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        if token_type_ids is not None:
            inputs["token_type_ids"] = token_type_ids
        hidden = self.encoder(**inputs).last_hidden_state
        pooled = mean_pool(hidden, attention_mask) if self.config.pooling == "mean" else hidden[:, 0]
        logits = self.classifier(self.dropout(pooled)) / self.config.calibration_temperature
        loss = None if labels is None else nn.functional.cross_entropy(logits.float(), labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)


def mean_pool(hidden: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """The mean over all tokens that are no padding, (pairs, dimensions), from (pairs, tokens, dimensions)."""
    mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * mask).sum(1) / mask.sum(1)
