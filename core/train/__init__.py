"""Training: augmentation, networks, schedules and the loop. Entering this room makes timm importable."""

from core.torchvision_guard import guard_torchvision

guard_torchvision()
