"""What a comparison is worth beyond one training: the spread over trainings of a recipe, beside the intervals."""
