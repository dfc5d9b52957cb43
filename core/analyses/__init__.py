"""Studies: what is asked of a finished run or of a whole dataset after training, each a module of its own.

They wire stages as ``core.flow.scoring`` does, take a run folder, yield progress, and leave what they found in that folder.
None of them trains a network, and no stage knows of them.
"""
