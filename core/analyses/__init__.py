"""What is asked of a finished run, of a dataset or before training: one module an analysis (see ``base``).

None of them trains a network of a run, and no stage knows of them.
"""
