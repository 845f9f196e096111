"""Retraining: labelled data, the mapping of public sets, fitting and evaluation (extra ``train``)."""
