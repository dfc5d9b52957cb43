"""Why the network decides as it does: Grad-CAM and the occlusion of bands."""
