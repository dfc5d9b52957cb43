"""Networks: backbones, branches, pretrained weights, what they cost."""
