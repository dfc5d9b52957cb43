"""Landslide Lens' core: trains, judges and explains landslide classifiers on satellite patches.

The flow, drawn once (``core.pipeline`` reads in the same order):

    reader -> dataset file -> check -> folds -> for each fold, on its training part only:
        normaliser.fit -> SSIM-SMOTE -> online augmentation -> train backbone -> its embeddings
        -> heads (FC, SVM, boosted trees, ...) on the embeddings of the training part
      -> out-of-fold probability of every real patch, head by head -> thresholds, calibration, intervals
      -> UMAP + boundary, Grad-CAM, band occlusion -> predict / submission

The axis alphabet, used in every docstring and shape comment:

    N samples (patches)    C bands    H, W pixels    D features of an embedding    K classes

Words: *patch* one image (C, H, W); *band* a spectral channel; *group* patches that must stay in one fold;
``logits`` before and ``probs`` after softmax; ``target`` is truth, ``pred`` the decision; ``embeddings`` (N, D)
are features and ``xy`` (N, 2) their map; ``cam`` is a heat map; ``drop`` the score lost when a band is occluded.

Importing this package loads nothing heavy.
"""

__version__ = "0.2.0"
