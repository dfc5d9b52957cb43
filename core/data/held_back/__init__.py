"""What the source of a dataset holds back for a test: never trained on, judged on request, each time recorded."""
