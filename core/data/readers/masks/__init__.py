"""Masks: where they are, what in them means landslide, which of their pixels lies on which of the image's."""
