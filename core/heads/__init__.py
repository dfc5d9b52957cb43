"""What turns an embedding into a decision: FC, RBF-SVM, and the band-statistics baselines beside them."""
