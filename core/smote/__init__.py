"""SSIM-SMOTE: similarity of patches, and synthetic patches between similar ones (paper A, Algorithm 1)."""
