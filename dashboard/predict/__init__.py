"""Answers for new ground: scenes and their maps, patches, and the model as a file."""
