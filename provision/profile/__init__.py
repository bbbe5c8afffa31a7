"""What a user writes: the model, its files, and the rules between its values."""
