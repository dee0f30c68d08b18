"""The stance classifier. Importing this package registers it with transformers' Auto classes."""

from transformers import AutoConfig, AutoModelForSequenceClassification

from .inference import Prediction, StanceClassifier
from .modeling import StanceConfig, StanceForSequenceClassification

AutoConfig.register(StanceConfig.model_type, StanceConfig, exist_ok=True)
AutoModelForSequenceClassification.register(StanceConfig, StanceForSequenceClassification, exist_ok=True)

__all__ = ["Prediction", "StanceClassifier", "StanceConfig", "StanceForSequenceClassification"]
