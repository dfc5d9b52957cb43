"""How many landslides may be missed, what inspecting the rest costs, and the decision as a file."""
