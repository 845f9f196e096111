"""A large teacher and the small encoder that learns from it, on one GPU (extra ``pretrain``)."""
