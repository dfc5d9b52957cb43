"""The commands of ``core.cli``, one module each. They take arguments and print; nothing is computed here."""
