"""The encoder is made here: ``python -m vocnlp.training.pretrain --data-root DIR --work DIR``."""
