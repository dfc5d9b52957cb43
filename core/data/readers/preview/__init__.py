"""A look at a source before it is imported: what was understood, some patches, and what is left open."""

from core.data.readers.preview.look import Preview, Question, look

__all__ = ["Preview", "Question", "look"]
