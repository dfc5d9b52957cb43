"""Sets of runs that answer one question: ablations, backbones, how much of a network to open, any grid."""
