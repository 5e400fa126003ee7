"""Parts of ``scripts/pretrain_backbone.py``: pictures, targets, the cache of crops, the objective."""
