"""Vocabularies, chat templates, and what of a stranger's folder is let through to transformers."""
