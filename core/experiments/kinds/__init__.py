"""The kinds of experiments, a module each; see ``core.experiments.base``."""
