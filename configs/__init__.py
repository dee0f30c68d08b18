"""Experiments as YAML, one file each. `scripts/train.py configs/NAME.yaml` runs one."""
