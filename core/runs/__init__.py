"""Run folders: the only rooms that know file names under the checkpoints folder."""
