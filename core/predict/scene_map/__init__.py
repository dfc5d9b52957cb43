"""What a page shows of a scene's answer: a small picture, the answer over it, outlines and cells in its pixels."""
