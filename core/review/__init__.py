"""Where people look again: judgements, likely wrong labels, versions of the labels, and what to label next."""
